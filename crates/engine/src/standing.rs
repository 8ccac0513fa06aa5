//! Who holds a heap: its thread, nobody, or somebody for a moment.
//!
//! ```text
//!   OWNED ──orphan──▶ ORPHAN ──claim──▶ OWNED
//!                     │    ▲
//!                   claim  give back
//!                     ▼    │
//!                    BORROWED
//! ```
//!
//! A thread that has put a slab on the heap's notified list looks at the standing afterwards, and whoever makes
//! the heap an orphan looks at the list afterwards (Dekker's pattern): one of the two sees the other, and no slab
//! waits for an owner that does not come.
//!
//! # Sharing
//! ```text
//! field  written by                    read by      order
//! word   holder; claimers (CAS)        any thread   Release hands the heap over, Acquire takes it; the fences in
//!                                                   `Notified` order it against the list
//! ```

use crate::remote::Notified;
use heapwright_base::sync::{AtomicU8, Ordering, fence, spin_hint};

/// Somebody owns the heap.
pub const OWNED: u8 = 0;
/// Nobody owns it: its thread has ended, or it never had one (`engine::commons`).
pub const ORPHAN: u8 = 1;
/// An orphan that some thread works on for a moment.
pub const BORROWED: u8 = 2;

/// See the module header.
#[derive(Debug)]
pub struct Standing(AtomicU8);

impl Default for Standing {
    fn default() -> Self {
        Self::new()
    }
}

impl Standing {
    /// Owned by whoever made it.
    #[cfg(not(loom))]
    #[must_use]
    pub const fn new() -> Self {
        Standing(AtomicU8::new(OWNED))
    }

    /// Owned by whoever made it.
    #[cfg(loom)]
    #[must_use]
    pub fn new() -> Self {
        Standing(AtomicU8::new(OWNED))
    }

    /// Whether somebody owns the heap; exact for its owner.
    pub fn is_owned(&self) -> bool {
        self.0.load(Ordering::Relaxed) == OWNED
    }

    /// Whether nobody holds the heap; asked after a push on its notified list.
    pub fn is_orphan(&self) -> bool {
        // Relaxed: the fence in `Notified::push` lies between the push and this look.
        self.0.load(Ordering::Relaxed) == ORPHAN
    }

    /// Gives the heap up, for good or after a borrow. The holder calls [`help`](Self::help) afterwards.
    pub fn give_up(&self) {
        // Release: hands the heap over to the Acquire in `claim`.
        self.0.store(ORPHAN, Ordering::Release);
    }

    /// Takes an orphan, to adopt it (`OWNED`) or to borrow it (`BORROWED`).
    pub fn claim(&self, state: u8) -> bool {
        // Acquire: pairs with the Release in `give_up`: the previous holder's writes to the heap are seen.
        self.0.compare_exchange(ORPHAN, state, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// Does the work of an owner that is gone: as long as the heap is an orphan with a notified slab, borrows it
    /// and calls `drain`, which answers whether it could do anything. It cannot for a slab that another thread is
    /// purging; that thread insists when it is done.
    pub fn help<T>(&self, notified: &Notified<T>, mut drain: impl FnMut() -> bool) {
        let mut done = true;
        while done && self.is_orphan() && !notified.is_empty_after_state() && self.claim(BORROWED) {
            done = drain();
            self.give_up();
        }
    }

    /// As [`help`](Self::help), for a thread that has ended a purge: a borrower that found the slab still being
    /// purged has left it on the list and looks no more, so this waits until the borrow is over.
    pub fn insist<T>(&self, notified: &Notified<T>, mut drain: impl FnMut() -> bool) {
        // SeqCst: between the end of the purge and our look at the standing; partner: the fence in
        // `Notified::is_empty_after_state`, behind which an owner that leaves looks at the slab again.
        fence(Ordering::SeqCst);
        for _ in 0..PATIENCE {
            if self.is_owned() {
                return;
            }
            if self.claim(BORROWED) {
                drain();
                self.give_up();
                return self.help(notified, drain);
            }
            spin_hint();
        }
    }
}

/// How long to wait for the end of a borrow. It does not end in a child of fork whose parent's borrower was
/// another thread; the slab then stays on the list of a heap that nobody can adopt, or of a common that is left.
const PATIENCE: usize = if cfg!(loom) { usize::MAX } else { 1 << 20 };
