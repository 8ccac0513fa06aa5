//! Workloads for allocators.
//!
//! One program asks `malloc` for memory in every way programs do, and checks what it gets: each block is marked
//! when it is born and its mark is read when it dies, and the marks make up the checksum that the program prints.
//! An allocator that hands out a block twice, or loses what was written, ends with another checksum.
//!
//! The work of a workload is the same for any number of threads: they share it.

mod block;
mod crew;
mod identify;
mod loads;
mod outcome;
mod sizes;

use clap::Parser;
use loads::Task;
use std::io::Write;
use std::process::ExitCode;

/// Runs one workload and prints one line of JSON about it.
#[derive(Parser)]
#[command(name = "heapwright-load", version)]
struct Options {
    /// The workload; `list` names them all, `identify` only says who serves malloc
    workload: String,

    /// Threads that share the work
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=4096))]
    threads: u32,

    /// How much work, in the workload's own unit
    #[arg(long, default_value_t = 1)]
    size: u64,

    /// Seconds to wait before the last look at the resident set, where the workload has one
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=3600))]
    idle: u32,
}

fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|word| word == loads::SMALL_PROGRAM) {
        println!("{}", loads::small_program());
        return ExitCode::SUCCESS;
    }
    let options = Options::parse();
    let line = match options.workload.as_str() {
        "list" => loads::LOADS.iter().map(|load| load.name).collect::<Vec<_>>().join("\n"),
        "identify" => identify::serving(),
        name => match loads::find(name) {
            Some(load) => {
                let task = Task { threads: options.threads as usize, size: options.size, idle: options.idle };
                let outcome = (load.run)(&task);
                outcome.line(&identify::serving())
            }
            None => {
                eprintln!("heapwright-load: no workload {name}; `heapwright-load list` names them");
                return ExitCode::from(2);
            }
        },
    };
    match writeln!(std::io::stdout(), "{line}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("heapwright-load: the result cannot be printed: {error}");
            ExitCode::FAILURE
        }
    }
}
