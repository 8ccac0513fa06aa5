//! The result: a table for people, JSON for machines.

use super::verdict::{Measure, beside, conclude, phrase, spread, word};
use super::{Confirmed, Measured};
use crate::output::style::Style;
use heapwright_measure::process::Usage;
use heapwright_measure::statistics::Verdict;
use serde_json::{Map, Value, json};
use std::ffi::OsString;

/// Programs that take less, in seconds, say more about starting processes than about memory.
const SHORT: f64 = 0.05;

/// What was measured of which program.
pub struct Report<'a> {
    command: Vec<String>,
    measured: &'a [Measured],
}

impl<'a> Report<'a> {
    /// The first of `measured` is the base.
    pub fn new(command: &[OsString], measured: &'a [Measured]) -> Self {
        let command = command.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        Report { command, measured }
    }

    fn base(&self) -> &'a Measured {
        &self.measured[0]
    }

    fn others(&self) -> &'a [Measured] {
        &self.measured[1..]
    }

    fn conclusions(&self) -> Vec<String> {
        let conclude = |own: &Measured| {
            if own.confirmed != Confirmed::Yes {
                return format!("{}: not in use, as far as can be told: no verdict", own.candidate.name);
            }
            let [wall, cpu, memory] = Measure::ALL.map(|measure| beside(self.base(), own, measure).verdict);
            conclude(&own.candidate.name, wall, cpu, memory)
        };
        self.others().iter().map(conclude).collect()
    }

    /// What keeps the verdicts from being all there is to know.
    fn notes(&self) -> Vec<String> {
        let note = |own: &Measured| match &own.confirmed {
            Confirmed::Yes => None,
            Confirmed::Unknown(why) => {
                let name = &own.candidate.name;
                Some(format!("that {name} served the program could not be confirmed: {why}"))
            }
        };
        let mut notes: Vec<String> = self.measured.iter().filter_map(note).collect();
        let wall = spread(self.base(), Measure::Wall).median;
        if wall < SHORT {
            let wall = Measure::Wall.show(wall);
            notes.push(format!("a run takes {wall}, mostly to start a process: give the program more to do"));
        }
        notes
    }

    /// The table, the notes, and one line for each candidate beside the base.
    pub fn text(&self, style: Style) -> String {
        let name = self.command[0].rsplit('/').next().unwrap_or_default();
        let rounds = self.base().samples.len();
        let s = if rounds == 1 { "" } else { "s" };
        let mut lines =
            vec![format!("{} {name}, {rounds} round{s} in turns", style.bold("heapwright compare:"))];
        let width = self.measured.iter().map(|own| own.candidate.name.len()).max().unwrap_or(0).max(9);
        let head = format!("{:width$}  {:>12}  {:<25}", "", "median", "quartiles");
        lines.push(style.dim(&format!("  {head}  beside the system's malloc")));
        for measure in Measure::ALL {
            lines.push(style.bold(measure.title()));
            for own in self.measured {
                let spread = spread(own, measure);
                let quartiles = format!("{} – {}", measure.show(spread.low), measure.show(spread.high));
                let verdict = self.verdict(own, measure, style);
                let row = format!(
                    "  {:width$}  {:>12}  {quartiles:<25}  ",
                    own.candidate.name,
                    measure.show(spread.median)
                );
                lines.push(format!("{row}{verdict}").trim_end().to_owned());
            }
        }
        lines.push(String::new());
        lines.extend(self.notes().iter().map(|note| format!("{} {note}", style.yellow("note:"))));
        lines.extend(self.conclusions().iter().map(|line| style.bold(line)));
        lines.join("\n")
    }

    fn verdict(&self, own: &Measured, measure: Measure, style: Style) -> String {
        if std::ptr::eq(own, self.base()) {
            return String::new();
        }
        if own.confirmed != Confirmed::Yes {
            return "no verdict".to_owned();
        }
        let comparison = beside(self.base(), own, measure);
        let text = phrase(&comparison, measure);
        match comparison.verdict {
            Verdict::Less(_) => style.green(&text),
            Verdict::More(_) => style.red(&text),
            Verdict::NoDifference | Verdict::TooFew => text,
        }
    }

    /// One line of JSON, with every sample.
    pub fn json(&self) -> String {
        let candidates: Vec<Value> = self.measured.iter().map(candidate).collect();
        let verdicts: Vec<Value> =
            self.others().iter().flat_map(|own| Measure::ALL.map(|measure| self.row(own, measure))).collect();
        json!({
            "program": self.command[0],
            "arguments": self.command[1..],
            "rounds": self.base().samples.len(),
            "candidates": candidates,
            "verdicts": verdicts,
            "conclusions": self.conclusions(),
            "notes": self.notes(),
        })
        .to_string()
    }

    fn row(&self, own: &Measured, measure: Measure) -> Value {
        let comparison = beside(self.base(), own, measure);
        let verdict = match own.confirmed {
            Confirmed::Yes => word(comparison.verdict),
            Confirmed::Unknown(_) => "unconfirmed",
        };
        json!({
            "candidate": own.candidate.name,
            "measure": measure.key(),
            "ratio": comparison.ratio,
            "interval": comparison.interval.map(|(low, high)| [low, high]),
            "verdict": verdict,
        })
    }
}

fn candidate(own: &Measured) -> Value {
    let medians: Map<String, Value> = Measure::ALL
        .iter()
        .map(|measure| (measure.key().to_owned(), spread(own, *measure).median.into()))
        .collect();
    json!({
        "name": own.candidate.name,
        "library": own.candidate.library.as_ref().map(|path| path.to_string_lossy()),
        "confirmed": own.confirmed == Confirmed::Yes,
        "medians": medians,
        "samples": own.samples.iter().map(sample).collect::<Vec<_>>(),
    })
}

fn sample(usage: &Usage) -> Value {
    json!({
        "wall_seconds": usage.wall.as_secs_f64(),
        "user_seconds": usage.user.as_secs_f64(),
        "system_seconds": usage.system.as_secs_f64(),
        "peak_rss_bytes": usage.peak_rss,
        "minor_faults": usage.minor_faults,
        "major_faults": usage.major_faults,
    })
}
