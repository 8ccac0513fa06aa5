//! Starts the program and waits for it: signals for us go to it, its end becomes ours.

use crate::failure::Failure;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::Pid;
use rustix::process::{WaitId, WaitIdOptions, getegid, getgid, waitid};
use std::fs;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use wait4::{ResUse, Wait4};

/// Signals that somebody sends to the command and means for the program.
const FORWARDED: [Signal; 6] =
    [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM, Signal::SIGUSR1, Signal::SIGUSR2];

/// `si_code` of a signal from the kernel: for these, a key on the terminal.
const SI_KERNEL: i32 = 0x80;

/// How the program ended and what it used.
pub struct Ended {
    /// Its process.
    pub pid: u32,
    /// Its status.
    pub ending: Ending,
    /// From start to end.
    pub wall: Duration,
    /// Processor time in the program, with the processes it waited for.
    pub user: Duration,
    /// Processor time in the kernel, likewise.
    pub system: Duration,
    /// Peak resident bytes of the largest process.
    pub peak_rss: u64,
}

/// The end of a program, which the command makes its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// It ended with this status.
    Status(i32),
    /// This signal ended it.
    Signal(i32),
}

impl Ending {
    /// What the standard library calls a status.
    pub fn of(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Ending::Status(code),
            (None, Some(signal)) => Ending::Signal(signal),
            (None, None) => Ending::Status(1),
        }
    }

    /// Ends the command in the same way.
    pub fn follow(self) -> ! {
        let number = match self {
            Ending::Status(code) => std::process::exit(code),
            Ending::Signal(number) => number,
        };
        // The program has left a core file if it should; ours would only hide it.
        let _ = nix::sys::prctl::set_dumpable(false);
        if std::process::id() != 1 {
            let _ = signal_hook::low_level::emulate_default_handler(number);
        }
        // As a shell says it, where a signal cannot end us (process 1 of a container).
        std::process::exit(128 + number)
    }
}

/// Runs `command` to its end.
pub fn watch(command: &mut Command, early: Early) -> Result<Ended, Failure> {
    if getgid() == getegid() {
        // Changes nothing, but makes the standard library fork rather than vfork: the kernel counts the
        // memory of the process that vforks as the new program's first peak.
        command.gid(getgid().as_raw());
    }
    let start = Instant::now();
    let mut child = command.spawn().map_err(|error| not_started(command, &error))?;
    // Not before the start: the program would begin with them blocked.
    leave_signals();
    let running = Arc::new(Mutex::new(true));
    forward(early, child.id(), Arc::clone(&running));
    let ended = wait(&mut child, &running);
    let wall = start.elapsed();
    let ended = ended.map_err(|error| {
        Failure::tool(
            format!("the program's exit status is lost: {error}"),
            "start the command from a process that does not ignore SIGCHLD",
        )
    })?;
    Ok(Ended {
        pid: child.id(),
        ending: Ending::of(ended.status),
        wall,
        user: ended.rusage.utime,
        system: ended.rusage.stime,
        peak_rss: ended.rusage.maxrss,
    })
}

/// Waits for the end, then stops forwarding before the process number can belong to somebody else.
///
/// What the program used is asked of its own end: the sums over all our children would include those of the
/// process that became the command, as `cargo run` and `exec` in a shell script make it.
fn wait(child: &mut Child, running: &Mutex<bool>) -> io::Result<ResUse> {
    if let Some(pid) = rustix::process::Pid::from_raw(child.id().cast_signed()) {
        let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
    }
    *running.lock().unwrap_or_else(PoisonError::into_inner) = false;
    loop {
        match child.wait4() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            ended => return ended,
        }
    }
}

/// The signals that are forwarded, for the thread that does it alone.
pub fn leave_signals() {
    let _ = FORWARDED.into_iter().collect::<SigSet>().thread_block();
}

/// Whether the command was started with `signal` ignored; where nobody can tell, it was.
pub fn caller_ignores(signal: Signal) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(u64::MAX);
    ignored >> (signal as u32 - 1) & 1 != 0
}

/// Signals that arrive while the program is prepared and started, noted for it.
pub struct Early(Vec<(Signal, Arc<AtomicBool>)>);

impl Early {
    /// Notes signals from now on, instead of dying of them and leaving the program, or our folder, alone.
    ///
    /// What the caller ignores stays ignored, for the program too: a handler would become the default in it.
    pub fn listen() -> Self {
        let heard = FORWARDED.into_iter().filter(|signal| !caller_ignores(*signal));
        let note = |signal: Signal| {
            let arrived = Arc::new(AtomicBool::new(false));
            signal_hook::flag::register(signal as i32, Arc::clone(&arrived)).ok()?;
            Some((signal, arrived))
        };
        Early(heard.filter_map(note).collect())
    }

    fn arrived(&self) -> impl Iterator<Item = Signal> {
        let arrived = self.0.iter().filter(|(_, arrived)| arrived.load(Ordering::Relaxed));
        arrived.map(|(signal, _)| *signal)
    }
}

/// Sends what arrived for us, and what arrives from now on, to the program.
fn forward(early: Early, pid: u32, running: Arc<Mutex<bool>>) {
    let signals: SigSet = FORWARDED.into_iter().collect();
    let Ok(arriving) = SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC) else { return };
    let pid = Pid::from_raw(pid.cast_signed());
    let send = move |signal: Signal| {
        if *running.lock().unwrap_or_else(PoisonError::into_inner) {
            let _ = kill(pid, signal);
        }
    };
    // Without the thread (a limit on processes) signals wait until the program ends.
    let _ = thread::Builder::new().name("signals".to_owned()).stack_size(64 << 10).spawn(move || {
        early.arrived().for_each(&send);
        while let Ok(Some(signal)) = arriving.read_signal() {
            // A key on the terminal reaches the whole group: the program has it already.
            let number = i32::try_from(signal.ssi_signo).unwrap_or(0);
            if let (true, Ok(signal)) = (signal.ssi_code != SI_KERNEL, Signal::try_from(number)) {
                send(signal);
            }
        }
    });
}

/// Why the kernel did not start the program, after all that was checked before.
pub fn not_started(command: &Command, error: &io::Error) -> Failure {
    let shown = command.get_program().display();
    match error.kind() {
        io::ErrorKind::ArgumentListTooLong => Failure::cannot_run(
            format!("{shown} cannot be started: its arguments and environment are too long"),
            "give it less, for example through a file",
        ),
        io::ErrorKind::NotFound => Failure::not_found(format!("{shown} is gone"), "check its path"),
        io::ErrorKind::OutOfMemory | io::ErrorKind::WouldBlock => Failure::cannot_run(
            format!("{shown} cannot be started: {error}"),
            "raise the limit on memory or processes (ulimit -v, ulimit -u)",
        ),
        _ => Failure::cannot_run(
            format!("{shown} cannot be started: {error}"),
            "start it without the command to compare",
        ),
    }
}
