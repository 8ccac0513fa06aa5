//! A process for unit tests: the system's allocator, with every request above one MiB refused.
//!
//! # Safety
//!
//! Passes the caller's promises on to the C library.

#![allow(unsafe_code)]
// Unit tests run beside the C library's own heap, which is what the fake stands on.
#![allow(clippy::disallowed_methods)]

extern crate std;

use core::cell::Cell;
use core::ptr::null_mut;

use heapwright_base::counters::Counter;

use crate::process::Process;

/// The fake process.
pub(crate) struct Fake;

std::thread_local! {
    static LIVE: Cell<usize> = const { Cell::new(0) };
    static THRESHOLD: Cell<usize> = const { Cell::new(0) };
}

const LIMIT: usize = 1 << 20;

impl Fake {
    /// Live blocks of this thread.
    pub(crate) fn live() -> usize {
        LIVE.get()
    }

    /// The threshold last set by this thread.
    pub(crate) fn threshold() -> usize {
        THRESHOLD.get()
    }
}

/// What `work` returned and what it left in `errno`, which was 0 before.
pub(crate) fn errno_after<T>(work: impl FnOnce() -> T) -> (T, i32) {
    crate::errno::set(0);
    let result = work();
    (result, std::io::Error::last_os_error().raw_os_error().unwrap_or(-1))
}

// SAFETY: the C library's blocks are 16-byte aligned and disjoint; nothing here unwinds.
unsafe impl Process for Fake {
    fn malloc(size: usize) -> *mut u8 {
        Self::aligned(16, size)
    }

    fn zeroed(size: usize) -> *mut u8 {
        if size > LIMIT {
            return crate::errno::no_memory().cast();
        }
        LIVE.set(LIVE.get() + 1);
        // SAFETY: no contract.
        unsafe { libc::calloc(1, size).cast() }
    }

    fn aligned(align: usize, size: usize) -> *mut u8 {
        if size > LIMIT || align > LIMIT {
            return crate::errno::no_memory().cast();
        }
        LIVE.set(LIVE.get() + 1);
        // SAFETY: no contract.
        unsafe { libc::memalign(align, size).cast() }
    }

    unsafe fn realloc(p: *mut u8, size: usize) -> *mut u8 {
        if size > LIMIT {
            return null_mut();
        }
        // SAFETY: caller: `p` is live and `size` not 0.
        unsafe { libc::realloc(p.cast(), size).cast() }
    }

    unsafe fn free(p: *mut u8) {
        LIVE.set(LIVE.get() - usize::from(!p.is_null()));
        // SAFETY: caller: NULL or live.
        unsafe { libc::free(p.cast()) }
    }

    unsafe fn free_sized(p: *mut u8, _size: usize) {
        // SAFETY: caller: NULL or live.
        unsafe { Self::free(p) }
    }

    unsafe fn usable_size(p: *mut u8) -> usize {
        // SAFETY: caller: NULL or live.
        unsafe { libc::malloc_usable_size(p.cast()) }
    }

    fn trim() -> bool {
        false
    }

    fn settle() {}

    fn counter(counter: Counter) -> u64 {
        match counter {
            Counter::SpanBytes => 10_000,
            Counter::PeakSpanBytes => 20_000,
            Counter::DirtyBytes => 500,
            Counter::LiveBytes => 7_000,
            Counter::HugeBlocks => 2,
            Counter::HugeBytes => 4_000,
            Counter::MetaBytes => 300,
            _ => 0,
        }
    }

    fn set_huge_threshold(bytes: usize) -> bool {
        THRESHOLD.set(bytes);
        true
    }

    fn describe(out: &mut dyn FnMut(&[u8])) {
        out(b"fake\n");
    }
}
