//! The statistics file: counters in memory shared with whoever asked.
//!
//! With `stats=DIR` the process counts in a page of `DIR/PID.hwstats` instead of its own memory, so that the
//! figures are there however the process ends. A child made by fork opens a file of its own. Nothing here
//! allocates; a file that cannot be made is reported once, and counting goes on in memory.
//!
//! # Safety
//!
//! Maps one page of a file just made, and never unmaps it.

#![allow(unsafe_code)]

use crate::options::Options;
use core::ptr::null_mut;
use heapwright_base::Line;
use heapwright_base::counters::{Counter, FILE_LEN, Tally, Words};
use heapwright_base::sync::{AtomicBool, Ordering};
use heapwright_os::linux::write_error;

/// Whether this process counts in a file.
#[derive(Debug)]
pub(crate) struct StatsFile {
    open: AtomicBool,
}

impl StatsFile {
    pub(crate) const fn new() -> Self {
        StatsFile { open: AtomicBool::new(false) }
    }

    /// Opens this process's file if one is wanted.
    pub(crate) fn open(&self, options: &Options, tally: &Tally) {
        let mut folder = Line::new();
        if !options.stats(&mut folder) {
            return;
        }
        let folder = folder.as_bytes();
        if self.open.swap(true, Ordering::Relaxed) {
            return;
        }
        match map_file(folder) {
            Some(words) => {
                // SAFETY: the mapping is never undone; the process has just started or forked.
                unsafe { tally.redirect(Some(words)) };
                // SAFETY: getpid has no precondition.
                tally.set(Counter::Pid, unsafe { libc::getpid() } as u64);
                tally.set(Counter::State, 1);
            }
            None => {
                let mut line = Line::new();
                line.text("heapwright: no statistics: a file in ").raw(folder);
                line.text(" cannot be made; name a folder that can be written to\n");
                write_error(line.as_bytes());
            }
        }
    }

    /// In a child after fork: leaves the parent's file and opens one of its own.
    pub(crate) fn reopen(&self, options: &Options, tally: &Tally) {
        if self.open.swap(false, Ordering::Relaxed) {
            // SAFETY: back to words that live as long as the process; it has one thread.
            unsafe { tally.redirect(None) };
            self.open(options, tally);
        }
    }
}

/// Makes and maps `FOLDER/PID.hwstats`.
#[allow(clippy::disallowed_methods, reason = "the pages of a file, which no PageSource has")]
fn map_file(folder: &[u8]) -> Option<&'static Words> {
    let mut path = Line::new();
    // SAFETY: getpid has no precondition.
    path.raw(folder).text("/").decimal(unsafe { libc::getpid() } as u64).text(".hwstats").raw(b"\0");
    if path.as_bytes().last() != Some(&0) {
        return None;
    }
    let flags = libc::O_RDWR | libc::O_CREAT | libc::O_TRUNC | libc::O_CLOEXEC | libc::O_NOFOLLOW;
    // SAFETY: a C string.
    let file = unsafe { libc::open(path.as_bytes().as_ptr().cast(), flags, 0o600) };
    if file < 0 {
        return None;
    }
    // SAFETY: a descriptor just opened.
    let sized = unsafe { libc::ftruncate(file, FILE_LEN as libc::off_t) } == 0;
    let at = if sized {
        // SAFETY: a new mapping at an address of the kernel's choice.
        unsafe {
            libc::mmap(null_mut(), FILE_LEN, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED, file, 0)
        }
    } else {
        libc::MAP_FAILED
    };
    // SAFETY: ours, and not used any more.
    unsafe { libc::close(file) };
    // SAFETY: a page of zeroes is a valid set of words, and is never unmapped.
    (at != libc::MAP_FAILED).then(|| unsafe { &*at.cast::<Words>() })
}
