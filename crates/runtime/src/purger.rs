//! The purge thread: gives back what has aged, for programs that go fully idle.
//!
//! Opt-in, because a library that starts threads surprises its program. It blocks every signal and takes no lock
//! but the span lock, for as long as it moves one span. A child made by fork has no threads but one: the purge
//! thread is started again once the child has lived for a while, so that a child that only calls exec does not pay
//! for it.
//!
//! # Sharing
//! ```text
//! field    written by                           read by      order
//! running  whoever starts the thread, a child   any thread   Relaxed: a swap decides who starts it
//! due      a child after fork, the starter      any thread   Relaxed: a hint
//! ```
//!
//! # Safety
//!
//! Calls of the C library with valid places.

#![allow(unsafe_code)]

use crate::runtime::Runtime;
use crate::slot::Face;
use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::ptr::{null, null_mut};
use heapwright_base::sync::{AtomicBool, AtomicU32, Ordering};
use heapwright_engine::Config;
use heapwright_os::linux::write_error;

/// How long the thread sleeps between looks, in microseconds.
const PAUSE: libc::useconds_t = 250_000;
/// How many slow paths a child must have taken before it gets a purge thread.
const CHILD_AGE: u32 = 32;

/// Whether the thread runs.
#[derive(Debug)]
pub(crate) struct Purger {
    running: AtomicBool,
    due: AtomicBool,
    slow_paths: AtomicU32,
}

impl Purger {
    pub(crate) const fn new() -> Self {
        Purger { running: AtomicBool::new(false), due: AtomicBool::new(false), slow_paths: AtomicU32::new(0) }
    }

    /// In a child: a thread that ran in the parent does not run here.
    pub(crate) fn restart_later(&self) {
        if self.running.swap(false, Ordering::Relaxed) {
            self.slow_paths.store(0, Ordering::Relaxed);
            self.due.store(true, Ordering::Relaxed);
        }
    }

    /// Whether a child still has to start it.
    #[inline]
    pub(crate) fn is_due(&self) -> bool {
        self.due.load(Ordering::Relaxed)
    }
}

impl<C: Config, F: Face> Runtime<C, F> {
    /// On a slow path of a child whose parent had the thread.
    #[cold]
    pub(crate) fn restart_purger(&'static self) {
        let age = self.purger.slow_paths.fetch_add(1, Ordering::Relaxed);
        if age >= CHILD_AGE && self.purger.due.swap(false, Ordering::Relaxed) {
            self.start_purger();
        }
    }

    /// Starts the thread unless it runs.
    pub(crate) fn start_purger(&'static self) {
        if self.purger.running.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut all = MaybeUninit::<libc::sigset_t>::uninit();
        let mut old = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: a place for a set of signals.
        unsafe { libc::sigfillset(all.as_mut_ptr()) };
        // SAFETY: sets just made and a place for one: the program's signals are not for our thread.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), old.as_mut_ptr()) };
        // An integer with glibc, a pointer with musl: zero is valid for both.
        // SAFETY: as said.
        let mut id: libc::pthread_t = unsafe { core::mem::zeroed() };
        // SAFETY: a place for the id, and a function that lives as long as the process.
        if unsafe { libc::pthread_create(&raw mut id, null(), body::<F>, null_mut()) } == 0 {
            // SAFETY: a thread just made.
            unsafe { libc::pthread_detach(id) };
        } else {
            write_error(b"heapwright: the purge thread could not be started; purging goes on without it\n");
        }
        // SAFETY: the set that was in force.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, old.as_ptr(), null_mut()) };
    }

    /// The body of the purge thread.
    pub fn purge_forever(&'static self) -> *mut c_void {
        loop {
            // SAFETY: usleep has no precondition.
            unsafe { libc::usleep(PAUSE) };
            self.engine.spans.purge_aged();
        }
    }
}

extern "C" fn body<F: Face>(value: *mut c_void) -> *mut c_void {
    F::purge_forever(value)
}
