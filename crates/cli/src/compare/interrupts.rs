//! Ctrl-C and its kin: the running program is ended, then the command, and nothing is left behind.
//!
//! Each run is a process group of its own, so that what the program started goes with it, and so that a key on the
//! terminal reaches the command alone.

use crate::run;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::io::Read;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// What ends the comparison.
const ENDING: [Signal; 4] = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM];

/// How often, a twentieth of a second each, a program is looked at after the signal before it is killed.
const PATIENCE: u32 = 40;

/// The signals that arrived, and whom they concern.
#[derive(Clone)]
pub struct Interrupts {
    /// The number of the last one; zero for none.
    arrived: Arc<AtomicUsize>,
    /// The process group of the running program.
    running: Arc<Mutex<Option<Pid>>>,
}

impl Interrupts {
    /// Notes signals from now on, instead of dying of them. What the caller ignores stays ignored.
    pub fn listen() -> Self {
        let interrupts = Interrupts { arrived: Arc::default(), running: Arc::default() };
        let Ok((mut wake, bell)) = UnixStream::pair() else { return interrupts };
        for signal in ENDING.into_iter().filter(|signal| !run::caller_ignores(*signal)) {
            let number = signal as i32;
            let Ok(bell) = bell.try_clone() else { continue };
            // In this order: whoever hears the bell finds the number.
            let flag = Arc::clone(&interrupts.arrived);
            let _ = signal_hook::flag::register_usize(number, flag, number.unsigned_abs() as usize);
            let _ = signal_hook::low_level::pipe::register(number, bell);
        }
        let listener = interrupts.clone();
        // Without the thread (a limit on processes) the program is left to end by itself.
        let _ = thread::Builder::new().name("signals".to_owned()).stack_size(64 << 10).spawn(move || {
            while let Ok(1..) = wake.read(&mut [0]) {
                listener.end_running();
            }
        });
        interrupts
    }

    /// The signal that arrived, if one did.
    pub fn arrived(&self) -> Option<i32> {
        i32::try_from(self.arrived.load(Ordering::SeqCst)).ok().filter(|number| *number != 0)
    }

    /// The program that runs from now on, with its group; one that a signal came before is killed at once.
    pub fn begins(&self, pid: u32) {
        *self.lock() = Some(Pid::from_raw(pid.cast_signed()));
        if self.arrived().is_some() {
            self.send(Signal::SIGKILL);
        }
    }

    /// The program has ended and is not reaped yet: its number is still its own. After a signal, what it leaves
    /// running is killed.
    pub fn ended(&self) {
        if self.arrived().is_some() {
            self.send(Signal::SIGKILL);
        }
        *self.lock() = None;
    }

    /// Passes the signal on; kills who does not heed it.
    fn end_running(&self) {
        let Some(signal) = self.arrived().and_then(|number| Signal::try_from(number).ok()) else { return };
        self.send(signal);
        for _ in 0..PATIENCE {
            if self.lock().is_none() {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
        self.send(Signal::SIGKILL);
    }

    fn send(&self, signal: Signal) {
        if let Some(group) = *self.lock() {
            let _ = killpg(group, signal);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Pid>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
