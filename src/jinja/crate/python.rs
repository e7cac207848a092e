//! Methods of Python's strings, lists and dictionaries that templates call, where the companion crate lacks them or
//! differs from Python.

use crate::{filters, iterables, limits, weight};
use minijinja::value::{from_args, Value, ValueKind};
use minijinja::{Error, ErrorKind, State};
use minijinja_contrib::pycompat::unknown_method_callback;

/// `str.isspace`: Unicode's white space and the four separators of ASCII.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

fn fault(text: &str) -> Error {
    Error::new(ErrorKind::InvalidOperation, text.to_string())
}

fn one_of(chars: Option<&str>) -> impl Fn(char) -> bool + '_ {
    move |c| chars.map_or_else(|| is_space(c), |chars| chars.contains(c))
}

/// Jinja's filter: white space as Python sees it, or the given characters.
pub fn trim(value: Value, chars: Option<&str>) -> Result<String, Error> {
    if value.is_undefined() {
        return Ok(String::new());
    }
    Ok(value.to_string().trim_matches(one_of(chars)).to_string())
}

/// Whether Python iterates over it: over None it does not, whatever the engine does.
pub fn is_iterable(value: &Value) -> bool {
    !value.is_none() && value.try_iter().is_ok()
}

/// Python's Jinja asks for a length and items.
pub fn is_sequence(value: &Value) -> bool {
    match value.kind() {
        ValueKind::Undefined | ValueKind::String | ValueKind::Seq | ValueKind::Map => true,
        ValueKind::Iterable => value.len().is_some(),
        _ => false,
    }
}

pub fn method(state: &mut State, value: &Value, name: &str, args: &[Value]) -> Result<Value, Error> {
    limits::check_time()?;
    let own = match value.kind() {
        ValueKind::String => string_method(value.as_str().unwrap_or_default(), name, args)?,
        ValueKind::Seq => list_method(value, name, args)?,
        ValueKind::Map => map_method(state, value, name, args)?,
        _ => None,
    };
    match own {
        Some(result) => Ok(result),
        None => unknown_method_callback(state, value, name, args),
    }
}

fn string_method(text: &str, name: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    Ok(Some(match name {
        "format" => {
            filters::check_format(text)?;
            return Ok(None);
        }
        "title" => {
            let () = from_args(args)?;
            Value::from(title(text))
        }
        "strip" | "lstrip" | "rstrip" => {
            let (chars,): (Option<&str>,) = from_args(args)?;
            Value::from(match name {
                "strip" => text.trim_matches(one_of(chars)),
                "lstrip" => text.trim_start_matches(one_of(chars)),
                _ => text.trim_end_matches(one_of(chars)),
            })
        }
        "removeprefix" => {
            let (prefix,): (&str,) = from_args(args)?;
            Value::from(text.strip_prefix(prefix).unwrap_or(text))
        }
        "removesuffix" => {
            let (suffix,): (&str,) = from_args(args)?;
            Value::from(text.strip_suffix(suffix).unwrap_or(text))
        }
        "split" | "rsplit" => {
            let (separator, most): (Option<&str>, Option<i64>) = from_args(args)?;
            let most = most.and_then(|most| usize::try_from(most).ok());
            split(text, separator, most, name == "rsplit")?
        }
        "splitlines" => {
            let (keep_ends,): (Option<bool>,) = from_args(args)?;
            lines(text, keep_ends.unwrap_or(false))
        }
        "partition" | "rpartition" => {
            let (separator,): (&str,) = from_args(args)?;
            partition(text, separator, name == "rpartition")?
        }
        "index" | "rindex" => {
            let (part,): (&str,) = from_args(args)?;
            let at = if name == "index" { text.find(part) } else { text.rfind(part) };
            Value::from(text[..at.ok_or_else(|| fault("substring not found"))?].chars().count())
        }
        "isspace" => {
            let () = from_args(args)?;
            Value::from(!text.is_empty() && text.chars().all(is_space))
        }
        _ => return Ok(None),
    }))
}

/// Letters after letters are small, others large.
fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut after_letter = false;
    for c in text.chars() {
        if after_letter {
            out.extend(c.to_lowercase());
        } else {
            out.extend(c.to_uppercase());
        }
        after_letter = c.is_lowercase() || c.is_uppercase();
    }
    out
}

fn map_method(state: &State, map: &Value, name: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    if !matches!(name, "items" | "keys" | "values") {
        return Ok(None);
    }
    let () = from_args(args)?;
    weight::weigh(state, map)?;
    iterables::view_of(map, name).map(Some)
}

fn list_method(list: &Value, name: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    match name {
        "index" => {
            let (wanted,): (&Value,) = from_args(args)?;
            let at = list.try_iter()?.position(|item| item == *wanted);
            Ok(Some(Value::from(at.ok_or_else(|| fault("the value is not in the list"))?)))
        }
        "append" | "extend" | "insert" | "pop" | "remove" | "clear" | "reverse" | "sort" => {
            Err(fault("templates do not change lists"))
        }
        _ => Ok(None),
    }
}

fn split(text: &str, separator: Option<&str>, most: Option<usize>, from_right: bool) -> Result<Value, Error> {
    let count = most.map_or(usize::MAX, |most| most.saturating_add(1));
    let Some(separator) = separator else { return Ok(words(text, count, from_right)) };
    if separator.is_empty() {
        return Err(fault("empty separator"));
    }
    if from_right {
        let mut parts: Vec<&str> = text.rsplitn(count, separator).collect();
        parts.reverse();
        return Ok(Value::from_iter(parts));
    }
    Ok(Value::from_iter(text.splitn(count, separator)))
}

/// Split at runs of white space; the last of `count` parts is the rest.
fn words(text: &str, count: usize, from_right: bool) -> Value {
    let mut parts = Vec::new();
    let mut rest = text.trim_matches(is_space);
    while !rest.is_empty() && parts.len() + 1 < count {
        let at = if from_right { rest.rfind(is_space) } else { rest.find(is_space) };
        let Some(at) = at else { break };
        if from_right {
            parts.push(rest[at..].trim_start_matches(is_space));
            rest = rest[..at].trim_end_matches(is_space);
        } else {
            parts.push(&rest[..at]);
            rest = rest[at..].trim_start_matches(is_space);
        }
    }
    if !rest.is_empty() {
        // str.split keeps the white space at the end of a rest that it did not split.
        let limited = parts.len() + 1 == count;
        parts.push(if limited { unsplit(text, rest, from_right) } else { rest });
    }
    if from_right {
        parts.reverse();
    }
    Value::from_iter(parts)
}

/// `rest`, a part of `text`, with the white space beyond it on the side that was not trimmed by splitting.
fn unsplit<'a>(text: &'a str, rest: &'a str, from_right: bool) -> &'a str {
    let begin = rest.as_ptr() as usize - text.as_ptr() as usize;
    if from_right {
        &text[..begin + rest.len()]
    } else {
        &text[begin..]
    }
}

fn partition(text: &str, separator: &str, from_right: bool) -> Result<Value, Error> {
    if separator.is_empty() {
        return Err(fault("empty separator"));
    }
    let parts = if from_right { text.rsplit_once(separator) } else { text.split_once(separator) };
    let parts = match parts {
        Some((before, after)) => [before, separator, after],
        None if from_right => ["", "", text],
        None => [text, "", ""],
    };
    Ok(Value::from_iter(parts))
}

fn lines(text: &str, keep_ends: bool) -> Value {
    let is_end = |c: char| {
        ('\n'..='\r').contains(&c) || ('\u{1c}'..='\u{1e}').contains(&c) || "\u{85}\u{2028}\u{2029}".contains(c)
    };
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(is_end) {
        let end = match rest[at..].chars().next() {
            Some('\r') if rest[at..].starts_with("\r\n") => at + 2,
            Some(c) => at + c.len_utf8(),
            None => at,
        };
        parts.push(&rest[..if keep_ends { end } else { at }]);
        rest = &rest[end..];
    }
    if !rest.is_empty() {
        parts.push(rest);
    }
    Value::from_iter(parts)
}
