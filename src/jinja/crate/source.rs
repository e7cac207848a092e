//! What is written otherwise in a template before it is compiled, so that it means what it means in Python, within
//! limits. Line numbers stay.
//! - `{% generation %}` and `{% endgeneration %}`, which mark the assistant's text for training in transformers and
//!   write nothing, become blocks that open a scope and nothing else, as they do there.
//! - What a statement keeps (`set`, `with`, loops, arguments of macros) passes the filter STORED, which refuses values
//!   that are too heavy or too deep. What becomes part of a namespace passes ASSIGNED. Conditions pass CHECKED, which
//!   looks at the time.
//! - What a loop iterates over passes ITERATED: the engine takes None for an empty list, where Python fails.
//! - Factors pass FACTOR: a list that is repeated may become as heavy as it likes. Operands of `~` pass OPERAND: the
//!   engine writes numbers otherwise than Python.

use crate::markup;
use crate::tags::Tag;
use minijinja::machinery::Token;
use std::ops::Range;

/// Names of filters that no template has by chance.
pub const STORED: &str = "pith_stored_";
pub const ASSIGNED: &str = "pith_assigned_";
pub const CHECKED: &str = "pith_checked_";
pub const ITERATED: &str = "pith_iterated_";
pub const FACTOR: &str = "pith_factor_";
pub const OPERAND: &str = "pith_operand_";

/// A text in place of some bytes of the template.
struct Edit {
    at: Range<usize>,
    text: String,
}

pub fn as_dialect(source: &str, tags: &[Tag]) -> String {
    let has_markup = tags.iter().any(|tag| (0..tag.tokens.len()).any(|index| markup::is_filter(tag, index)));
    let mut edits: Vec<Edit> = tags.iter().flat_map(|tag| edits_of(tag, has_markup)).collect();
    // Stable: of several filters behind one expression the innermost is first.
    edits.sort_by_key(|edit| edit.at.start);
    let mut out = String::with_capacity(source.len() + edits.len() * 16);
    let mut done = 0;
    for edit in edits {
        out.push_str(&source[done..edit.at.start]);
        out.push_str(&edit.text);
        done = edit.at.end;
    }
    out.push_str(&source[done..]);
    out
}

fn edits_of(tag: &Tag, has_markup: bool) -> Vec<Edit> {
    let mut edits = Vec::new();
    let depths = tag.depths();
    let all = usize::from(tag.is_statement)..tag.tokens.len();
    operands(tag, &depths, &Token::Mul, ends_factor, FACTOR, &mut edits);
    operands(tag, &depths, &Token::Tilde, ends_operand, OPERAND, &mut edits);
    if has_markup {
        additions(tag, &depths, &mut edits);
    }
    recursions(tag, &depths, &mut edits);
    match tag.keyword() {
        Some("generation") if all.is_empty() => edits.push(Edit { at: tag.bytes(0), text: "with".into() }),
        Some("endgeneration") if all.is_empty() => edits.push(Edit { at: tag.bytes(0), text: "endwith".into() }),
        Some("if" | "elif") => pass(tag, all, CHECKED, &mut edits),
        Some("for") => of_loop(tag, &depths, &mut edits),
        Some("set") => {
            let assign = all.clone().find(|&index| depths[index] == 0 && is(tag, index, &Token::Assign));
            if let Some(assign) = assign {
                let is_attribute = (1..assign).any(|index| is(tag, index, &Token::Dot));
                let filter = if is_attribute { ASSIGNED } else { STORED };
                pass(tag, assign + 1..all.end, filter, &mut edits);
            }
        }
        Some("with") => of_with(tag, &depths, &mut edits),
        Some("macro") => of_parameters(tag, &depths, 2, &mut edits),
        Some("call") if is(tag, 1, &Token::ParenOpen) => of_parameters(tag, &depths, 1, &mut edits),
        _ => {}
    }
    edits
}

fn is(tag: &Tag, index: usize, token: &Token) -> bool {
    tag.token(index).is_some_and(|found| std::mem::discriminant(found) == std::mem::discriminant(token))
}

/// Passes the expression of some tokens through a filter.
fn pass(tag: &Tag, tokens: Range<usize>, filter: &str, edits: &mut Vec<Edit>) {
    if tokens.is_empty() {
        return;
    }
    let (begin, end) = (tag.bytes(tokens.start).start, tag.bytes(tokens.end - 1).end);
    edits.push(Edit { at: begin..begin, text: "(".into() });
    edits.push(Edit { at: end..end, text: format!(")|{filter}") });
}

/// `{% for TARGET in E if CONDITION recursive %}`.
fn of_loop(tag: &Tag, depths: &[usize], edits: &mut Vec<Edit>) {
    let size = tag.tokens.len();
    let outer = |word: &str, from: usize| (from..size).find(|&at| depths[at] == 0 && tag.word(at) == Some(word));
    let Some(at) = outer("in", 1) else { return };
    let end = outer("recursive", at).unwrap_or(size);
    let condition = outer("if", at).unwrap_or(end).min(end);
    pass(tag, at + 1..condition, ITERATED, edits);
    pass(tag, (condition + 1).min(end)..end, CHECKED, edits);
}

/// `{% with NAME = E, NAME = E %}`.
fn of_with(tag: &Tag, depths: &[usize], edits: &mut Vec<Edit>) {
    let size = tag.tokens.len();
    let outer = |token: Token, from: usize| (from..size).find(|&at| depths[at] == 0 && is(tag, at, &token));
    let mut from = 1;
    while let Some(assign) = outer(Token::Assign, from) {
        let end = outer(Token::Comma, assign).unwrap_or(size);
        pass(tag, assign + 1..end, STORED, edits);
        from = end;
    }
}

/// The parameters in the brackets that open at a token: stored again at the beginning of the body.
fn of_parameters(tag: &Tag, depths: &[usize], open: usize, edits: &mut Vec<Edit>) {
    let close = (open + 1..tag.tokens.len()).find(|&at| depths[at] == depths[open]).unwrap_or(open);
    let is_parameter = |&at: &usize| {
        depths[at] == depths[open] + 1 && (is(tag, at - 1, &Token::ParenOpen) || is(tag, at - 1, &Token::Comma))
    };
    for name in (open + 1..close).filter(is_parameter).filter_map(|at| tag.word(at)) {
        let text = format!("{{% set {name} = {name}|{STORED} {}", tag.close);
        edits.push(Edit { at: tag.end..tag.end, text });
    }
}

/// `loop(E)` in a recursive loop.
fn recursions(tag: &Tag, depths: &[usize], edits: &mut Vec<Edit>) {
    for at in 0..tag.tokens.len() {
        let is_attribute = at > 0 && is(tag, at - 1, &Token::Dot);
        if tag.word(at) != Some("loop") || is_attribute || !is(tag, at + 1, &Token::ParenOpen) {
            continue;
        }
        let close = (at + 2..tag.tokens.len()).find(|&close| depths[close] == depths[at]);
        pass(tag, at + 2..close.unwrap_or(at + 2), ITERATED, edits);
    }
}

/// Whether an operand cannot go on over a token.
type Ends = fn(&Tag, usize) -> bool;

/// Passes the operands of an operator through a filter. An operand goes as far as no token ends it.
fn operands(tag: &Tag, depths: &[usize], sign: &Token, ends: Ends, filter: &str, edits: &mut Vec<Edit>) {
    let mut done = 0;
    for at in 1..tag.tokens.len() {
        let is_splat = is(tag, at - 1, &Token::ParenOpen) || is(tag, at - 1, &Token::Comma);
        if !is(tag, at, sign) || is_splat {
            continue;
        }
        let stops = |&other: &usize| depths[other] < depths[at] || (depths[other] == depths[at] && ends(tag, other));
        let begin = (0..at).rev().find(stops).map_or(0, |other| other + 1);
        let minuses = (at + 1..tag.tokens.len()).take_while(|&other| is(tag, other, &Token::Minus)).count();
        let right = at + 1 + minuses;
        let end = (right..tag.tokens.len()).find(stops).unwrap_or(tag.tokens.len());
        if begin >= done {
            pass(tag, begin..at, filter, edits);
        }
        pass(tag, right..end, filter, edits);
        done = end;
    }
}

/// Whether an operand of `~` cannot go on over this token.
fn ends_operand(tag: &Tag, index: usize) -> bool {
    let is_tighter = matches!(tag.tokens[index].0, Token::Mul | Token::Div | Token::FloorDiv | Token::Mod);
    ends_factor(tag, index) && !is_tighter
}

/// `A + B` becomes `(A)|PLUS(B)`.
fn additions(tag: &Tag, depths: &[usize], edits: &mut Vec<Edit>) {
    for at in (1..tag.tokens.len()).filter(|&at| is(tag, at, &Token::Plus)) {
        let ends = |&other: &usize| {
            let ends_sum = ends_factor(tag, other) && !is_factor_sign(tag, other);
            depths[other] < depths[at] || (depths[other] == depths[at] && ends_sum)
        };
        let begin = (0..at).rev().find(|other| ends(other) && !is_sum_sign(tag, *other)).map_or(0, |other| other + 1);
        let end = (at + 1..tag.tokens.len()).find(ends).unwrap_or(tag.tokens.len());
        if begin == at || end == at + 1 {
            continue;
        }
        let (open, close) = (tag.bytes(begin).start, tag.bytes(end - 1).end);
        edits.push(Edit { at: open..open, text: "(".into() });
        edits.push(Edit { at: tag.bytes(at), text: format!(")|{}(", markup::PLUS) });
        edits.push(Edit { at: close..close, text: ")".into() });
    }
}

fn is_sum_sign(tag: &Tag, index: usize) -> bool {
    matches!(tag.tokens[index].0, Token::Plus | Token::Minus)
}

/// Operators that bind more tightly than `+`.
fn is_factor_sign(tag: &Tag, index: usize) -> bool {
    matches!(tag.tokens[index].0, Token::Mul | Token::Div | Token::FloorDiv | Token::Mod | Token::Tilde)
}

/// Whether a factor cannot go on over this token.
fn ends_factor(tag: &Tag, index: usize) -> bool {
    let is_attribute = index > 0 && is(tag, index - 1, &Token::Dot);
    let is_negated_test = index > 0 && tag.word(index - 1) == Some("is");
    match &tag.tokens[index].0 {
        Token::Ident("not") => !is_negated_test,
        Token::Ident("if" | "else" | "and" | "or" | "in") => !is_attribute,
        // What a statement begins with.
        Token::Ident(_) => index == 0 && tag.is_statement,
        Token::Comma | Token::Colon | Token::Assign | Token::Plus | Token::Minus | Token::Tilde => true,
        Token::Mul | Token::Div | Token::FloorDiv | Token::Mod => true,
        Token::Eq | Token::Ne | Token::Lt | Token::Lte | Token::Gt | Token::Gte => true,
        _ => false,
    }
}
