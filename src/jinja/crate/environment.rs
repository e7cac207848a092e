//! The environment that transformers gives to chat templates, with limits on what a template may use.

use crate::{json, python, source, Clock};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};
use std::cell::{Cell, RefCell};
use std::ffi::CString;
use std::io;

pub enum Failure {
    /// The template is unusable, or failed.
    Failed(String),
    /// The template called `raise_exception`: its own text.
    Raised(String),
    /// A defect on this side.
    Defect(String),
}

/// The longest template of a model has 20 KB.
const SOURCE_BYTES_MAX: usize = 1 << 20;
const OUTPUT_BYTES_MAX: usize = 8 << 20;
/// One pays for an instruction or 64 bytes of text, so a second and 512 MB are more than the most.
const FUEL_BASE: u64 = 1_000_000;
/// Each message is read, split and copied several times.
const FUEL_PER_INPUT_BYTE: u64 = 2;
const FUEL_MAX: u64 = 8_000_000;
/// A template can nest a list once in a few instructions, and printing, comparing and freeing it takes a frame of the
/// stack per level. The stack is address space: memory is taken only where it is used.
const STACK_BYTES_PER_FUEL: u64 = 256;
const RECURSION_MAX: usize = 100;
const TIME_BYTES_MAX: usize = 4096;
const QUOTE_CHARS_MAX: usize = 120;
const NAME: &str = "chat";

thread_local! {
    static CLOCK: Cell<Option<Clock>> = const { Cell::new(None) };
    static RAISED: RefCell<Option<String>> = const { RefCell::new(None) };
}

pub struct Program {
    environment: Environment<'static>,
    source: String,
}

impl Program {
    pub fn compile(source: &str) -> Result<Program, Failure> {
        if source.len() > SOURCE_BYTES_MAX {
            return Err(Failure::Failed(format!(
                "it has {} bytes, at most {SOURCE_BYTES_MAX} are allowed",
                source.len()
            )));
        }
        let mut environment = environment().map_err(|error| Failure::Defect(error.to_string()))?;
        environment
            .add_template_owned(NAME, source::as_dialect(source))
            .map_err(|error| Failure::Failed(describe(&error, source)))?;
        Ok(Program { environment, source: source.to_string() })
    }

    pub fn render(&self, context: &str, clock: Clock) -> Result<String, Failure> {
        let fuel = (FUEL_BASE + context.len() as u64 * FUEL_PER_INPUT_BYTE).min(FUEL_MAX);
        let context: serde_json::Value = serde_json::from_str(context)
            .map_err(|error| Failure::Failed(format!("what the template reads is no JSON: {error}")))?;
        std::thread::scope(|scope| {
            let stack = (fuel * STACK_BYTES_PER_FUEL) as usize;
            let work = move || crate::guarded(|| self.render_here(context, fuel, clock));
            let thread = std::thread::Builder::new().stack_size(stack).spawn_scoped(scope, work);
            let thread = thread.map_err(|error| Failure::Defect(format!("no thread to render on: {error}")))?;
            thread.join().unwrap_or_else(|_| Err(Failure::Defect("the rendering thread failed".into())))
        })
    }

    fn render_here(&self, context: serde_json::Value, fuel: u64, clock: Clock) -> Result<String, Failure> {
        CLOCK.set(Some(clock));
        match (self.write(Value::from(Serde(context)), fuel), RAISED.take()) {
            (Ok(text), _) => Ok(text),
            (Err(_), Some(text)) => Err(Failure::Raised(text)),
            (Err(error), None) => Err(Failure::Failed(describe(&error, &self.source))),
        }
    }

    fn write(&self, context: Value, fuel: u64) -> Result<String, Error> {
        let mut environment = self.environment.clone();
        environment.set_fuel(Some(fuel));
        let mut out = Bounded(Vec::new());
        environment.get_template(NAME)?.render_captured_to(context, &mut out)?;
        String::from_utf8(out.0).map_err(|_| Error::new(ErrorKind::WriteFailure, "the text is not UTF-8"))
    }
}

/// A text that refuses to become longer than allowed.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > OUTPUT_BYTES_MAX - self.0.len() {
            return Err(io::Error::other(format!("the text has more than {OUTPUT_BYTES_MAX} bytes")));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn environment() -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_undefined_behavior(UndefinedBehavior::Lenient);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.set_recursion_limit(RECURSION_MAX);
    environment.set_unknown_method_callback(python::method);
    python::add_generators(&mut environment);
    environment.add_test("iterable", python::is_iterable);
    environment.add_filter(source::ITERATED, python::iterated);
    environment.add_filter("tojson", json::tojson);
    environment.add_filter("trim", python::trim);
    environment.add_function("raise_exception", raise_exception);
    environment.add_function("strftime_now", strftime_now);
    Ok(environment)
}

fn raise_exception(message: Value) -> Result<Value, Error> {
    RAISED.set(Some(message.to_string()));
    Err(Error::new(ErrorKind::InvalidOperation, "raise_exception"))
}

fn strftime_now(format: &str) -> Result<Value, Error> {
    let fault = |text| Error::new(ErrorKind::InvalidOperation, text);
    let clock = CLOCK.get().ok_or_else(|| fault("strftime_now: there is no clock"))?;
    if format.is_empty() {
        return Ok(Value::from(""));
    }
    let format = CString::new(format).map_err(|_| fault("strftime_now: the format holds a zero byte"))?;
    let mut out = vec![0_u8; TIME_BYTES_MAX];
    // SAFETY: the caller of pith_jinja_render lends the clock until it returns; it writes at most `out.len()` bytes.
    let size = unsafe { (clock.write)(clock.self_, format.as_ptr(), out.as_mut_ptr().cast(), out.len()) };
    if size == 0 || size > out.len() {
        return Err(fault("strftime_now: the format is not usable"));
    }
    out.truncate(size);
    let text = String::from_utf8(out).map_err(|_| fault("strftime_now: the time is not UTF-8"))?;
    Ok(Value::from(text))
}

/// Line, reason and the line itself: an error of a template is corrected in the template.
fn describe(error: &Error, source: &str) -> String {
    let mut reason = match (error.kind(), error.detail()) {
        (ErrorKind::OutOfFuel, _) => "it computes more than is allowed".to_string(),
        (kind, Some(detail)) => format!("{kind}: {detail}"),
        (kind, None) => kind.to_string(),
    };
    let mut cause = std::error::Error::source(error);
    let mut innermost = None;
    while let Some(inner) = cause {
        innermost = Some(inner);
        cause = inner.source();
    }
    if let Some(inner) = innermost {
        reason = format!("{reason}: {inner}");
    }
    let Some(line) = error.line() else { return reason };
    let text = source.lines().nth(line.saturating_sub(1)).unwrap_or_default().trim();
    let quote: String = text.chars().take(QUOTE_CHARS_MAX).collect();
    format!("line {line}, \"{quote}\": {reason}")
}
