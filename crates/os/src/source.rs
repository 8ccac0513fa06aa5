//! The protocol of pages: reserve, commit, purge, release.
//!
//! ```text
//!              reserve            commit             purge
//!   (nothing) ────────▶ reserved ────────▶ committed ─────▶ committed, reads as zero
//!       ▲                  │                   │
//!       └──── release ─────┴───────────────────┘
//! ```
//!
//! # Safety
//!
//! Implementing the trait promises what its methods say; callers build blocks on it.

#![allow(unsafe_code)]

use core::ptr::NonNull;
use heapwright_base::{Align, Bytes, OutOfPages};

/// Pages in a row: a plain value, with the provenance of its reservation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PageRun {
    /// First byte.
    pub start: NonNull<u8>,
    /// Length in bytes, a multiple of the page size.
    pub len: Bytes,
}

// SAFETY: a run is an address and a length; what may be done with it is said where it is used.
unsafe impl Send for PageRun {}

impl PageRun {
    /// The first address.
    #[must_use]
    pub fn addr(&self) -> usize {
        self.start.addr().get()
    }
}

/// What reading reserved but uncommitted pages does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Zeros {
    /// It faults.
    No,
    /// It reads zero: for tables that are looked up before they are written.
    Readable,
}

/// Where pages come from.
///
/// All methods may be called from any thread at any time; none allocates from the heap, unwinds or changes
/// `errno`.
///
/// # Safety
///
/// - [`reserve`](Self::reserve) returns addresses that nothing else in the process uses until they are released.
/// - Committed pages are readable and writable, and zero when first committed.
/// - Neither method touches pages outside the run it is given.
pub unsafe trait PageSource: Sync {
    /// The page size in bytes, a power of two, read at run time (4, 16 or 64 KiB on the systems we know).
    fn page(&self) -> Bytes;

    /// Obtains `len` bytes of addresses, a multiple of the page size, aligned to `align`.
    ///
    /// # Errors
    ///
    /// [`OutOfPages`] when the system refuses.
    fn reserve(&self, len: Bytes, align: Align, zeros: Zeros) -> Result<PageRun, OutOfPages>;

    /// Makes reserved pages usable; those never committed before read as zero.
    ///
    /// # Errors
    ///
    /// [`OutOfPages`] when the system refuses; the run is then as it was.
    ///
    /// # Safety
    ///
    /// - `run` lies in one live reservation of this source.
    unsafe fn commit(&self, run: PageRun) -> Result<(), OutOfPages>;

    /// Gives the contents of committed pages back and keeps the pages usable. Answers whether they now read
    /// as zero; `false` means that the system refused and the contents may be anything.
    ///
    /// # Safety
    ///
    /// - `run` is committed, in one live reservation, and its contents are not needed.
    unsafe fn purge(&self, run: PageRun) -> bool;

    /// Gives addresses and pages back.
    ///
    /// # Safety
    ///
    /// - `run` is a live reservation of this source, whole, or the tail of one.
    /// - Nothing refers to it any more.
    unsafe fn release(&self, run: PageRun);

    /// Changes the length of a wholly committed reservation where it stands, keeping the contents up to the
    /// shorter length; new pages read as zero.
    ///
    /// # Errors
    ///
    /// [`OutOfPages`] when the system cannot or refuses; the run is then as it was.
    ///
    /// # Safety
    ///
    /// - `run` is a live reservation of this source, whole and committed.
    unsafe fn resize(&self, run: PageRun, len: Bytes) -> Result<PageRun, OutOfPages> {
        let _ = (run, len);
        Err(OutOfPages)
    }

    /// Moves a wholly committed reservation onto `to`, a reservation at least as long, without copying: `run`
    /// is released, `to` is committed and what it has beyond the contents reads as zero.
    ///
    /// # Errors
    ///
    /// [`OutOfPages`] when the system cannot or refuses; both are then as they were.
    ///
    /// # Safety
    ///
    /// - Both are live reservations of this source, whole; `run` is committed, `to` is not.
    /// - Nothing refers to the addresses of `run` any more.
    unsafe fn transfer(&self, run: PageRun, to: PageRun) -> Result<(), OutOfPages> {
        let _ = (run, to);
        Err(OutOfPages)
    }

    /// Moves the contents of `from` to `to` by remapping; `from` stays committed and then reads as zero.
    ///
    /// # Errors
    ///
    /// [`OutOfPages`] when the system cannot or refuses; both runs are then as they were.
    ///
    /// # Safety
    ///
    /// - Both are committed, of equal length and disjoint; the contents of `to` are not needed.
    unsafe fn shift(&self, from: PageRun, to: PageRun) -> Result<(), OutOfPages> {
        let _ = (from, to);
        Err(OutOfPages)
    }

    /// Undoes what [`shift`](Self::shift) did to the kernel's bookkeeping of `run` and gives its contents
    /// back: the pages stay committed. Answers whether they now read as zero.
    ///
    /// # Safety
    ///
    /// - As for [`purge`](Self::purge).
    unsafe fn renew(&self, run: PageRun) -> bool {
        // SAFETY: caller: same contract.
        unsafe { self.purge(run) }
    }

    /// Says that the run will soon be used throughout, so that the system may back it by huge pages. Advice: nothing
    /// depends on its being taken.
    ///
    /// # Safety
    ///
    /// - `run` is committed, in one live reservation.
    unsafe fn prefer_huge(&self, run: PageRun) {
        let _ = run;
    }

    /// Milliseconds of a clock that never goes back; its origin means nothing. Coarse is enough.
    fn now(&self) -> u64;

    /// How many bytes of addresses this process may use in all, when the system sets a limit.
    fn address_limit(&self) -> Option<Bytes> {
        None
    }
}
