//! The yardstick: Heapwright beside every peer, in one interleaved run.
//!
//! What is run is data: [`suite`] reads the workloads of our own, [`real`] the real programs, [`programs`] the Rust
//! programs; [`peers`] builds or finds the allocators. [`runner`] runs the jobs, [`results`] is what is left,
//! [`score`] and [`report`] say what it means.
#![forbid(unsafe_code)]

mod children;
mod job;
mod machine;
mod options;
mod peers;
mod programs;
mod progress;
mod public;
mod real;
mod report;
mod report_line;
mod results;
mod runner;
mod score;
mod session;
mod suite;

use clap::Parser;
use options::{Options, Verb};
use std::process::ExitCode;

fn main() -> ExitCode {
    let options = Options::parse();
    let ready = children::end_with_us().and_then(|()| session::Place::find());
    let done = ready.and_then(|place| match &options.verb {
        None => session::run(&place, &options.run),
        Some(Verb::Report(report)) => session::report(&place, report),
        Some(Verb::Peers) => session::peers(&place),
        Some(Verb::List(list)) => session::list(&place, list.quick),
        Some(Verb::Bless) => session::bless(&place),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("heapwright-bench: {text}");
            ExitCode::FAILURE
        }
    }
}
