//! The small process between the command and a measured program.
//!
//! The kernel counts the memory that a child shares with who forked it as the child's first peak. So the command, with
//! its tables and samples, starts itself anew, and that process, which has allocated next to nothing, starts the
//! program. Its standard input is a file, where it writes what became of the program.

use heapwright_measure::process::{self, PRELOAD, Usage};
use nix::sys::signal::{SigSet, Signal};
use std::env;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The first argument of the small process.
const WORD: &str = "launch-for-compare";
/// The command's own file, also after it was replaced.
pub const OWN: &str = "/proc/self/exe";

/// Signals for the whole group of the program, which the small process outlives to tell how the program ended.
const SURVIVED: [Signal; 6] =
    [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM, Signal::SIGUSR1, Signal::SIGUSR2];

/// What became of a program that was to be launched.
pub enum Launched {
    /// It ran.
    Ran(Usage),
    /// The kernel did not start it.
    NotStarted(io::Error),
}

/// A command that launches `program`, with its environment, under the name `name`. Arguments can be added.
///
/// The program's `LD_PRELOAD` must not be that of the small process, which it would make large.
pub fn command(program: &Command, name: &OsStr) -> Command {
    let mut command = Command::new(OWN);
    command.arg(WORD).arg(program.get_program()).arg(name);
    let mut preload = env::var_os("LD_PRELOAD");
    for (key, value) in program.get_envs() {
        match value {
            _ if key == "LD_PRELOAD" => preload = value.map(OsStr::to_owned),
            Some(value) => drop(command.env(key, value)),
            None => drop(command.env_remove(key)),
        }
    }
    command.env_remove("LD_PRELOAD").env_remove(PRELOAD);
    if let Some(list) = preload {
        command.env(PRELOAD, list);
    }
    command
}

/// What the small process, which has `own` usage, wrote. A signal that ended it before it could write was one for the
/// group: the program's end is the same.
pub fn read(text: &str, own: Usage) -> io::Result<Launched> {
    if let Some(usage) = Usage::parse(text) {
        return Ok(Launched::Ran(usage));
    }
    let number = text.strip_prefix("error ").and_then(|number| number.trim().parse().ok());
    match (number, own.status.signal()) {
        (Some(number), _) => Ok(Launched::NotStarted(io::Error::from_raw_os_error(number))),
        (None, Some(_)) => Ok(Launched::Ran(own)),
        (None, None) => Err(io::Error::other("nothing is known of its end")),
    }
}

/// Does the work if this is the small process, before anything else allocates; comes back if it is not.
pub fn serve() {
    let mut words = env::args_os().skip(1);
    if words.next().is_none_or(|word| word != WORD) {
        return;
    }
    let (Some(program), Some(name)) = (words.next(), words.next()) else { return };
    let mut command = Command::new(program);
    command.arg0(name).args(words).stdin(Stdio::null());
    process::hand_preload_on(&mut command);
    let done =
        io::stdin().as_fd().try_clone_to_owned().is_ok_and(|file| launch(&mut command, File::from(file)));
    std::process::exit(i32::from(!done));
}

/// Runs `command` and writes its usage, or the number of the error.
fn launch(command: &mut Command, mut file: File) -> bool {
    // Handlers, for the program starts with the defaults then; what is ignored stays ignored for it.
    for signal in SURVIVED.into_iter().filter(|signal| !crate::run::caller_ignores(*signal)) {
        let _ = signal_hook::flag::register(signal as i32, Arc::new(AtomicBool::new(false)));
    }
    let usage = process::start(command).and_then(|running| {
        let _ = SigSet::all().thread_block();
        running.finish()
    });
    let line = match usage {
        Ok(usage) => usage.line(),
        Err(error) => format!("error {}\n", error.raw_os_error().unwrap_or(0)),
    };
    file.write_all(line.as_bytes()).is_ok()
}
