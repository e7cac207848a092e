//! What Python iterates over besides lists: generators, ranges and the views of dictionaries.

use minijinja::value::{Enumerator, Object, ObjectRepr, Value, ValueKind};
use minijinja::{Error, ErrorKind, State};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

const RANGE_MAX: usize = 100_000;
const ITEMS_PER_FUEL: usize = 4;

/// What Python has a generator for: no length, no items, no JSON, and empty when it is read again. The latter is an
/// error here, since a template hardly means it.
#[derive(Debug)]
pub struct Generator {
    items: Vec<Value>,
    is_read: AtomicBool,
}

/// What has a length and items, but is no list.
#[derive(Debug)]
pub struct View {
    items: Vec<Value>,
}

impl Generator {
    pub fn value(items: Vec<Value>) -> Value {
        Value::from_object(Generator { items, is_read: AtomicBool::new(false) })
    }
}

impl View {
    pub fn value(items: Vec<Value>) -> Value {
        Value::from_object(View { items })
    }
}

impl Object for Generator {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Iterable
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        if self.is_read.swap(true, Ordering::Relaxed) {
            let fault = Error::new(ErrorKind::InvalidOperation, "a generator is read twice; |list keeps its items");
            return Enumerator::Iter(Box::new(std::iter::once(Value::from(fault))));
        }
        Enumerator::Iter(Box::new(self.items.clone().into_iter().filter(|_| true)))
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        None
    }

    fn is_true(self: &Arc<Self>) -> bool {
        true
    }
}

impl Object for View {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Iterable
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.items.clone())
    }
}

/// The items of a generator or a view.
pub fn own_items(value: &Value) -> Option<&[Value]> {
    if let Some(generator) = value.downcast_object_ref::<Generator>() {
        return Some(&generator.items);
    }
    value.downcast_object_ref::<View>().map(|view| view.items.as_slice())
}

pub fn is_own(value: &Value) -> bool {
    own_items(value).is_some()
}

/// Whether it is a list in Python. The engine has iterators for sums and slices of lists, too.
pub fn is_list(value: &Value) -> bool {
    match value.kind() {
        ValueKind::Seq => true,
        ValueKind::Iterable => !is_own(value) && value.len().is_some(),
        _ => false,
    }
}

/// The function `range`.
pub fn range(state: &State, first: i64, end: Option<i64>, step: Option<i64>) -> Result<Value, Error> {
    let (begin, end) = end.map_or((0, first), |end| (first, end));
    let step = step.unwrap_or(1);
    let fault = |text: String| Error::new(ErrorKind::InvalidOperation, text);
    if step == 0 {
        return Err(fault("range: the step is 0".into()));
    }
    let distance = if step > 0 { i128::from(end) - i128::from(begin) } else { i128::from(begin) - i128::from(end) };
    let stride = i128::from(step).abs();
    let count = ((distance + stride - 1) / stride).max(0);
    if count > RANGE_MAX as i128 {
        return Err(fault(format!("range: {count} numbers, at most {RANGE_MAX} are allowed")));
    }
    state.consume_fuel(count as u64 / ITEMS_PER_FUEL as u64)?;
    Ok(View::value((0..count as i64).map(|index| Value::from(begin + index * step)).collect()))
}

/// `items`, `keys` and `values` of a dictionary.
pub fn view_of(map: &Value, name: &str) -> Result<Value, Error> {
    let mut items = Vec::new();
    for key in map.try_iter()? {
        let value = map.get_item(&key)?;
        items.push(match name {
            "keys" => key,
            "values" => value,
            _ => Value::from((key, value)),
        });
    }
    Ok(View::value(items))
}
