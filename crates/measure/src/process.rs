//! One process, measured as a whole.

use nix::sys::resource::{UsageWho, getrusage};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};
use wait4::Wait4;

/// The variable that a small process between us and a program turns into the program's `LD_PRELOAD`: see
/// [`hand_preload_on`].
pub const PRELOAD: &str = "HEAPWRIGHT_LAUNCH_PRELOAD";

/// In that small process: gives `command` the value of [`PRELOAD`] as its `LD_PRELOAD`, and nothing of the variable.
pub fn hand_preload_on(command: &mut Command) {
    command.env_remove(PRELOAD);
    if let Some(list) = std::env::var_os(PRELOAD) {
        command.env("LD_PRELOAD", list);
    }
}

/// What a process, with the processes it waited for, used.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// How it ended.
    pub status: ExitStatus,
    /// From start to end.
    pub wall: Duration,
    /// Processor time in user mode.
    pub user: Duration,
    /// Processor time in the kernel.
    pub system: Duration,
    /// The largest resident set of one of its processes, in bytes.
    pub peak_rss: u64,
    /// Page faults that needed no reading.
    pub minor_faults: u64,
    /// Page faults that read from a disk.
    pub major_faults: u64,
}

impl Usage {
    /// Its figures as a line of text, for [`Usage::parse`] in another process.
    #[must_use]
    pub fn line(&self) -> String {
        let times = [self.wall, self.user, self.system].map(|time| time.as_nanos().to_string()).join(" ");
        let Usage { status, peak_rss, minor_faults, major_faults, .. } = self;
        format!("{} {times} {peak_rss} {minor_faults} {major_faults}\n", status.into_raw())
    }

    /// Reads what [`Usage::line`] wrote; nothing if it is not such a line.
    #[must_use]
    pub fn parse(line: &str) -> Option<Usage> {
        let words: Vec<u64> = line.split_whitespace().map(|word| word.parse().ok()).collect::<Option<_>>()?;
        let [status, wall, user, system, peak_rss, minor_faults, major_faults] = words[..] else {
            return None;
        };
        Some(Usage {
            status: ExitStatus::from_raw(i32::try_from(status).ok()?),
            wall: Duration::from_nanos(wall),
            user: Duration::from_nanos(user),
            system: Duration::from_nanos(system),
            peak_rss,
            minor_faults,
            major_faults,
        })
    }
}

/// Runs `command` to its end.
///
/// The child is forked, not vforked: the kernel counts the memory of a process that vforks as the new program's
/// first peak. Of one that forks it counts what is not backed by a file: a caller with more than some hundred
/// kilobytes of that starts a small process instead, as `heapwright-launch`. Faults come from the sums over all
/// children that ended, so no other child may end meanwhile.
///
/// # Errors
/// Those of starting the program and of waiting for it.
pub fn run(command: &mut Command) -> io::Result<Usage> {
    let start = start(command)?;
    start.finish()
}

/// A running process; see [`start`].
pub struct Running {
    /// The child.
    pub child: Child,
    began: Instant,
    faults: (i64, i64),
}

/// Starts `command`, for a caller who talks with it before waiting for its end with [`Running::finish`].
///
/// # Errors
/// Those of starting the program.
pub fn start(command: &mut Command) -> io::Result<Running> {
    forked(command);
    let faults = faults_of_children();
    let began = Instant::now();
    let child = command.spawn()?;
    Ok(Running { child, began, faults })
}

impl Running {
    /// Waits for the end.
    ///
    /// # Errors
    /// Those of waiting, as where the caller ignores `SIGCHLD`.
    pub fn finish(mut self) -> io::Result<Usage> {
        let ended = loop {
            match self.child.wait4() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                ended => break ended?,
            }
        };
        let wall = self.began.elapsed();
        let faults = faults_of_children();
        Ok(Usage {
            status: ended.status,
            wall,
            user: ended.rusage.utime,
            system: ended.rusage.stime,
            peak_rss: ended.rusage.maxrss,
            minor_faults: u64::try_from(faults.0 - self.faults.0).unwrap_or(0),
            major_faults: u64::try_from(faults.1 - self.faults.1).unwrap_or(0),
        })
    }
}

/// Makes the standard library fork: a group that the child sets, even its own, rules vfork out.
fn forked(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    let (own, effective) = (nix::unistd::getgid(), nix::unistd::getegid());
    if own == effective {
        command.gid(own.as_raw());
    }
}

fn faults_of_children() -> (i64, i64) {
    getrusage(UsageWho::RUSAGE_CHILDREN)
        .map_or((0, 0), |usage| (usage.minor_page_faults(), usage.major_page_faults()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_measured() {
        let usage = run(Command::new("sh").args(["-c", "exit 3"])).unwrap();
        assert_eq!(usage.status.code(), Some(3));
        assert!(usage.peak_rss > 256 << 10, "{}", usage.peak_rss);
        assert!(usage.minor_faults > 10, "{}", usage.minor_faults);
        assert!(usage.wall > Duration::ZERO);
    }

    #[test]
    fn usage_passes_between_processes() {
        let usage = run(Command::new("sh").args(["-c", "kill -9 $$"])).unwrap();
        let read = Usage::parse(&usage.line()).unwrap();
        assert_eq!(read.status.signal(), Some(9));
        assert_eq!(format!("{read:?}"), format!("{usage:?}"));
        assert!(Usage::parse("1 2 3").is_none() && Usage::parse("a b c d e f g").is_none());
    }

    #[test]
    fn a_missing_program_is_an_error() {
        assert!(run(&mut Command::new("/nonexistent/program")).is_err());
    }
}
