//! Refuses templates that could end the process, before they are compiled: the engine's parser, its compiler and the
//! printing of values recurse as deep as a template makes them. Real templates are far from each limit.

use crate::limits::{BRANCHES_MAX, LINES_MAX, TAG_TOKENS_MAX};
use crate::tags::Tag;
use minijinja::machinery::Token;
use std::collections::BTreeSet;

/// Where a template is refused (the line begins with 1), and why.
pub struct Refusal {
    pub line: usize,
    pub reason: String,
}

pub fn check(source: &str, tags: &[Tag]) -> Result<(), Refusal> {
    // The engine counts no further.
    if source.bytes().filter(|&byte| byte == b'\n').count() >= LINES_MAX {
        return Err(Refusal { line: LINES_MAX, reason: format!("it has more than {LINES_MAX} lines") });
    }
    check_sizes(source, tags)?;
    let namespaces: BTreeSet<&str> = tags.iter().filter_map(new_namespace).collect();
    tags.iter().try_for_each(|tag| check_names(source, tag, &namespaces))
}

fn refuse(source: &str, tag: &Tag, index: usize, reason: String) -> Result<(), Refusal> {
    let offset = tag.tokens.get(index).map_or(0, |(_, span)| span.start_offset as usize);
    let line = 1 + source.as_bytes()[..offset].iter().filter(|&&byte| byte == b'\n').count();
    Err(Refusal { line, reason })
}

/// Each operator, filter, attribute and bracket may make an expression one level deeper, and so does each `elif`.
fn check_sizes(source: &str, tags: &[Tag]) -> Result<(), Refusal> {
    let mut depth = 0;
    let mut open_branches = Vec::new();
    for tag in tags {
        if tag.tokens.len() > TAG_TOKENS_MAX {
            let reason = format!("a tag has {} tokens, at most {TAG_TOKENS_MAX} are allowed", tag.tokens.len());
            return refuse(source, tag, 0, reason);
        }
        match tag.keyword() {
            Some("if") => open_branches.push(1),
            Some("elif") => *open_branches.last_mut().unwrap_or(&mut 0) += 1,
            Some("endif") => depth -= open_branches.pop().unwrap_or(0),
            _ => continue,
        }
        if matches!(tag.keyword(), Some("if" | "elif")) {
            depth += 1;
        }
        if depth > BRANCHES_MAX {
            return refuse(source, tag, 0, format!("more than {BRANCHES_MAX} branches of `if` are open"));
        }
    }
    Ok(())
}

/// The name in `{% set NAME = namespace(…) %}`.
fn new_namespace<'a>(tag: &Tag<'a>) -> Option<&'a str> {
    let depths = tag.depths();
    let is_assignment = tag.keyword() == Some("set") && matches!(tag.token(2), Some(Token::Assign));
    let is_call = tag.word(3) == Some("namespace") && matches!(tag.token(4), Some(Token::ParenOpen));
    let closes = (5..tag.tokens.len()).find(|&index| depths[index] == 0);
    let is_all = closes.is_some_and(|index| index + 1 == tag.tokens.len());
    tag.word(1).filter(|_| is_assignment && is_call && is_all)
}

/// A namespace or the variable `loop` that could hold itself would be printed without end, and never freed. So they
/// are read by their attributes only: no other value, and no other variable, ever holds one.
fn check_names(source: &str, tag: &Tag, namespaces: &BTreeSet<&str>) -> Result<(), Refusal> {
    let creates = new_namespace(tag).is_some();
    for index in usize::from(tag.is_statement)..tag.tokens.len() {
        let Some(word) = tag.word(index) else { continue };
        if !is_variable(tag, index) {
            continue;
        }
        if word == "namespace" && !(creates && index == 3) {
            return refuse(source, tag, index, "namespace() stands elsewhere than in {% set NAME = namespace(…) %}".into());
        }
        let is_called = matches!(tag.token(index + 1), Some(Token::ParenOpen));
        if word == "loop" && !is_called && !is_read_by_parts(tag, index) {
            return refuse(source, tag, index, "the variable loop is used as a value".into());
        }
        if namespaces.contains(word) && !is_read_by_parts(tag, index) && !is_target(tag, index) {
            return refuse(source, tag, index, format!("the namespace {word} is used as a value"));
        }
    }
    Ok(())
}

/// Whether the word is looked up: it is no attribute, filter, test or keyword argument.
fn is_variable(tag: &Tag, index: usize) -> bool {
    let is_name_of = |token: Option<&Token>| matches!(token, Some(Token::Dot | Token::Pipe | Token::Ident("is")));
    let before = index.checked_sub(1).and_then(|index| tag.token(index));
    let before_not = index.checked_sub(2).and_then(|index| tag.token(index));
    let is_negated = matches!(before, Some(Token::Ident("not"))) && matches!(before_not, Some(Token::Ident("is")));
    !is_name_of(before) && !is_negated && !matches!(tag.token(index + 1), Some(Token::Assign))
}

/// `NAME.part`, `NAME['part']` and `NAME is defined` hand on no more than a part.
fn is_read_by_parts(tag: &Tag, index: usize) -> bool {
    match tag.token(index + 1) {
        Some(Token::Dot | Token::BracketOpen) => true,
        Some(Token::Ident("is")) => {
            let test = index + 2 + usize::from(tag.word(index + 2) == Some("not"));
            matches!(tag.word(test), Some("defined" | "undefined"))
        }
        _ => false,
    }
}

/// `{% set NAME %}`, `{% for NAME in … %}`, `{% macro f(NAME) %}`: the name gets another value.
fn is_target(tag: &Tag, index: usize) -> bool {
    let ends = matches!(tag.token(index + 1), None | Some(Token::Comma | Token::ParenClose));
    let begins = matches!(tag.token(index - 1), Some(Token::Comma | Token::ParenOpen));
    match tag.keyword() {
        Some("set" | "for") => index == 1,
        Some("macro") => ends && begins && tag.depths()[index] == 1,
        _ => false,
    }
}
