//! The environment that transformers gives to chat templates, with limits on what a template may use.

use crate::{check, filters, iterables, json, limits, python, source, tags, text, weight, Clock};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, UndefinedBehavior};
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
        if source.len() > limits::SOURCE_BYTES_MAX {
            return Err(Failure::Failed(format!(
                "it has {} bytes, at most {} are allowed",
                source.len(),
                limits::SOURCE_BYTES_MAX
            )));
        }
        on_thread(limits::COMPILER_STACK_BYTES, || Program::compile_here(source))
    }

    fn compile_here(source: &str) -> Result<Program, Failure> {
        let mut environment = environment().map_err(|error| Failure::Defect(error.to_string()))?;
        let failed = |error: &Error| Failure::Failed(describe(error, source));
        let tags = tags::read(source, environment.syntax().clone()).map_err(|error| failed(&error))?;
        check::check(source, &tags)
            .map_err(|refusal| Failure::Failed(at_line(refusal.line, source, &refusal.reason)))?;
        environment.add_template_owned(NAME, source::as_dialect(source, &tags)).map_err(|error| failed(&error))?;
        Ok(Program { environment, source: source.to_string() })
    }

    pub fn render(&self, context: &str, clock: Clock) -> Result<String, Failure> {
        let fuel = limits::fuel(context.len());
        on_thread(limits::STACK_BYTES, move || {
            let context: serde_json::Value = serde_json::from_str(context)
                .map_err(|error| Failure::Failed(format!("what the template reads is no JSON: {error}")))?;
            self.render_here(context, fuel, clock)
        })
    }

    fn render_here(&self, context: serde_json::Value, fuel: u64, clock: Clock) -> Result<String, Failure> {
        CLOCK.set(Some(clock));
        limits::start_clock();
        let context = Value::from(Serde(context));
        weight::start(&context);
        match (self.write(context, fuel), RAISED.take()) {
            (Ok(text), _) => Ok(text),
            (Err(_), Some(text)) => Err(Failure::Raised(text)),
            (Err(error), None) => Err(Failure::Failed(match error.kind() {
                ErrorKind::OutOfFuel => {
                    let reason = format!("it takes more than {fuel} steps, the most for a conversation of this size");
                    at_line(error.line().unwrap_or(0), &self.source, &reason)
                }
                _ => describe(&error, &self.source),
            })),
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

/// Runs work on a thread of its own with a stack of the given size.
fn on_thread<T: Send>(stack_bytes: usize, work: impl FnOnce() -> Result<T, Failure> + Send) -> Result<T, Failure> {
    std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().stack_size(stack_bytes);
        let thread = builder.spawn_scoped(scope, move || crate::guarded(work));
        let thread = thread.map_err(|error| Failure::Defect(format!("no thread for the template: {error}")))?;
        thread.join().unwrap_or_else(|_| Err(Failure::Defect("the thread of the template failed".into())))
    })
}

/// A text that refuses to become longer than allowed.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > limits::OUTPUT_BYTES_MAX - self.0.len() {
            let reason = format!("the text has more than {} bytes", limits::OUTPUT_BYTES_MAX);
            return Err(io::Error::other(reason));
        }
        limits::check_time().map_err(io::Error::other)?;
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
    environment.set_recursion_limit(limits::RECURSION_MAX);
    environment.set_unknown_method_callback(python::method);
    environment.remove_global("debug");
    filters::add(&mut environment);
    environment.set_formatter(text::write);
    environment.add_test("callable", |value: &Value| matches!(value.kind(), ValueKind::Plain | ValueKind::Undefined));
    environment.add_test("iterable", python::is_iterable);
    environment.add_test("sequence", python::is_sequence);
    environment.add_filter("tojson", json::tojson);
    environment.add_filter("trim", python::trim);
    environment.add_function("range", iterables::range);
    environment.add_function("raise_exception", raise_exception);
    environment.add_function("strftime_now", strftime_now);
    Ok(environment)
}

fn raise_exception(state: &State, message: Value) -> Result<Value, Error> {
    RAISED.set(Some(text::text(state, &message)?));
    Err(Error::new(ErrorKind::InvalidOperation, "raise_exception"))
}

fn strftime_now(format: &str) -> Result<Value, Error> {
    let fault = |text| Error::new(ErrorKind::InvalidOperation, text);
    let clock = CLOCK.get().ok_or_else(|| fault("strftime_now: there is no clock"))?;
    if format.is_empty() {
        return Ok(Value::from(""));
    }
    let format = CString::new(format).map_err(|_| fault("strftime_now: the format holds a zero byte"))?;
    let mut out = vec![0_u8; limits::TIME_TEXT_BYTES_MAX];
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
    at_line(error.line().unwrap_or(0), source, &reason)
}

/// A reason with the line that it is about; 0: none.
fn at_line(line: usize, source: &str, reason: &str) -> String {
    if line == 0 {
        return reason.to_string();
    }
    let text = source.lines().nth(line - 1).unwrap_or_default().trim();
    let quote: String = text.chars().take(QUOTE_CHARS_MAX).collect();
    format!("line {line}, \"{quote}\": {reason}")
}
