//! Starts a program from a process that is small, and says what the program used.
//!
//! The kernel counts the memory that a child shares with who forked it as the child's first peak, and keeps that
//! peak across exec: a program started from a process of 50 MiB has a peak of 50 MiB. So a large process starts
//! this one, and this one the program: `heapwright-launch FILE PROGRAM [ARGUMENT …]`.
//!
//! The usage is written to FILE ([`process::Usage::line`]); `HEAPWRIGHT_LAUNCH_PRELOAD` becomes the program's `LD_PRELOAD`.
//! The exit status is 0 if the program ran, whatever became of it, and 127 if it could not be started.
#![forbid(unsafe_code)]

use heapwright_measure::process;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    let (Some(file), Some(program)) = (words.next(), words.next()) else {
        eprintln!("usage: heapwright-launch FILE PROGRAM [ARGUMENT …]");
        return ExitCode::from(2);
    };
    let mut command = Command::new(&program);
    command.args(words);
    process::hand_preload_on(&mut command);
    let written = process::run(&mut command).and_then(|usage| std::fs::write(&file, usage.line()));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("heapwright-launch: {}: {error}", program.display());
            ExitCode::from(127)
        }
    }
}
