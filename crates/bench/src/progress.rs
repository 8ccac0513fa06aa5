//! How far the run is, for who waits: a bar on a terminal, a line for each part of the run elsewhere.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

/// What a candidate takes before anything is known.
const GUESS: Duration = Duration::from_millis(400);

/// The progress of a run.
pub struct Progress {
    bar: ProgressBar,
    began: Instant,
    done: u64,
    /// The last step began then.
    step: Instant,
    /// The sum of what steps took.
    spent: Duration,
}

impl Progress {
    /// Nothing is known yet.
    pub fn new() -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let look = if plain { "{bar:24} {pos}/{len} {msg}" } else { "{bar:24.green} {pos}/{len} {msg}" };
        bar.set_style(ProgressStyle::with_template(look).unwrap_or_else(|_| ProgressStyle::default_bar()));
        let now = Instant::now();
        Progress { bar, began: now, done: 0, step: now, spent: Duration::ZERO }
    }

    /// A line that stays.
    pub fn say(&self, text: &str) {
        let seconds = self.began.elapsed().as_secs();
        let line = format!("[{:>2}:{:02}] {text}", seconds / 60, seconds % 60);
        if stderr().is_terminal() { self.bar.println(line) } else { eprintln!("{line}") }
    }

    /// The number of steps there are in all.
    pub fn expect(&mut self, steps: usize) {
        self.bar.set_length(steps as u64);
        self.step = Instant::now();
    }

    /// One more step begins.
    pub fn step(&mut self, what: &str) {
        if self.done > 0 {
            self.spent += self.step.elapsed();
        }
        self.step = Instant::now();
        let left = self.bar.length().unwrap_or(0).saturating_sub(self.done);
        let each =
            if self.done == 0 { GUESS } else { self.spent / u32::try_from(self.done).unwrap_or(u32::MAX) };
        let seconds = (each * u32::try_from(left).unwrap_or(u32::MAX)).as_secs();
        self.bar.set_position(self.done);
        self.bar.set_message(format!("{}:{:02} left  {what}", seconds / 60, seconds % 60));
        self.done += 1;
    }

    /// The bar goes.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}
