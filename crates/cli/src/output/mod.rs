//! How things are shown: units, colours, messages.

pub mod style;
pub mod units;

use crate::failure::Failure;
use std::io::{self, Write};
use style::Style;

/// Prints a refusal: the cause, and below it the remedy.
pub fn failure(failure: &Failure) {
    let style = Style::of(&io::stderr());
    say(&format!("{} {}", style.red("heapwright:"), failure.cause));
    say(&format!("  {} {}", style.dim("remedy:"), failure.remedy));
}

/// Prints a warning that does not keep the program from running.
pub fn warning(text: &str) {
    let style = Style::of(&io::stderr());
    say(&format!("{} {text}", style.yellow("heapwright: warning:")));
}

/// A line on standard error. A closed or full stream is no reason to disturb the program's exit status.
pub fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
