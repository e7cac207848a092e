//! The filters `safe` and `escape` give texts that escape whatever is added to them with `+`, in Python and here. Only
//! templates that have these filters are written so that their additions know it.

use crate::tags::Tag;
use minijinja::machinery::Token;
use minijinja::value::{Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State};

/// The filter that adds. The name is none that a template has by chance.
pub const PLUS: &str = "pith_plus_";
const BYTES_PER_FUEL: usize = 64;

pub fn add(environment: &mut Environment) {
    environment.add_filter(PLUS, plus);
    environment.add_filter("e", escape);
    environment.add_filter("escape", escape);
}

/// Whether a token is the name of such a filter.
pub fn is_filter(tag: &Tag, index: usize) -> bool {
    let is_piped = index > 0 && matches!(tag.token(index - 1), Some(Token::Pipe));
    is_piped && matches!(tag.word(index), Some("safe" | "escape" | "e"))
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&#39;"),
            '"' => out.push_str("&#34;"),
            c => out.push(c),
        }
    }
    out
}

fn escape(value: Value) -> Value {
    match value.is_safe() {
        true => value,
        false => Value::from_safe_string(escaped(&value.to_string())),
    }
}

fn plus(state: &State, left: Value, right: Value) -> Result<Value, Error> {
    let fault = || {
        let text = format!("{} + {} in a template with the filter safe or escape", left.kind(), right.kind());
        Error::new(ErrorKind::InvalidOperation, text)
    };
    if let (Some(a), Some(b)) = (left.as_str(), right.as_str()) {
        state.consume_fuel(((a.len() + b.len()) / BYTES_PER_FUEL) as u64)?;
        return Ok(match (left.is_safe(), right.is_safe()) {
            (false, false) => Value::from(format!("{a}{b}")),
            (true, true) => Value::from_safe_string(format!("{a}{b}")),
            (true, false) => Value::from_safe_string(format!("{a}{}", escaped(b))),
            (false, true) => Value::from_safe_string(format!("{}{b}", escaped(a))),
        });
    }
    match (left.kind(), right.kind()) {
        (ValueKind::Number, ValueKind::Number) if left.is_integer() && right.is_integer() => {
            let sum = i64::try_from(left.clone())?.checked_add(i64::try_from(right.clone())?);
            sum.map(Value::from).ok_or_else(fault)
        }
        (ValueKind::Seq, ValueKind::Seq) => Ok(left.try_iter()?.chain(right.try_iter()?).collect()),
        _ => Err(fault()),
    }
}
