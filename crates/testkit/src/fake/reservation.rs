//! One reservation of the fake: real memory and a state for each of its pages.
//!
//! ```text
//!   memory    |  slack  | page | page | page | page | slack |
//!                       ^start                      ^start + pages.len()
//!   states                 C      P      R      X        R reserved, C committed, P purged, X released tail
//! ```
//!
//! Pages that must not be touched hold a known byte, which is compared when their state changes: a write to a page
//! that was never committed, or after it was released, is found late but surely.
//!
//! # Invariants
//! I1  Released pages form the tail of `pages`, from `live` on.
//! I2  A reserved page holds `idle`, a released page the byte in its state.
//! I3  `start + capacity` pages lie in the memory of this reservation.
//!
//! # Safety
//!
//! All accesses lie in I3; who may access what is decided by the states.

#![allow(unsafe_code)]
// A fake of the system takes its memory where the system's own users do.
#![allow(clippy::disallowed_methods)]

use crate::pattern;
use heapwright_base::{Align, align_up};
use heapwright_os::Zeros;
use std::alloc::Layout;
use std::ops::Range;
use std::ptr::NonNull;

/// What a page is good for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PageState {
    /// Addresses only.
    Reserved,
    /// Usable.
    Committed,
    /// Usable; read as zero when they were purged.
    Purged,
    /// Usable; the fake refused to purge them and filled them with rubbish.
    Refused,
    /// Given back; holds this byte.
    Released(u8),
}

impl PageState {
    /// Whether the page may be read and written.
    #[must_use]
    pub fn usable(self) -> bool {
        matches!(self, PageState::Committed | PageState::Purged | PageState::Refused)
    }
}

/// What reserved pages of small unreadable reservations hold.
const IDLE: u8 = 0xa5;
/// What pages hold that were usable when they were released.
const DEAD: u8 = 0xdd;
/// What pages hold whose purge was refused.
const RUBBISH: u8 = 0x7b;
/// Above this, reserved pages are left as zero: writing them would make them resident.
const PATTERNED: usize = 4 << 20;
/// At most this many reserved pages of a run are compared.
const COMPARED: usize = 2048;

/// Memory obtained from `std::alloc`, given back when dropped.
#[derive(Debug)]
pub(super) struct Memory {
    start: NonNull<u8>,
    layout: Layout,
}

// SAFETY: an allocation may be freed by any thread.
unsafe impl Send for Memory {}

impl Memory {
    /// Zeroed memory; `None` when there is none. Asked for at a small alignment so that it comes untouched.
    pub(super) fn zeroed(len: usize) -> Option<Memory> {
        let layout = Layout::from_size_align(len, 16).ok()?;
        // SAFETY: `len` is at least a page.
        let start = NonNull::new(unsafe { std::alloc::alloc_zeroed(layout) })?;
        Some(Memory { start, layout })
    }

    pub(super) fn start(&self) -> NonNull<u8> {
        self.start
    }

    pub(super) fn len(&self) -> usize {
        self.layout.size()
    }

    /// Offset of the first address in `self`, at or after `from`, that is aligned.
    pub(super) fn aligned(&self, from: usize, align: Align) -> Option<usize> {
        let base = self.start.addr().get();
        align_up(base.checked_add(from)?, align.bytes()).map(|addr| addr - base)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: obtained with this layout in `zeroed`.
        unsafe { std::alloc::dealloc(self.start.as_ptr(), self.layout) };
    }
}

/// See the module header.
#[derive(Debug)]
pub(super) struct Reservation {
    start: NonNull<u8>,
    pages: Vec<PageState>,
    /// How many of `pages` are not released.
    live: usize,
    capacity: usize,
    page: usize,
    idle: u8,
    /// Keeps the memory alive; `None` when it is part of a pool.
    _memory: Option<Memory>,
}

// SAFETY: a reservation is reached under the lock of its fake.
unsafe impl Send for Reservation {}

impl Reservation {
    /// `len` bytes at `start`, of which `capacity` exist.
    pub(super) fn new(
        start: NonNull<u8>,
        len: usize,
        capacity: usize,
        page: usize,
        zeros: Zeros,
        memory: Option<Memory>,
    ) -> Reservation {
        let idle = if zeros == Zeros::Readable || len > PATTERNED { 0 } else { IDLE };
        let pages = vec![PageState::Reserved; len / page];
        let live = pages.len();
        let it = Reservation { start, pages, live, capacity, page, idle, _memory: memory };
        if idle != 0 {
            // SAFETY: I3; nobody else knows these addresses yet.
            unsafe { pattern::fill(start.as_ptr(), len, idle) };
        }
        it
    }

    pub(super) fn start(&self) -> NonNull<u8> {
        self.start
    }

    pub(super) fn addr(&self) -> usize {
        self.start.addr().get()
    }

    /// Bytes not yet released.
    pub(super) fn len(&self) -> usize {
        self.live * self.page
    }

    /// Bytes of addresses, released or not.
    pub(super) fn footprint(&self) -> usize {
        self.pages.len() * self.page
    }

    /// Usable bytes.
    pub(super) fn committed(&self) -> usize {
        self.pages.iter().filter(|state| state.usable()).count() * self.page
    }

    /// The indices of the pages of a run, when it lies in what is not released.
    pub(super) fn range(&self, addr: usize, len: usize) -> Option<Range<usize>> {
        let offset = addr.checked_sub(self.addr())?;
        let end = offset.checked_add(len)?;
        let whole = offset.is_multiple_of(self.page) && len.is_multiple_of(self.page);
        (whole && len > 0 && end <= self.len()).then(|| offset / self.page..end / self.page)
    }

    pub(super) fn states(&self, range: Range<usize>) -> &[PageState] {
        &self.pages[range]
    }

    fn at(&self, page: usize) -> *mut u8 {
        // SAFETY: I3.
        unsafe { self.start.add(page * self.page) }.as_ptr()
    }

    /// Reserved pages become usable and zero.
    pub(super) fn commit(&mut self, range: Range<usize>) -> Result<(), String> {
        self.untouched(range.clone())?;
        for page in range {
            // SAFETY: I3; the page is not yet in use.
            unsafe { pattern::fill(self.at(page), self.page, 0) };
            self.pages[page] = PageState::Committed;
        }
        Ok(())
    }

    /// Usable pages become zero, or rubbish when the purge is refused.
    pub(super) fn purge(&mut self, range: Range<usize>, refuse: bool) {
        let (byte, state) = if refuse { (RUBBISH, PageState::Refused) } else { (0, PageState::Purged) };
        for page in range {
            // SAFETY: I3; the caller of `purge` no longer needs the contents.
            unsafe { pattern::fill(self.at(page), self.page, byte) };
            self.pages[page] = state;
        }
    }

    /// Gives the pages from `first` to the end back.
    pub(super) fn release_tail(&mut self, first: usize) -> Result<(), String> {
        for page in first..self.live {
            if self.pages[page].usable() {
                // SAFETY: I3; the caller of `release` has no further use for the page.
                unsafe { pattern::fill(self.at(page), self.page, DEAD) };
                self.pages[page] = PageState::Released(DEAD);
            } else {
                if page - first < COMPARED {
                    self.untouched(page..page + 1)?;
                }
                self.pages[page] = PageState::Released(self.idle);
            }
        }
        self.live = first;
        Ok(())
    }

    /// Adds usable zero pages at the end, when the memory reaches that far.
    pub(super) fn grow(&mut self, len: usize) -> Result<bool, String> {
        if len > self.capacity {
            return Ok(false);
        }
        self.check_released()?;
        self.pages.truncate(self.live);
        for page in self.live..len / self.page {
            // SAFETY: I3; released or never used.
            unsafe { pattern::fill(self.at(page), self.page, 0) };
            self.pages.push(PageState::Committed);
        }
        self.live = self.pages.len();
        Ok(true)
    }

    /// Copies `len` bytes at `from` in `self` to `to`, which lies elsewhere.
    ///
    /// # Safety
    ///
    /// - `to` is writable for `len` bytes and disjoint from the run.
    pub(super) unsafe fn copy_out(&self, from: usize, to: *mut u8, len: usize) {
        // SAFETY: I3 and the caller.
        unsafe { std::ptr::copy_nonoverlapping(self.at(from), to, len) };
    }

    /// Says which reserved page was written although it was never committed.
    fn untouched(&self, range: Range<usize>) -> Result<(), String> {
        for page in range.filter(|&page| self.pages[page] == PageState::Reserved).take(COMPARED) {
            // SAFETY: I3; nobody may write a reserved page.
            if let Some(at) = unsafe { pattern::first_other(self.at(page), self.page, self.idle) } {
                return Err(format!(
                    "{:#x} was written before it was committed",
                    self.at(page) as usize + at
                ));
            }
        }
        Ok(())
    }

    /// Says which released page was written.
    pub(super) fn check_released(&self) -> Result<(), String> {
        let tail = self.live..self.pages.len();
        for page in tail.take(COMPARED) {
            let PageState::Released(byte) = self.pages[page] else { continue };
            // SAFETY: I3; nobody may write a released page.
            if let Some(at) = unsafe { pattern::first_other(self.at(page), self.page, byte) } {
                return Err(format!("{:#x} was written after it was released", self.at(page) as usize + at));
            }
        }
        Ok(())
    }
}
