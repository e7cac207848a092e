//! What a template may use. A limit that is hit is an error; nothing is cut off.

use minijinja::{Error, ErrorKind};
use std::cell::Cell;
use std::time::{Duration, Instant};

/// The longest template of a model has 20 KB.
pub const SOURCE_BYTES_MAX: usize = 1 << 20;
/// The engine counts lines in 16 bits.
pub const LINES_MAX: usize = 65_000;
/// Of one statement or expression. Real templates have at most some 200.
pub const TAG_TOKENS_MAX: usize = 2048;
/// `if` and `elif` around one place. Real templates have at most some 30.
pub const BRANCHES_MAX: usize = 256;
pub const OUTPUT_BYTES_MAX: usize = 16 << 20;
/// One pays for an instruction or 64 bytes of text, so a second and 512 MB are more than the most.
const FUEL_BASE: u64 = 1_000_000;
/// Each message is read, split and copied several times.
const FUEL_PER_INPUT_BYTE: u64 = 2;
const FUEL_MAX: u64 = 8_000_000;
/// Of macros in macros and of recursive loops.
pub const RECURSION_MAX: usize = 100;
pub const TIME_TEXT_BYTES_MAX: usize = 4096;
/// For machines on which fuel burns slowly. It is looked at whenever something is written, filtered or looped over.
const SECONDS_MAX: u64 = 2;
/// Nodes of what a template keeps, and its text: WEIGHT_BASE and what it is given several times over.
pub const WEIGHT_BASE: u64 = 1 << 16;
pub const WEIGHT_PER_CONTEXT: u64 = 4;
pub const STRING_BYTES_PER_WEIGHT: u64 = 16;
pub const WEIGHT_PER_FUEL: u64 = 16;
/// Of lists and objects in a value. JSON that a template is given has at most 128 levels.
pub const DEPTH_MAX: usize = 200;
/// Of texts that are padded, and of rows that lists are cut into.
pub const WIDTH_MAX: usize = 10_000;
/// What is kept has at most DEPTH_MAX levels, an expression adds one per token, and a macro takes some KB per call.
pub const STACK_BYTES: usize = 64 << 20;
/// The parser and the compiler take less than 2 KB per level of an expression.
pub const COMPILER_STACK_BYTES: usize = 64 << 20;

pub fn fuel(context_bytes: usize) -> u64 {
    (FUEL_BASE + context_bytes as u64 * FUEL_PER_INPUT_BYTE).min(FUEL_MAX)
}

thread_local! {
    static DEADLINE: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Begins to count the time of a rendering on this thread.
pub fn start_clock() {
    DEADLINE.set(Some(Instant::now() + Duration::from_secs(SECONDS_MAX)));
}

pub fn check_time() -> Result<(), Error> {
    match DEADLINE.get() {
        Some(deadline) if Instant::now() > deadline => {
            Err(Error::new(ErrorKind::InvalidOperation, format!("it takes more than {SECONDS_MAX} seconds")))
        }
        _ => Ok(()),
    }
}
