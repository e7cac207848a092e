//! How heavy values may be. The engine compares, prints and frees values as trees, without asking its fuel: a list that
//! holds another one twice, sixty times over, has 2^60 leaves. So whatever a template keeps is weighed first.

use crate::iterables::{is_list, is_own, own_items, Generator};
use crate::limits;
use minijinja::value::{Value, ValueKind};
use minijinja::{Error, ErrorKind, State};
use std::cell::Cell;

thread_local! {
    static WEIGHT_MAX: Cell<u64> = const { Cell::new(limits::WEIGHT_BASE) };
}

/// Begins to count with the variables of a rendering on this thread.
pub fn start(context: &Value) {
    let mut left = u64::MAX;
    // What is too deep is refused where it is used.
    let _ = take(context, 0, &mut left);
    WEIGHT_MAX.set(limits::WEIGHT_BASE + limits::WEIGHT_PER_CONTEXT * (u64::MAX - left));
}

/// Refuses values that are too heavy or too deep.
pub fn weigh(state: &State, value: &Value) -> Result<(), Error> {
    limits::check_time()?;
    let most = WEIGHT_MAX.get();
    if let Some(text) = value.as_str() {
        if text.len() as u64 > most * limits::STRING_BYTES_PER_WEIGHT {
            return Err(too_heavy(most));
        }
        return Ok(());
    }
    let mut left = most;
    take(value, 0, &mut left)?;
    state.consume_fuel((most - left) / limits::WEIGHT_PER_FUEL)
}

fn too_heavy(most: u64) -> Error {
    let text = format!("a value has a weight of more than {most}, the most for a conversation of this size");
    Error::new(ErrorKind::InvalidOperation, text)
}

fn take(value: &Value, depth: usize, left: &mut u64) -> Result<(), Error> {
    if depth > limits::DEPTH_MAX {
        let text = format!("a value is nested more than {} deep", limits::DEPTH_MAX);
        return Err(Error::new(ErrorKind::InvalidOperation, text));
    }
    let bytes = value.as_str().map_or(0, str::len) as u64;
    let own = 1 + bytes / limits::STRING_BYTES_PER_WEIGHT;
    *left = left.checked_sub(own).ok_or_else(|| too_heavy(WEIGHT_MAX.get()))?;
    if let Some(items) = own_items(value) {
        return items.iter().try_for_each(|item| take(item, depth + 1, left));
    }
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => value.try_iter()?.try_for_each(|item| take(&item, depth + 1, left)),
        ValueKind::Map => value.try_iter()?.try_for_each(|key| {
            take(&key, depth + 1, left)?;
            take(&value.get_item(&key)?, depth + 1, left)
        }),
        _ => Ok(()),
    }
}

/// The filter STORED. What is computed while it is iterated over is computed now: views of views of views are as deep
/// as a template makes them.
pub fn stored(state: &State, value: Value) -> Result<Value, Error> {
    weigh(state, &value)?;
    if value.kind() != ValueKind::Iterable || is_own(&value) {
        return Ok(value);
    }
    let items: Vec<Value> = value.try_iter()?.collect();
    Ok(if is_list(&value) { Value::from(items) } else { Generator::value(items) })
}

/// The filter ASSIGNED. A namespace that held itself would be printed without end and never freed, so namespaces hold
/// no namespaces.
pub fn assigned(state: &State, value: Value) -> Result<Value, Error> {
    let value = stored(state, value)?;
    if holds_namespace(&value)? {
        return Err(Error::new(ErrorKind::InvalidOperation, "a namespace is made part of a namespace"));
    }
    Ok(value)
}

fn holds_namespace(value: &Value) -> Result<bool, Error> {
    let Some(object) = value.as_object() else { return Ok(false) };
    if object.type_name().ends_with("::Namespace") {
        return Ok(true);
    }
    if let Some(items) = own_items(value) {
        return any(items.iter().cloned());
    }
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => any(value.try_iter()?),
        ValueKind::Map => any(value.try_iter()?.filter_map(|key| value.get_item(&key).ok())),
        _ => Ok(false),
    }
}

fn any(mut items: impl Iterator<Item = Value>) -> Result<bool, Error> {
    items.try_fold(false, |found, item| Ok(found || holds_namespace(&item)?))
}
