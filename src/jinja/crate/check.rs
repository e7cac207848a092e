//! Refuses templates that could end the process, before they are compiled: the engine's parser, its compiler and the
//! printing of values recurse as deep as a template makes them. Real templates are far from each limit.

use crate::limits::{BRANCHES_MAX, LINES_MAX, TAG_TOKENS_MAX};
use crate::markup;
use crate::tags::Tag;
use minijinja::machinery::Token;

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
    tags.iter().try_for_each(|tag| {
        check_loop(source, tag)?;
        check_self(source, tag)?;
        check_markup(source, tag)
    })
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

/// The variable `loop` remembers what it is told, itself for one, and would be printed without end. So it is read by
/// its attributes only.
fn check_loop(source: &str, tag: &Tag) -> Result<(), Refusal> {
    for index in (0..tag.tokens.len()).filter(|&index| tag.word(index) == Some("loop") && is_variable(tag, index)) {
        let is_called = matches!(tag.token(index + 1), Some(Token::ParenOpen));
        let opens = matches!(tag.token(index + 3), Some(Token::ParenOpen));
        let closes = matches!(tag.token(index + 4), Some(Token::ParenClose));
        if tag.word(index + 2) == Some("cycle") && opens && closes {
            return refuse(source, tag, index, "loop.cycle() cycles through nothing".into());
        }
        if !is_called && !is_read_by_parts(tag, index) {
            return refuse(source, tag, index, "the variable loop is used as a value".into());
        }
    }
    Ok(())
}

/// In Python `self` is the template, of which nothing is left here.
fn check_self(source: &str, tag: &Tag) -> Result<(), Refusal> {
    let is_self = |&index: &usize| tag.word(index) == Some("self") && is_variable(tag, index);
    match (0..tag.tokens.len()).find(is_self) {
        Some(index) => refuse(source, tag, index, "there is no self".into()),
        None => Ok(()),
    }
}

/// What is not followed through here: a text that escapes all that is combined with it.
fn check_markup(source: &str, tag: &Tag) -> Result<(), Refusal> {
    if tag.keyword() == Some("autoescape") {
        return refuse(source, tag, 0, "there is no autoescape".into());
    }
    let goes_on = |&index: &usize| markup::is_filter(tag, index) && matches!(tag.token(index + 1), Some(Token::Pipe));
    match (0..tag.tokens.len()).find(goes_on) {
        Some(index) => {
            let name = tag.word(index).unwrap_or_default();
            refuse(source, tag, index, format!("the filter {name} is followed by another one"))
        }
        None => Ok(()),
    }
}

/// Whether the word is looked up: it is no attribute, filter, test or keyword argument.
fn is_variable(tag: &Tag, index: usize) -> bool {
    let is_name_of = |token: Option<&Token>| matches!(token, Some(Token::Dot | Token::Pipe | Token::Ident("is")));
    let before = index.checked_sub(1).and_then(|index| tag.token(index));
    let before_not = index.checked_sub(2).and_then(|index| tag.token(index));
    let is_negated = matches!(before, Some(Token::Ident("not"))) && matches!(before_not, Some(Token::Ident("is")));
    !is_name_of(before) && !is_negated && !matches!(tag.token(index + 1), Some(Token::Assign))
}

/// `loop.part`, `loop['part']` and `loop is defined` hand on no more than a part.
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
