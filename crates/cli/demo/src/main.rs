//! The program that `heapwright demo` runs under the library: it calls every C entry point and says what
//! came back.
//!
//! It is a plain dynamically linked program that knows nothing of the allocator below it: what it shows is
//! what any C program sees. Each line of its output is `topic`, `call`, `result` and `verdict`, parted by
//! tabs; the verdict is `ok`, `absent` (nobody exports the function) or `wrong`, and a wrong answer makes the
//! exit status 1. `--probe` prints what `heapwright doctor` wants to know instead.
//!
//! # Safety
//! Every block is touched inside the size it was asked for and given back once, by the thread that has it.

// Without it the compiler, which knows what `malloc` does, leaves out calls whose block is not used.
#![no_builtins]

mod asking;
mod blocks;
mod c;
mod names;
mod native;
mod process;

use std::process::ExitCode;

/// Prints the lines and remembers whether one was wrong.
pub struct Tour {
    topic: &'static str,
    wrong: bool,
}

impl Tour {
    /// Lines from here on belong to `topic`.
    fn topic(&mut self, topic: &'static str) {
        self.topic = topic;
    }

    /// One call, what it returned, and whether that is right.
    fn show(&mut self, call: &str, result: impl AsRef<str>, right: bool) {
        self.wrong |= !right;
        self.line(call, result.as_ref(), if right { "ok" } else { "wrong" });
    }

    /// A function that neither the allocator nor the C library has.
    fn absent(&mut self, call: &str) {
        self.line(call, "not exported", "absent");
    }

    fn line(&self, call: &str, result: &str, verdict: &str) {
        println!("{}\t{call}\t{result}\t{verdict}", self.topic);
    }
}

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("--probe") => return process::probe(),
        Some("--nothing") => return ExitCode::SUCCESS,
        _ => {}
    }
    let mut tour = Tour { topic: "", wrong: false };
    blocks::tour(&mut tour);
    asking::tour(&mut tour);
    names::tour(&mut tour);
    process::tour(&mut tour);
    native::tour(&mut tour);
    if tour.wrong { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
