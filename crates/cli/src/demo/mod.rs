//! `heapwright demo`: a guided tour of every entry point, with its real results.
//!
//! The tour is a program of its own, carried like the library and run under it; this side explains.

mod topics;

use crate::failure::Failure;
use crate::output::style::Style;
use crate::output::{self, units};
use crate::run::{Early, Ending, Session, leave_signals, watch};
use crate::{library, options};
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;
use std::thread::{self, JoinHandle};

/// One line of the demo program.
struct Step<'a> {
    topic: &'a str,
    call: &'a str,
    result: &'a str,
    verdict: &'a str,
}

/// Runs the tour and shows it. A wrong answer is a failure of the command.
pub fn demo(library: Option<&Path>, _: &options::Demo) -> Result<Ending, Failure> {
    let library = library::choose(library)?;
    let program = library::demo_program()?;
    let early = Early::listen();
    let session = Session::open(library);
    let mut command = session.command(&program, &[]);
    let (answers, reports) = (capture()?, capture()?);
    command.stdout(answers.writer).stderr(reports.writer);
    if io::stderr().is_terminal() {
        output::say("running the demo program under the library…");
    }
    let ended = watch(&mut command, early)?;
    // The command holds the writing ends; the readers end with them.
    drop(command);
    let (answers, reports) = (answers.reader.join(), reports.reader.join());
    let (answers, reports) = (answers.unwrap_or_default(), reports.unwrap_or_default());

    let style = Style::of(&io::stdout());
    let mut text = format!("The library: {}\n", session.library().path.display());
    let steps: Vec<Step> = answers.lines().filter_map(step).collect();
    tell(&steps, style, &mut text);
    if !reports.trim().is_empty() {
        text.push_str(&format!("\n{}\n", style.bold("What it wrote to standard error (malloc_stats)")));
        reports.lines().for_each(|line| text.push_str(&format!("  {line}\n")));
    }
    let records = session.records(ended.pid);
    text.push_str(&format!("\n{}\n", conclusion(&steps, &ended, records.own.is_some(), style)));
    // A reader that has seen enough (`| head`) is no failure.
    let _ = io::stdout().write_all(text.as_bytes());
    judge(&steps, ended.ending)
}

/// The writing end for the program, and the thread that reads the other.
struct Capture {
    writer: io::PipeWriter,
    reader: JoinHandle<String>,
}

fn capture() -> Result<Capture, Failure> {
    let failed = |error: io::Error| {
        Failure::tool(format!("the demo program's output cannot be read: {error}"), "close some files")
    };
    let (mut pipe, writer) = io::pipe().map_err(failed)?;
    let read = move || {
        leave_signals();
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let reader = thread::Builder::new().spawn(read).map_err(failed)?;
    Ok(Capture { writer, reader })
}

fn step(line: &str) -> Option<Step<'_>> {
    let mut parts = line.split('\t');
    Some(Step { topic: parts.next()?, call: parts.next()?, result: parts.next()?, verdict: parts.next()? })
}

/// The steps below the explanation of their topic.
fn tell(steps: &[Step], style: Style, text: &mut String) {
    let mut topic = "";
    for step in steps {
        if step.topic != topic {
            topic = step.topic;
            let (title, explanation) = topics::explain(topic);
            text.push_str(&format!("\n{}\n", style.bold(title)));
            explanation.lines().for_each(|line| text.push_str(&format!("{}\n", style.dim(line))));
        }
        let mark = match step.verdict {
            "ok" => style.green("ok   "),
            "absent" => style.yellow("none "),
            _ => style.red("WRONG"),
        };
        text.push_str(&format!("  {mark} {:<40} {}\n", step.call, step.result));
    }
}

fn conclusion(steps: &[Step], ended: &crate::run::Ended, counted: bool, style: Style) -> String {
    let number = |verdict: &str| steps.iter().filter(|step| step.verdict == verdict).count() as u64;
    let (right, wrong, absent) = (number("ok"), number("wrong"), number("absent"));
    let mut text = format!("{} answered as they should", units::counted(right, "call"));
    if wrong > 0 {
        text.push_str(&format!(", {}", style.red(&format!("{wrong} wrongly"))));
    }
    if absent > 0 {
        text.push_str(&format!("; {absent} not exported"));
    }
    text.push_str(&format!(" ({}, peak RSS {})", units::time(ended.wall), units::bytes(ended.peak_rss)));
    if !counted {
        text.push_str("\nThe library left no statistics: heapwright doctor checks whether it can be loaded.");
    }
    text
}

fn judge(steps: &[Step], ending: Ending) -> Result<Ending, Failure> {
    let report = "report it with the output of heapwright doctor and of this command";
    match ending {
        Ending::Status(0) => Ok(Ending::Status(0)),
        Ending::Status(1) if steps.iter().any(|step| step.verdict == "wrong") => Err(Failure {
            status: 1,
            cause: "an entry point answered wrongly".to_owned(),
            remedy: report.to_owned(),
        }),
        _ => {
            let last = steps.last().map_or("nothing", |step| step.call);
            let cause = format!("the demo program ended early ({ending:?}); its last answer was for {last}");
            Err(Failure { status: 1, cause, remedy: report.to_owned() })
        }
    }
}
