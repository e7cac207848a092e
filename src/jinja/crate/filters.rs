//! Filters that are the engine's own with limits on what they give, or with Python's generators.

use crate::iterables::{view_of, Generator};
use crate::source::{ASSIGNED, CHECKED, FACTOR, ITERATED, OPERAND, STORED};
use crate::weight;
use crate::{limits, markup, text};
use minijinja::value::{Kwargs, Rest, Value, ValueKind, ValueOrKwargs};
use minijinja::{filters, Environment, Error, ErrorKind, State};
use std::borrow::Cow;

type Test<'a> = Option<Cow<'a, str>>;

pub fn add(environment: &mut Environment) {
    // Python's Jinja has none of these, or another one.
    for name in ["bool", "chain", "lines", "pprint", "split", "zip"] {
        environment.remove_filter(name);
    }
    environment.add_filter(STORED, weight::stored);
    environment.add_filter(ASSIGNED, weight::assigned);
    environment.add_filter(CHECKED, checked);
    environment.add_filter(ITERATED, iterated);
    environment.add_filter(FACTOR, factor);
    environment.add_filter(OPERAND, text::operand);
    environment.add_filter("string", text::operand);
    environment.add_filter("join", text::join);
    environment.add_filter("format", format);
    markup::add(environment);
    add_generators(environment);
    add_weighed(environment);
    add_numbers(environment);
}

fn fault(text: &str) -> Error {
    Error::new(ErrorKind::InvalidOperation, text.to_string())
}

fn checked(value: Value) -> Result<Value, Error> {
    limits::check_time()?;
    Ok(value)
}

/// What a loop iterates over.
fn iterated(state: &State, value: Value) -> Result<Value, Error> {
    if value.is_none() {
        return Err(fault("None is not iterable"));
    }
    weight::weigh(state, &value)?;
    Ok(value)
}

fn factor(value: Value) -> Result<Value, Error> {
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => Err(fault("lists are not multiplied")),
        _ => Ok(value),
    }
}

fn weighed(state: &State, result: Result<Value, Error>) -> Result<Value, Error> {
    let value = result?;
    weight::weigh(state, &value)?;
    Ok(value)
}

fn generator(state: &State, result: Result<Vec<Value>, Error>) -> Result<Value, Error> {
    weighed(state, result.map(Generator::value))
}

/// What filters that give generators go through: in Python these take all that is false for an empty list.
fn gone_through(state: &State, value: Value) -> Result<Value, Error> {
    if value.is_true() {
        iterated(state, value)
    } else {
        Ok(Value::from_iter(std::iter::empty::<Value>()))
    }
}

/// These give generators in Python.
fn add_generators(environment: &mut Environment) {
    environment.add_filter("map", |state: &mut State, value: Value, args: Rest<ValueOrKwargs>| {
        let items = filters::map(state, gone_through(state, value)?, args);
        generator(state, items)
    });
    environment.add_filter("select", |state: &mut State, value: Value, test: Test, args: Rest<ValueOrKwargs>| {
        let items = filters::select(state, gone_through(state, value)?, test, args);
        generator(state, items)
    });
    environment.add_filter("reject", |state: &mut State, value: Value, test: Test, args: Rest<ValueOrKwargs>| {
        let items = filters::reject(state, gone_through(state, value)?, test, args);
        generator(state, items)
    });
    environment.add_filter(
        "selectattr",
        |state: &mut State, value: Value, name: Cow<str>, test: Test, args: Rest<ValueOrKwargs>| {
            let items = filters::selectattr(state, gone_through(state, value)?, name, test, args);
            generator(state, items)
        },
    );
    environment.add_filter(
        "rejectattr",
        |state: &mut State, value: Value, name: Cow<str>, test: Test, args: Rest<ValueOrKwargs>| {
            let items = filters::rejectattr(state, gone_through(state, value)?, name, test, args);
            generator(state, items)
        },
    );
}

/// These give lists of what they are given, some of it many times.
fn add_weighed(environment: &mut Environment) {
    environment.add_filter("list", |state: &State, value: Value| {
        weighed(state, filters::list(state, iterated(state, value)?))
    });
    environment.add_filter("sort", |state: &State, value: Value, kwargs: Kwargs| {
        weighed(state, filters::sort(state, iterated(state, value)?, kwargs))
    });
    environment.add_filter("unique", |state: &State, value: Value, kwargs: Kwargs| {
        weighed(state, filters::unique(state, iterated(state, value)?, kwargs))
    });
    environment.add_filter("reverse", |state: &State, value: Value| {
        if value.kind() == ValueKind::String {
            return filters::reverse(&value);
        }
        let items: Vec<Value> = filters::reverse(&iterated(state, value)?)?.try_iter()?.collect();
        generator(state, Ok(items))
    });
    environment.add_filter("batch", |state: &State, value: Value, count: usize, fill: Option<Value>| {
        weighed(state, filters::batch(state, iterated(state, value)?, small(count)?, fill))
    });
    environment.add_filter("slice", |state: &State, value: Value, count: usize, fill: Option<Value>| {
        weighed(state, filters::slice(state, iterated(state, value)?, small(count)?, fill))
    });
    environment.add_filter("groupby", |state: &State, value: Value, attribute: Option<&str>, kwargs: Kwargs| {
        weighed(state, filters::groupby(iterated(state, value)?, attribute, kwargs))
    });
    environment.add_filter("dictsort", |state: &State, value: Value, kwargs: Kwargs| {
        weight::weigh(state, &value)?;
        weighed(state, filters::dictsort(&value, kwargs))
    });
    environment.add_filter("items", |state: &State, value: Value| {
        weight::weigh(state, &value)?;
        match value.kind() {
            ValueKind::Map => Ok(Generator::value(view_of(&value, "items")?.try_iter()?.collect())),
            _ => filters::items(&value),
        }
    });
    for name in ["default", "d"] {
        environment.add_filter(name, |state: &State, value: Value, args: Rest<Value>| {
            weighed(state, filters::default(state, &value, args))
        });
    }
}

/// Python makes no number of what is undefined.
fn defined(value: &Value) -> Result<&Value, Error> {
    match value.is_undefined() {
        true => Err(fault("an undefined value is no number")),
        false => Ok(value),
    }
}

fn add_numbers(environment: &mut Environment) {
    type Default = Option<Value>;
    environment.add_filter("int", |state: &State, value: &Value, or: Default, base: Option<u32>, kwargs: Kwargs| {
        filters::int(state, defined(value)?, or, base, kwargs)
    });
    environment.add_filter("float", |state: &State, value: &Value, or: Default, kwargs: Kwargs| {
        filters::float(state, defined(value)?, or, kwargs)
    });
}

fn small(count: usize) -> Result<usize, Error> {
    match count {
        0..=limits::WIDTH_MAX => Ok(count),
        _ => Err(fault(&format!("{count} is more than {}", limits::WIDTH_MAX))),
    }
}

fn format(state: &mut State, text: Value, args: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    check_format(text.as_str().unwrap_or_default())?;
    filters::format(state, &text, args)
}

/// Refuses formats that are wider than any text, or whose width is an argument: `{:{}}` and `%*d`.
pub fn check_format(text: &str) -> Result<(), Error> {
    let digits_max = limits::WIDTH_MAX.to_string().len() - 1;
    let is_wide = text.split(|c: char| !c.is_ascii_digit()).any(|number| number.len() > digits_max);
    // A field that breaks off with its format open has another field inside it.
    let is_field_open = |part: &str| part.contains(':') && !part.contains('}');
    let is_nested = text.split('{').any(is_field_open) || (text.contains('%') && text.contains('*'));
    if is_wide || is_nested {
        return Err(fault(&format!("a format whose width is computed or has more than {digits_max} digits")));
    }
    Ok(())
}
