//! Processes of the suite: what they see of the environment, how long they may take, and that none outlives it.

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use rustix::process::{WaitId, WaitIdOptions, waitid};
use std::collections::BTreeSet;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Variables of the caller that a process sees. All others are kept from it: they would change what is measured.
const KEPT: [&str; 5] = ["PATH", "HOME", "USER", "TMPDIR", "CARGO_HOME"];

/// Between two looks at a process. What is measured is measured by the launcher, not by these looks.
const LOOK: Duration = Duration::from_millis(4);

/// How long a group that was told to end may take to clean up.
const GRACE: Duration = Duration::from_secs(3);

/// The process groups that run now.
static GROUPS: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// Gives `command` an environment that is the same whoever starts the suite.
pub fn sealed(command: &mut Command) -> &mut Command {
    let kept: Vec<_> = KEPT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))).collect();
    command.env_clear().env("LC_ALL", "C").envs(kept)
}

/// Ends everything that runs and the suite with it, when one of its signals arrives.
///
/// # Errors
/// If the signals cannot be listened for.
pub fn end_with_us() -> Result<(), String> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM])
        .map_err(|error| format!("signals cannot be listened for: {error}"))?;
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            // Held to the end: nothing starts any more.
            let groups = GROUPS.lock().unwrap_or_else(PoisonError::into_inner);
            for signal in [Signal::SIGTERM, Signal::SIGKILL] {
                groups.iter().for_each(|group| {
                    let _ = killpg(Pid::from_raw(*group), signal);
                });
                if signal == Signal::SIGTERM && !groups.is_empty() {
                    thread::sleep(Duration::from_millis(500));
                }
            }
            std::process::exit(128 + signal);
        }
    });
    Ok(())
}

/// A process with a group of its own, which ends with the value.
pub struct Group(Child);

impl Group {
    /// Starts `command`. Where its output goes is the caller's affair; a pipe that a descendant keeps open is not
    /// waited for.
    ///
    /// # Errors
    /// Those of starting it.
    pub fn start(command: &mut Command) -> io::Result<Group> {
        command.process_group(0).stdin(Stdio::null());
        let mut groups = GROUPS.lock().unwrap_or_else(PoisonError::into_inner);
        let child = command.spawn()?;
        groups.insert(child.id().cast_signed());
        Ok(Group(child))
    }

    /// Whether the first process has ended.
    pub fn has_ended(&self) -> bool {
        let Some(pid) = rustix::process::Pid::from_raw(self.id()) else { return true };
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        !matches!(waitid(WaitId::Pid(pid), options), Ok(None))
    }

    /// Waits for the end of the first process, then ends what it left behind. Nothing, if it took longer than
    /// `limit`: then the whole group was told to end, and made to.
    ///
    /// # Errors
    /// Those of waiting.
    pub fn wait(mut self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        let late = !self.ends_within(limit);
        if late {
            self.signal(Signal::SIGTERM);
            self.ends_within(GRACE);
        }
        self.end().map(|status| if late { None } else { Some(status) })
    }

    fn ends_within(&self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        while !self.has_ended() {
            if Instant::now() >= until {
                return false;
            }
            thread::sleep(LOOK);
        }
        true
    }

    /// Ends the group. The first process is reaped last: until then its number is nobody else's.
    fn end(&mut self) -> io::Result<ExitStatus> {
        self.signal(Signal::SIGKILL);
        GROUPS.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id());
        self.0.wait()
    }

    fn signal(&self, signal: Signal) {
        let _ = killpg(Pid::from_raw(self.id()), signal);
    }

    fn id(&self) -> i32 {
        self.0.id().cast_signed()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            let _ = self.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).stdout(Stdio::null());
        command
    }

    #[test]
    fn a_process_ends_in_time_or_is_ended() {
        let quick = Group::start(&mut shell("exit 3")).unwrap().wait(Duration::from_secs(10)).unwrap();
        assert_eq!(quick.unwrap().code(), Some(3));
        let began = Instant::now();
        let slow = Group::start(&mut shell("sleep 60")).unwrap().wait(Duration::from_millis(200)).unwrap();
        assert!(slow.is_none() && began.elapsed() < Duration::from_secs(30));
    }

    /// What a process leaves behind would disturb the next.
    #[test]
    fn nothing_is_left_behind() {
        let file = std::env::temp_dir().join(format!("heapwright-children-{}", std::process::id()));
        let script = format!("sleep 60 & echo $! > {}", file.display());
        Group::start(&mut shell(&script)).unwrap().wait(Duration::from_secs(10)).unwrap();
        let left = std::fs::read_to_string(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        let gone = || match std::fs::read_to_string(format!("/proc/{}/stat", left.trim())) {
            Ok(state) => state.contains(") Z "),
            Err(_) => true,
        };
        let until = Instant::now() + Duration::from_secs(10);
        while !gone() && Instant::now() < until {
            thread::sleep(LOOK);
        }
        assert!(gone());
    }

    #[test]
    fn the_callers_variables_stay_outside() {
        let mut command =
            shell("test -z \"$CARGO_MANIFEST_DIR\" && test \"$LC_ALL\" = C && test -n \"$PATH\"");
        let status = Group::start(sealed(&mut command)).unwrap().wait(Duration::from_secs(10)).unwrap();
        assert!(status.unwrap().success());
    }
}
