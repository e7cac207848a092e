//! The C interface of the template engine (src/jinja/boundary.h says what each function does).
//!
//! Nothing unwinds into the caller and nothing is printed: a panic becomes the status `DEFECT`.

mod check;
mod environment;
mod filters;
mod iterables;
mod json;
mod limits;
mod markup;
mod python;
mod source;
mod tags;
mod text;
mod weight;

use environment::{Failure, Program};
use std::cell::Cell;
use std::ffi::{c_char, c_int, c_void};
use std::panic::{catch_unwind, set_hook, take_hook, AssertUnwindSafe};
use std::sync::Once;

const DONE: c_int = 0;
const FAILED: c_int = 1;
const RAISED: c_int = 2;
const DEFECT: c_int = 3;

/// A text that is owned by this side until `pith_jinja_free_text`.
#[repr(C)]
pub struct Text {
    data: *mut c_char,
    size: usize,
}

/// Writes the time in a format of strftime into `out`; returns the number of bytes, 0 if they do not fit.
pub type WriteTime = unsafe extern "C" fn(
    clock: *const c_void,
    format: *const c_char,
    out: *mut c_char,
    capacity: usize,
) -> usize;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Clock {
    pub write: WriteTime,
    pub self_: *const c_void,
}

// SAFETY: the caller waits while another thread asks its clock.
unsafe impl Send for Clock {}

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Panics of this library are not printed; those of others go where they went before.
fn silence_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            if !INSIDE.get() {
                before(info);
            }
        }));
    });
}

fn guarded<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    silence_panics();
    INSIDE.set(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    INSIDE.set(false);
    result.unwrap_or_else(|_| Err(Failure::Defect("the template engine panicked".into())))
}

fn give(text: String, out: &mut Text) {
    let bytes = text.into_bytes().into_boxed_slice();
    out.size = bytes.len();
    out.data = Box::into_raw(bytes).cast();
}

fn report(failure: Failure, out: &mut Text) -> c_int {
    let (status, text) = match failure {
        Failure::Failed(text) => (FAILED, text),
        Failure::Raised(text) => (RAISED, text),
        Failure::Defect(text) => (DEFECT, text),
    };
    give(text, out);
    status
}

unsafe fn read<'a>(data: *const c_char, size: usize) -> Result<&'a str, Failure> {
    if size == 0 {
        return Ok("");
    }
    let bytes = std::slice::from_raw_parts(data.cast::<u8>(), size);
    std::str::from_utf8(bytes)
        .map_err(|error| Failure::Failed(format!("byte {} is not UTF-8", error.valid_up_to())))
}

/// # Safety
/// `source` points to `size` bytes; `program` and `error` may be written.
#[no_mangle]
pub unsafe extern "C" fn pith_jinja_compile(
    source: *const c_char,
    size: usize,
    program: *mut *mut Program,
    error: *mut Text,
) -> c_int {
    match guarded(|| Program::compile(read(source, size)?)) {
        Ok(compiled) => {
            *program = Box::into_raw(Box::new(compiled));
            DONE
        }
        Err(failure) => report(failure, &mut *error),
    }
}

/// # Safety
/// `program` comes from `pith_jinja_compile`, `context` points to `size` bytes, `out` may be written, and the clock may
/// be called while this runs.
#[no_mangle]
pub unsafe extern "C" fn pith_jinja_render(
    program: *const Program,
    context: *const c_char,
    size: usize,
    clock: Clock,
    out: *mut Text,
) -> c_int {
    match guarded(|| (*program).render(read(context, size)?, clock)) {
        Ok(text) => {
            give(text, &mut *out);
            DONE
        }
        Err(failure) => report(failure, &mut *out),
    }
}

/// # Safety
/// `program` comes from `pith_jinja_compile` and is not used again.
#[no_mangle]
pub unsafe extern "C" fn pith_jinja_free(program: *mut Program) {
    drop(Box::from_raw(program));
}

/// # Safety
/// `text` was written by one of the functions above and is not used again.
#[no_mangle]
pub unsafe extern "C" fn pith_jinja_free_text(text: Text) {
    drop(Box::from_raw(std::ptr::slice_from_raw_parts_mut(
        text.data.cast::<u8>(),
        text.size,
    )));
}
