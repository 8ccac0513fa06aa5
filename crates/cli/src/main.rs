//! The `heapwright` command: runs any program under the allocator and says where its memory went.
//!
//! It reads files and starts programs; it links no part of the allocator. The library it puts in front of
//! a program is a file that it carries ([`library`]), what the library counted is a file that it reads
//! ([`run`]).
#![forbid(unsafe_code)]

mod bench;
mod compare;
mod counters;
mod demo;
mod doctor;
mod elf;
mod failure;
mod library;
mod options;
mod output;
mod run;

use clap::Parser;
use options::{Options, Verb};
use run::Ending;

fn main() {
    compare::launch::serve();
    let options = Options::parse();
    let library = options.library.as_deref();
    let result = match &options.verb {
        Verb::Run(run) => run::run(library, run),
        Verb::Compare(compare) => compare::compare(library, compare),
        Verb::Bench(bench) => bench::bench(library, bench),
        Verb::Demo(demo) => demo::demo(library, demo),
        Verb::Doctor(doctor) => doctor::doctor(library, doctor),
    };
    match result {
        Ok(ending) => ending.follow(),
        Err(failure) => {
            output::failure(&failure);
            Ending::Status(i32::from(failure.status)).follow()
        }
    }
}
