//! `heapwright compare`: does the allocator help this program?
//!
//! The program runs with the system's malloc, with ours and with those of `--with`, in turns, so that all share
//! whatever the machine does meanwhile. What is said of the difference is what the rounds agree on.

mod candidates;
mod confirm;
mod interrupts;
pub mod launch;
mod progress;
mod report;
mod runner;
mod verdict;

use crate::failure::Failure;
use crate::library::{self, Library};
use crate::output::style::Style;
use crate::run::{self, Ending, describe, rivals};
use crate::{options, output};
use candidates::{Candidate, OURS, SYSTEM};
use confirm::Confirmed;
use heapwright_measure::process::Usage;
use heapwright_measure::rounds;
use nix::sys::signal::Signal;
use progress::Progress;
use runner::Runner;
use std::io::{self, Write};
use std::path::Path;

/// A candidate with what it came to.
pub struct Measured {
    /// Who it is.
    pub candidate: Candidate,
    /// Whether its library was in use.
    pub confirmed: Confirmed,
    /// One for each round, in order.
    pub samples: Vec<Usage>,
}

/// Why there is no verdict.
pub enum Stop {
    /// Something could not be done.
    Refused(Failure),
    /// This signal came for us.
    Interrupted(i32),
    /// The program failed.
    Failed(Failed),
}

/// A run in which the program did not succeed.
pub struct Failed {
    candidate: String,
    /// Zero is the round that is not measured.
    round: usize,
    ending: Ending,
    /// Its error output.
    said: String,
}

/// Compares, and prints what came out. A program that fails gives the command its status.
pub fn compare(library: Option<&Path>, options: &options::Compare) -> Result<Ending, Failure> {
    if options.rounds == 0 {
        return Err(Failure::tool("nothing is measured in 0 rounds", "leave -n out, or give 6 and more"));
    }
    run::check_settings(&options.settings)?;
    let program = run::find(&options.command[0])?;
    let library = library::choose(library)?;
    warn(&program, &library, options)?;
    let candidates = candidates::all(&library, &options.with)?;
    let runner = Runner::new(program, options)?;
    match measure(&runner, candidates, &library, options) {
        Ok(measured) => {
            let report = report::Report::new(&options.command, &measured);
            let text = if options.json { report.json() } else { report.text(Style::of(&io::stdout())) };
            let written = writeln!(io::stdout(), "{text}");
            written.map_err(|error| {
                Failure::tool(format!("the result could not be written: {error}"), "check standard output")
            })?;
            measured.iter().try_for_each(|own| in_use(&own.candidate, &own.confirmed))?;
            Ok(Ending::Status(0))
        }
        Err(Stop::Refused(failure)) => Err(failure),
        Err(Stop::Interrupted(number)) => {
            let name = Signal::try_from(number).map_or("a signal", Signal::as_str);
            output::say(&format!("heapwright: interrupted by {name}: no verdict"));
            Ok(Ending::Signal(number))
        }
        Err(Stop::Failed(failed)) => Ok(tell(&runner, failed)),
    }
}

/// What makes the comparison doubtful or senseless, before anything runs.
fn warn(program: &Path, library: &Library, options: &options::Compare) -> Result<(), Failure> {
    let mut warnings = run::examine(program, library, options.anyway)?;
    for (path, allocator) in rivals::preloaded() {
        let cause =
            format!("LD_PRELOAD names {path} ({allocator}), which would be measured as the system's malloc");
        if !options.anyway {
            let remedy = format!("unset LD_PRELOAD, and add --with name={path}; or add --anyway");
            return Err(Failure::tool(cause, remedy));
        }
        warnings.push(cause);
    }
    warnings.iter().for_each(|text| output::warning(text));
    Ok(())
}

/// A round that is not measured, then those that are.
fn measure(
    runner: &Runner,
    candidates: Vec<Candidate>,
    library: &Library,
    options: &options::Compare,
) -> Result<Vec<Measured>, Stop> {
    let mut progress = Progress::new((options.rounds + 1) * candidates.len(), !options.show_output);
    let mut measured = Vec::new();
    for candidate in candidates {
        progress.next(&format!("warming up: {}", candidate.name));
        let confirmed = confirm::warm_up(runner, &candidate, library)?;
        if !options.anyway {
            in_use(&candidate, &confirmed).map_err(Stop::Refused)?;
        }
        measured.push(Measured { candidate, confirmed, samples: Vec::new() });
    }
    for round in 0..options.rounds {
        for index in rounds::order(round, measured.len()) {
            let Measured { candidate, samples, .. } = &mut measured[index];
            progress.next(&format!("round {} of {}: {}", round + 1, options.rounds, candidate.name));
            samples.push(runner.run(candidate, round + 1)?);
        }
    }
    Ok(measured)
}

/// Refuses a comparison with our library that has none: the system's malloc would be compared with itself.
fn in_use(candidate: &Candidate, confirmed: &Confirmed) -> Result<(), Failure> {
    match confirmed {
        Confirmed::Unknown(why) if candidate.name == OURS => Err(Failure::tool(
            format!("heapwright is not in use, as far as can be told: no verdict ({why})"),
            "let heapwright doctor say whether preloading works here; name a program that keeps LD_PRELOAD, and with \
             --library a libheapwright.so; --anyway prints the numbers",
        )),
        _ => Ok(()),
    }
}

/// Tells how the program failed and whether the allocator has to do with it.
fn tell(runner: &Runner, failed: Failed) -> Ending {
    let _ = io::stderr().write_all(failed.said.as_bytes());
    if !failed.said.is_empty() && !failed.said.ends_with('\n') {
        output::say("");
    }
    let style = Style::of(&io::stderr());
    let name = runner.name().display();
    let round = if failed.round == 0 {
        "before the first round".to_owned()
    } else {
        format!("in round {}", failed.round)
    };
    let with = if failed.candidate == SYSTEM { "the system's malloc" } else { &failed.candidate };
    output::say(&format!(
        "{} {name} {} with {with} {round}: no verdict",
        style.red("heapwright:"),
        describe(failed.ending)
    ));
    output::say(&format!("  {}", blame(runner, &failed)));
    failed.ending
}

/// Whether it fails with the system's malloc too; asked once more, for it may depend on what earlier runs left.
fn blame(runner: &Runner, failed: &Failed) -> String {
    let by_itself = "the program fails by itself";
    if failed.candidate == SYSTEM {
        let before = if failed.round == 0 { "" } else { ", but not in every run" };
        return format!("{by_itself}{before}");
    }
    let system = Candidate { name: SYSTEM.to_owned(), library: None };
    match runner.run(&system, failed.round) {
        Err(Stop::Failed(again)) => {
            format!("with the system's malloc it {} too: {by_itself}", describe(again.ending))
        }
        Ok(_) if failed.candidate == OURS => {
            "with the system's malloc it succeeds; please report this, with the \
            output of heapwright doctor"
                .to_owned()
        }
        Ok(_) => "with the system's malloc it succeeds".to_owned(),
        Err(_) => "whether it succeeds with the system's malloc is not known".to_owned(),
    }
}
