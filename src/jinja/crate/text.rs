//! Values as Python writes them: `str()` for what a template writes, `repr()` for what stands in lists.

use crate::iterables::is_list;
use crate::json::float_text;
use crate::weight::weigh;
use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{Error, ErrorKind, Output, State};
use std::fmt::Write;

const BYTES_PER_FUEL: usize = 16;

/// Python's `str()`.
pub fn text(state: &State, value: &Value) -> Result<String, Error> {
    match value.kind() {
        ValueKind::String => Ok(value.as_str().unwrap_or_default().to_string()),
        ValueKind::Undefined => Ok(String::new()),
        _ => {
            weigh(state, value)?;
            let mut out = String::new();
            repr(value, &mut out)?;
            state.consume_fuel((out.len() / BYTES_PER_FUEL) as u64)?;
            Ok(out)
        }
    }
}

/// Writes the value of `{{ }}`.
pub fn write(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    let written = match value.as_str() {
        Some(text) => {
            weigh(state, value)?;
            out.write_str(text)
        }
        None => out.write_str(&text(state, value)?),
    };
    written.map_err(|_| Error::from(ErrorKind::WriteFailure))
}

/// The filter of operands of `~`.
pub fn operand(state: &State, value: Value) -> Result<Value, Error> {
    if value.kind() == ValueKind::String {
        return Ok(value);
    }
    Ok(Value::from(text(state, &value)?))
}

/// The filter `join`.
pub fn join(
    state: &mut State,
    value: Value,
    joiner: Option<Value>,
    attribute: Option<Value>,
    kwargs: Kwargs,
) -> Result<Value, Error> {
    let joiner = joiner.or(kwargs.get("d")?);
    let attribute = attribute.or(kwargs.get("attribute")?).filter(|value| !value.is_none());
    kwargs.assert_all_used()?;
    let joiner = joiner.map_or(Ok(String::new()), |value| text(state, &value))?;
    let value = match attribute {
        Some(attribute) => {
            let named = Kwargs::from_iter([("attribute", attribute)]);
            state.apply_filter("map", &[value, Value::from(named)])?
        }
        None => value,
    };
    if value.is_none() {
        return Err(Error::new(ErrorKind::InvalidOperation, "join: None is not iterable"));
    }
    let mut out = String::new();
    for (index, item) in value.try_iter()?.enumerate() {
        let text = text(state, &item)?;
        state.consume_fuel(1 + ((text.len() + joiner.len()) / BYTES_PER_FUEL) as u64)?;
        if index > 0 {
            out.push_str(&joiner);
        }
        out.push_str(&text);
    }
    Ok(Value::from(out))
}

fn repr(value: &Value, out: &mut String) -> Result<(), Error> {
    let class = value.as_object().map_or("", |object| object.type_name());
    match value.kind() {
        ValueKind::Undefined => out.push_str("Undefined"),
        ValueKind::None => out.push_str("None"),
        ValueKind::Bool => out.push_str(if value.is_true() { "True" } else { "False" }),
        ValueKind::Number if value.is_integer() => write!(out, "{value}").unwrap_or(()),
        ValueKind::Number => out.push_str(&match f64::try_from(value.clone())? {
            number if number.is_finite() => float_text(number),
            number => number.to_string().to_lowercase(),
        }),
        ValueKind::String => string_repr(value.as_str().unwrap_or_default(), out),
        ValueKind::Seq if class.ends_with("::Tuple") => sequence(value, ['(', ')'], out)?,
        _ if is_list(value) => sequence(value, ['[', ']'], out)?,
        ValueKind::Map if !class.ends_with("::Namespace") && !class.ends_with("::Loop") => map(value, out)?,
        kind => {
            let text = format!("a value of the type {kind} is written");
            return Err(Error::new(ErrorKind::InvalidOperation, text));
        }
    }
    Ok(())
}

fn sequence(value: &Value, brackets: [char; 2], out: &mut String) -> Result<(), Error> {
    out.push(brackets[0]);
    let mut count = 0;
    for item in value.try_iter()? {
        if count > 0 {
            out.push_str(", ");
        }
        repr(&item, out)?;
        count += 1;
    }
    if count == 1 && brackets[0] == '(' {
        out.push(',');
    }
    out.push(brackets[1]);
    Ok(())
}

fn map(value: &Value, out: &mut String) -> Result<(), Error> {
    out.push('{');
    for (index, key) in value.try_iter()?.enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        repr(&key, out)?;
        out.push_str(": ");
        repr(&value.get_item(&key)?, out)?;
    }
    out.push('}');
    Ok(())
}

fn string_repr(text: &str, out: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if is_printable(c) => out.push(c),
            c if (c as u32) < 0x100 => write!(out, "\\x{:02x}", c as u32).unwrap_or(()),
            c if (c as u32) < 0x1_0000 => write!(out, "\\u{:04x}", c as u32).unwrap_or(()),
            c => write!(out, "\\U{:08x}", c as u32).unwrap_or(()),
        }
    }
    out.push(quote);
}

/// Python's `str.isprintable`. Rust's own printing escapes the same characters, behind another one.
fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return (' '..='~').contains(&c);
    }
    let mut bytes = [0; 8];
    bytes[0] = b'a';
    let size = 1 + c.encode_utf8(&mut bytes[1..]).len();
    std::str::from_utf8(&bytes[..size]).is_ok_and(|pair| pair.escape_debug().nth(1) == Some(c))
}
