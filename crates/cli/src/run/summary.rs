//! The summary of a run: for people, and as JSON.

use super::child::{Ended, Ending};
use super::stats::{Record, Records};
use crate::counters::Counter;
use crate::library::Library;
use crate::output::style::Style;
use crate::output::units::{bytes, count, counted, time};
use nix::sys::signal::Signal;
use serde::Serialize;
use serde_json::{Map, Value};

/// What a run came to. The names of the fields are those of the JSON.
#[derive(Serialize)]
pub struct Summary {
    /// The program as it was named.
    program: String,
    /// Its arguments.
    arguments: Vec<String>,
    /// Exit status, unless a signal ended it.
    status: Option<i32>,
    /// The signal that ended it.
    signal: Option<i32>,
    wall_seconds: f64,
    user_seconds: f64,
    system_seconds: f64,
    /// Of the largest process.
    peak_rss_bytes: u64,
    /// The program's own process; nothing if it left no statistics.
    process: Option<Map<String, Value>>,
    /// Whether the counts of `process` are exact, rather than lower bounds.
    exact: bool,
    /// Processes it started.
    others: Others,
    library: Chosen,
    notes: Vec<String>,
}

/// Sums over the other processes.
#[derive(Serialize)]
struct Others {
    processes: usize,
    unfinished: usize,
    allocations: u64,
    frees: u64,
    returned_bytes: u64,
    failures: u64,
    largest_peak_live_bytes: u64,
}

#[derive(Serialize)]
struct Chosen {
    path: String,
    origin: &'static str,
}

impl Summary {
    /// Puts together what is known of a run.
    pub fn new(
        command: &[std::ffi::OsString],
        ended: &Ended,
        records: &Records,
        library: &Library,
        uncounted: Option<&str>,
    ) -> Self {
        let mut words = command.iter().map(|word| word.to_string_lossy().into_owned());
        let (status, signal) = match ended.ending {
            Ending::Status(code) => (Some(code), None),
            Ending::Signal(number) => (None, Some(number)),
        };
        Summary {
            program: words.next().unwrap_or_default(),
            arguments: words.collect(),
            status,
            signal,
            wall_seconds: ended.wall.as_secs_f64(),
            user_seconds: ended.user.as_secs_f64(),
            system_seconds: ended.system.as_secs_f64(),
            peak_rss_bytes: ended.peak_rss,
            process: records.own.as_ref().map(every_counter),
            exact: records.own.as_ref().is_some_and(Record::is_complete),
            others: Others {
                processes: records.others.len(),
                unfinished: records.unfinished(),
                allocations: records.sum(Counter::Allocations),
                frees: records.sum(Counter::Frees),
                returned_bytes: records.sum(Counter::ReturnedBytes),
                failures: records.sum(Counter::Failures),
                largest_peak_live_bytes: records.largest(Counter::PeakLiveBytes),
            },
            library: Chosen {
                path: library.path.to_string_lossy().into_owned(),
                origin: library.origin.name(),
            },
            notes: notes(records, uncounted),
        }
    }

    /// One line of JSON.
    pub fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}"))
    }

    /// Some lines for people.
    pub fn text(&self, style: Style, ended: &Ended, records: &Records) -> String {
        let name = self.program.rsplit('/').next().unwrap_or(&self.program);
        let end = describe(ended.ending);
        let mut lines =
            vec![format!("{} {name} {end} after {}", style.bold("heapwright:"), time(ended.wall))];
        let mut row = |label: &str, text: String| {
            lines.push(format!("  {} {text}", style.dim(&format!("{label:<17}"))))
        };
        row("peak RSS", bytes(ended.peak_rss));
        if let Some(own) = &records.own {
            let get = |counter| own.get(counter);
            let at_least = if own.is_complete() { "" } else { "at least " };
            row("peak live", format!("{at_least}{}", bytes(get(Counter::PeakLiveBytes))));
            row(
                "allocations",
                format!(
                    "{at_least}{}, {at_least}{} freed",
                    count(get(Counter::Allocations)),
                    count(get(Counter::Frees))
                ),
            );
            row(
                "returned",
                format!("{at_least}{} to the operating system", bytes(get(Counter::ReturnedBytes))),
            );
            let live = format!(
                "{} in {}",
                bytes(get(Counter::LiveBytes)),
                counted(get(Counter::LiveBlocks), "block")
            );
            let when = if own.is_complete() { "" } else { ", when last counted" };
            row("still live", format!("{live}{when}"));
            if get(Counter::Failures) > 0 {
                row(
                    "refused",
                    format!(
                        "{} answered with NULL: memory ran out",
                        counted(get(Counter::Failures), "request")
                    ),
                );
            }
        }
        if self.others.processes > 0 {
            let others = &self.others;
            row(
                "other processes",
                format!(
                    "{}: {} allocations, {} returned, largest peak live {}",
                    others.processes,
                    count(others.allocations),
                    bytes(others.returned_bytes),
                    bytes(others.largest_peak_live_bytes)
                ),
            );
        }
        for note in &self.notes {
            row("note", note.clone());
        }
        lines.join("\n")
    }
}

fn every_counter(record: &Record) -> Map<String, Value> {
    Counter::ALL
        .iter()
        .map(|counter| (counter.name().to_owned(), Value::from(record.get(*counter))))
        .collect()
}

/// The end of a program in words, behind its name.
pub fn describe(ending: Ending) -> String {
    match ending {
        Ending::Status(code) => format!("ended with status {code}"),
        Ending::Signal(number) => match Signal::try_from(number) {
            Ok(signal) => format!("was ended by {}", signal.as_str()),
            Err(_) => format!("was ended by signal {number}"),
        },
    }
}

/// What keeps the counts from being all there is to know.
fn notes(records: &Records, uncounted: Option<&str>) -> Vec<String> {
    let mut notes = Vec::new();
    match (&records.own, uncounted) {
        (_, Some(reason)) => notes.push(format!("nothing was counted: no folder for statistics ({reason})")),
        (None, None) => notes.push(
            "the program left no statistics: the library did not begin in it (heapwright doctor checks \
             whether it can)"
                .to_owned(),
        ),
        (Some(own), None) if !own.is_complete() => notes.push(
            "the program ended without running its exit handlers, so the counts are lower bounds".to_owned(),
        ),
        _ => {}
    }
    if records.unfinished() > 0 {
        let number = counted(records.unfinished() as u64, "process");
        notes.push(format!("of the others, {number} still ran or ended without exit handlers: lower bounds"));
    }
    if records.unreadable > 0 {
        let number = counted(records.unreadable as u64, "process");
        notes.push(format!("{number} left statistics that cannot be read"));
    }
    notes
}
