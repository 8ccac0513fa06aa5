//! One line on the terminal: which run it is, and how long the rest takes.

use crate::output::units::time;
use std::env;
use std::io::{self, IsTerminal, Write};
use std::time::Instant;

/// Back to the start of the line, and away with what is there.
const CLEAR: &str = "\r\x1b[K";

/// The line. It is drawn between runs only: nothing of ours works while the program is measured.
pub struct Progress {
    shown: bool,
    began: Instant,
    done: u32,
    total: u32,
}

impl Progress {
    /// For `total` runs; drawn if a person looks and nothing else is written there.
    pub fn new(total: usize, wanted: bool) -> Self {
        let dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
        let shown = wanted && !dumb && io::stderr().is_terminal();
        Progress { shown, began: Instant::now(), done: 0, total: u32::try_from(total).unwrap_or(u32::MAX) }
    }

    /// The next run begins.
    pub fn next(&mut self, what: &str) {
        if self.shown {
            let left = if self.done == 0 { String::new() } else { format!(", {} left", time(self.left())) };
            let _ = write!(io::stderr(), "{CLEAR}{what}{left}");
        }
        self.done += 1;
    }

    /// By what the runs so far took.
    fn left(&self) -> std::time::Duration {
        let each = self.began.elapsed() / self.done.max(1);
        each * self.total.saturating_sub(self.done)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(io::stderr(), "{CLEAR}");
        }
    }
}
