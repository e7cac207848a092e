//! The filter `tojson` as transformers defines it: Python's `json.dumps` with `ensure_ascii` off and nothing escaped
//! for HTML.

use crate::iterables::is_list;
use crate::limits::DEPTH_MAX;
use minijinja::value::{Kwargs, Rest, Value, ValueKind};
use minijinja::{Error, ErrorKind, State};
use std::fmt::Write;

/// Fuel pays for 16 bytes of JSON; what a value costs beside its text is much less.
const BYTES_PER_FUEL: usize = 16;

struct Style {
    item_separator: String,
    key_separator: String,
    indent: Option<String>,
    sort_keys: bool,
    ascii: bool,
}

/// `x | tojson(ensure_ascii=False, indent=None, separators=None, sort_keys=False)`.
pub fn tojson(state: &State, value: &Value, positional: Rest<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    let named = |index: usize, name: &str| -> Result<Option<Value>, Error> {
        let given = positional.get(index).cloned();
        Ok(given.or(kwargs.get(name)?).filter(|value| !value.is_none()))
    };
    let ascii = named(0, "ensure_ascii")?;
    let indent = named(1, "indent")?;
    let separators = named(2, "separators")?;
    let sort_keys = named(3, "sort_keys")?;
    if positional.len() > 4 {
        return Err(fault("tojson: too many arguments"));
    }
    kwargs.assert_all_used()?;
    let indent = indent.map(indent_text).transpose()?;
    let (item_separator, key_separator) = match separators {
        Some(pair) => (text_at(&pair, 0)?, text_at(&pair, 1)?),
        None if indent.is_some() => (",".into(), ": ".into()),
        None => (", ".into(), ": ".into()),
    };
    let style = Style {
        item_separator,
        key_separator,
        indent,
        sort_keys: sort_keys.is_some_and(|value| value.is_true()),
        ascii: ascii.is_some_and(|value| value.is_true()),
    };
    let mut writer = Writer { state, style, out: String::new(), paid: 0 };
    writer.value(value, 0)?;
    Ok(Value::from(writer.out))
}

fn indent_text(indent: Value) -> Result<String, Error> {
    match indent.as_str() {
        Some(text) => Ok(text.into()),
        None => Ok(" ".repeat(i64::try_from(indent)?.clamp(0, 1000) as usize)),
    }
}

fn text_at(pair: &Value, index: usize) -> Result<String, Error> {
    let item = pair.get_item_by_index(index)?;
    let text = item.as_str().ok_or_else(|| fault("tojson: separators must be two strings"))?;
    Ok(text.into())
}

fn fault(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, text.into())
}

struct Writer<'a, 't, 'e> {
    state: &'a State<'t, 'e>,
    style: Style,
    out: String,
    paid: usize,
}

impl Writer<'_, '_, '_> {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        if depth > DEPTH_MAX {
            return Err(fault(format!("tojson: the value is nested more than {DEPTH_MAX} deep")));
        }
        self.pay()?;
        match value.kind() {
            ValueKind::None => self.out.push_str("null"),
            ValueKind::Bool => self.out.push_str(if value.is_true() { "true" } else { "false" }),
            ValueKind::Number if value.is_integer() => write!(self.out, "{value}").unwrap_or(()),
            ValueKind::Number => self.out.push_str(&float_text(f64::try_from(value.clone())?)),
            ValueKind::String => self.string(value.as_str().unwrap_or_default()),
            _ if is_list(value) => self.sequence(value, depth)?,
            ValueKind::Map => self.map(value, depth)?,
            kind => return Err(fault(format!("tojson: an object of type {kind} is not JSON serializable"))),
        }
        Ok(())
    }

    fn pay(&mut self) -> Result<(), Error> {
        let fuel = (self.out.len() - self.paid) / BYTES_PER_FUEL;
        self.paid += fuel * BYTES_PER_FUEL;
        self.state.consume_fuel(fuel as u64 + 1)
    }

    fn new_line(&mut self, depth: usize) {
        if let Some(indent) = &self.style.indent {
            self.out.push('\n');
            for _ in 0..depth {
                self.out.push_str(indent);
            }
        }
    }

    fn begin_item(&mut self, first: bool, depth: usize) {
        if !first {
            self.out.push_str(&self.style.item_separator);
        }
        self.new_line(depth + 1);
    }

    fn sequence(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        self.out.push('[');
        let mut first = true;
        for item in value.try_iter()? {
            self.begin_item(first, depth);
            first = false;
            self.value(&item, depth + 1)?;
        }
        if !first {
            self.new_line(depth);
        }
        self.out.push(']');
        Ok(())
    }

    fn map(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        let mut keys: Vec<Value> = value.try_iter()?.collect();
        if self.style.sort_keys {
            keys.sort();
        }
        self.out.push('{');
        for (index, key) in keys.iter().enumerate() {
            self.begin_item(index == 0, depth);
            self.key(key)?;
            self.out.push_str(&self.style.key_separator);
            self.value(&value.get_item(key)?, depth + 1)?;
        }
        if !keys.is_empty() {
            self.new_line(depth);
        }
        self.out.push('}');
        Ok(())
    }

    fn key(&mut self, key: &Value) -> Result<(), Error> {
        let text = match key.kind() {
            ValueKind::String => key.as_str().unwrap_or_default().to_string(),
            ValueKind::None => "null".into(),
            ValueKind::Bool => if key.is_true() { "true" } else { "false" }.into(),
            ValueKind::Number if key.is_integer() => key.to_string(),
            ValueKind::Number => float_text(f64::try_from(key.clone())?),
            kind => return Err(fault(format!("tojson: a key of type {kind} is not JSON serializable"))),
        };
        self.string(&text);
        Ok(())
    }

    fn string(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\u{8}' => self.out.push_str("\\b"),
                '\u{c}' => self.out.push_str("\\f"),
                c if c < ' ' || (self.style.ascii && !c.is_ascii()) || (self.style.ascii && c == '\u{7f}') => {
                    let mut units = [0; 2];
                    for unit in c.encode_utf16(&mut units) {
                        write!(self.out, "\\u{unit:04x}").unwrap_or(());
                    }
                }
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }
}

/// Python's `repr` of a float: the shortest digits that read back the same.
pub fn float_text(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.into();
    }
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        return format!("{value:?}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}
