//! The remote list: blocks of a slab freed by threads that do not own it.
//!
//! One word per slab holds the head of a list through the blocks and its length, so that a free is one
//! compare-exchange and the owner takes the whole list, counted, with another. The head is an offset, not a
//! pointer, which leaves room for the count; the links in the blocks are ordinary pointers, so that the list
//! becomes the slab's free list as it is.
//!
//! ```text
//!   63      62      61            32 31               0
//!   listed  purged  count            head: offset/16 + 1, 0 for none
//! ```
//!
//! The first push since the owner last looked sets `listed` and obliges the pusher to put the slab on its
//! owner's *notified* list: the owner hears of a slab once, however many blocks follow.
//!
//! A thread whose push makes the count reach the slab's capacity holds proof that every block is dead and in
//! this list. If the owner sleeps, that thread may purge the pages: it swaps the list for the mark
//! [`Take::Busy`], purges, and leaves the mark `purged`, which the owner later reads as "all blocks are back,
//! and untouched".
//!
//! # Invariants
//! R1  A block in the list is dead, lies in the slab, and begins with a pointer to the next, or null.
//! R2  `count` is the length of the list.
//! R3  `listed` ⇔ the slab is in exactly one notified list, or its pusher is about to put it there.
//!
//! # Sharing
//! ```text
//! field   written by                        read by    order
//! word    any thread (push), owner (take)   the same   Release push publishes links / Acquire take
//! next    the pusher that set `listed`      drainer    published by the push on the notified list
//! ```
//!
//! # Safety
//!
//! Writes the first word of dead blocks (R1).

#![allow(unsafe_code)]

use core::cell::Cell;
use core::ptr::null_mut;
use heapwright_base::sync::{AtomicPtr, AtomicU64, Ordering, fence};

/// A dead block: it begins with its link.
#[repr(C)]
#[derive(Debug)]
pub struct Block {
    /// The next dead block, or null.
    pub next: Cell<*mut Block>,
}

const LISTED: u64 = 1 << 63;
const PURGED: u64 = 1 << 62;
const COUNT_ONE: u64 = 1 << 32;
const COUNT: u64 = (PURGED - 1) & !(COUNT_ONE - 1);
const HEAD: u64 = COUNT_ONE - 1;
/// The count field while a pusher purges: no slab has so many blocks.
const BUSY: u64 = COUNT;

/// What a push found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pushed {
    /// The pusher must put the slab on its owner's notified list.
    pub notify: bool,
    /// The slab is whole, and the pusher has taken it to purge it; it must call [`Remote::end_purge`].
    pub purge: bool,
    /// Length of the list after the push.
    pub count: u32,
}

/// What the owner found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Take {
    /// A list, perhaps empty.
    List {
        /// First block, or null.
        head: *mut Block,
        /// How many.
        count: u32,
    },
    /// All blocks are back and the pages have been purged.
    Purged,
    /// Another thread is purging: look again later. `listed` stays set.
    Busy,
}

/// The remote list of one slab.
#[derive(Debug)]
pub struct Remote<T> {
    word: AtomicU64,
    /// Next in the notified list.
    pub next: AtomicPtr<T>,
}

impl<T> Default for Remote<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Remote<T> {
    /// An empty list.
    #[cfg(not(loom))]
    #[must_use]
    pub const fn new() -> Self {
        Remote { word: AtomicU64::new(0), next: AtomicPtr::new(null_mut()) }
    }

    /// An empty list.
    #[cfg(loom)]
    #[must_use]
    pub fn new() -> Self {
        Remote { word: AtomicU64::new(0), next: AtomicPtr::new(null_mut()) }
    }

    /// Adds a chain of `added` dead blocks; `link` writes the first word of its last. When that makes the list
    /// `purge_at` long, takes the whole slab instead: every block is dead, and the caller purges the pages.
    ///
    /// # Safety
    ///
    /// - The blocks are dead, linked, lie in the slab that begins at `base`, the first of them at `offset` (a
    ///   multiple of 16), and nobody else knows of them.
    /// - `purge_at` is zero or the number of blocks in the slab.
    #[inline]
    pub unsafe fn push(
        &self,
        base: *mut u8,
        offset: usize,
        added: u32,
        purge_at: u32,
        mut link: impl FnMut(*mut Block),
    ) -> Pushed {
        let mut seen = self.word.load(Ordering::Relaxed);
        loop {
            link(block_at(base, seen & HEAD));
            let count = (seen & COUNT) + u64::from(added) * COUNT_ONE;
            let purge = count == u64::from(purge_at) << 32;
            let word = LISTED | if purge { BUSY } else { count | (offset as u64 / 16 + 1) };
            // Release: publishes the link and whatever the program wrote to the Acquire in `take`.
            // Acquire: pairs with the Release of the other pushers, whose blocks a purge wipes.
            match self.word.compare_exchange_weak(seen, word, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => {
                    let count = (count >> 32) as u32;
                    return Pushed { notify: seen & LISTED == 0, purge, count };
                }
                Err(now) => seen = now,
            }
        }
    }

    /// Takes the whole list. `unlist` says that the caller has taken the slab off the notified list.
    pub fn take(&self, base: *mut u8, unlist: bool) -> Take {
        let mut seen = self.word.load(Ordering::Relaxed);
        loop {
            if seen & COUNT == BUSY {
                return Take::Busy;
            }
            let rest = if unlist { 0 } else { seen & LISTED };
            if seen == rest {
                return Take::List { head: null_mut(), count: 0 };
            }
            // Acquire: pairs with the Release in `push` and in `end_purge`.
            match self.word.compare_exchange_weak(seen, rest, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) if seen & PURGED != 0 => return Take::Purged,
                Ok(_) => {
                    let count = ((seen & COUNT) >> 32) as u32;
                    return Take::List { head: block_at(base, seen & HEAD), count };
                }
                Err(now) => seen = now,
            }
        }
    }

    /// Leaves the purged slab to its owner.
    pub fn end_purge(&self) {
        // Release: orders the purge before the Acquire in `take`. Nobody pushes: every block is dead.
        self.word.store(LISTED | PURGED, Ordering::Release);
    }

    /// Whether the slab is, or is about to be, on a notified list.
    pub fn is_listed(&self) -> bool {
        self.word.load(Ordering::Relaxed) & LISTED != 0
    }

    /// What [`take`](Self::take) would answer.
    pub fn peek(&self, base: *mut u8) -> Take {
        let seen = self.word.load(Ordering::Relaxed);
        match (seen & COUNT, seen & PURGED) {
            (BUSY, _) => Take::Busy,
            (count, 0) => Take::List { head: block_at(base, seen & HEAD), count: (count >> 32) as u32 },
            _ => Take::Purged,
        }
    }

    /// Whether there is anything to take.
    pub fn is_empty(&self) -> bool {
        self.word.load(Ordering::Relaxed) & !LISTED == 0
    }

    /// Empties the word: for a descriptor about to be used anew by its only owner.
    pub fn reset(&self) {
        self.word.store(0, Ordering::Relaxed);
    }
}

/// The block of a head field.
fn block_at(base: *mut u8, head: u64) -> *mut Block {
    if head == 0 { null_mut() } else { base.wrapping_add((head as usize - 1) * 16).cast() }
}

/// A stack of slabs that any thread pushes on and one drains at a time.
///
/// Sharing: `head` is written by any thread (push) and the drainer (take all). A pusher looks at the heap's
/// standing after its push, and an owner that leaves looks at this list after it has changed its standing: with a
/// fence between the two steps of each, one of them sees the other (Dekker's pattern).
#[derive(Debug)]
pub struct Notified<T> {
    head: AtomicPtr<T>,
}

impl<T> Default for Notified<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Notified<T> {
    /// An empty list.
    #[cfg(not(loom))]
    #[must_use]
    pub const fn new() -> Self {
        Notified { head: AtomicPtr::new(null_mut()) }
    }

    /// An empty list.
    #[cfg(loom)]
    #[must_use]
    pub fn new() -> Self {
        Notified { head: AtomicPtr::new(null_mut()) }
    }

    /// Adds `item`, whose link is `next`. The caller is the only one to do so (R3).
    pub fn push(&self, item: *mut T, next: &AtomicPtr<T>) {
        let mut seen = self.head.load(Ordering::Relaxed);
        loop {
            next.store(seen, Ordering::Relaxed);
            // Release: publishes `next` to the Acquire in `take_all`.
            match self.head.compare_exchange_weak(seen, item, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => break,
                Err(now) => seen = now,
            }
        }
        // SeqCst: between our push and the caller's look at the heap's state; partner: the fence in
        // `is_empty_after_state`.
        fence(Ordering::SeqCst);
    }

    /// Takes everything.
    pub fn take_all(&self) -> *mut T {
        if self.head.load(Ordering::Relaxed).is_null() {
            return null_mut();
        }
        // Acquire: pairs with the Release half in `push`.
        self.head.swap(null_mut(), Ordering::Acquire)
    }

    /// The first item, which stays.
    pub fn first(&self) -> *mut T {
        self.head.load(Ordering::Relaxed)
    }

    /// Whether nothing is there; a hint.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.head.load(Ordering::Relaxed).is_null()
    }

    /// Whether nothing is there, asked by an owner after it changed the heap's state.
    pub fn is_empty_after_state(&self) -> bool {
        // SeqCst: between the caller's store of the state and our look; partner: the fence in `push`.
        fence(Ordering::SeqCst);
        self.head.load(Ordering::Relaxed).is_null()
    }
}
