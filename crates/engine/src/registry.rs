//! All heaps ever made, and those whose threads have ended.
//!
//! Heaps are never unmapped. A heap whose thread ends becomes an *orphan*: it keeps its slabs, and the next
//! thread that needs a heap adopts it whole. Until then, a thread that frees one of its blocks borrows it for
//! a moment to put the block away, so that memory comes back although its owner is gone; and a heap that is
//! about to open a new slab first looks for a slab with dead blocks among the orphans.
//!
//! # Sharing
//! The lists are behind the registry lock (rank 10). `state` of a heap moves by compare-exchange:
//! ```text
//!   OWNED ──orphan──▶ ORPHAN ──adopt──▶ OWNED
//!                     │    ▲
//!                   borrow  return
//!                     ▼    │
//!                    BORROWED
//! ```
//!
//! # Safety
//!
//! Heaps live for ever, so references to them are `'static`.

#![allow(unsafe_code)]

use crate::heap::{BORROWED, Heap, ORPHAN, OWNED};
use core::ptr::null_mut;
use heapwright_base::lock::Ranked;
use heapwright_base::sync::{AtomicUsize, Ordering};
use heapwright_os::linux::Futex;

/// The lists.
pub(crate) struct Lists {
    all: *mut Heap,
    orphans: *mut Heap,
}

// SAFETY: heaps live for ever and may be looked at from any thread.
unsafe impl Send for Lists {}

/// How many orphans a search looks at.
const LOOKS: usize = 4;

/// The registry.
pub(crate) struct Registry {
    pub(crate) lists: Ranked<Lists, Futex, 10>,
    /// Length of the orphans' list; a hint.
    orphans: AtomicUsize,
}

impl Registry {
    pub(crate) const fn new() -> Self {
        Registry {
            lists: Ranked::new(Lists { all: null_mut(), orphans: null_mut() }),
            orphans: AtomicUsize::new(0),
        }
    }

    /// Enters a new heap.
    pub(crate) fn enter(&self, heap: &'static Heap) {
        let mut lists = self.lists.lock();
        heap.shared.next.set(lists.all);
        lists.all = (&raw const *heap).cast_mut();
    }

    /// Whether there may be orphans.
    #[inline]
    pub(crate) fn has_orphans(&self) -> bool {
        self.orphans.load(Ordering::Relaxed) != 0
    }

    /// Puts a heap, which the caller holds, among the orphans.
    pub(crate) fn orphan(&self, heap: &Heap) {
        let mut lists = self.lists.lock();
        self.orphan_held(&mut lists, heap);
    }

    fn orphan_held(&self, lists: &mut Lists, heap: &Heap) {
        heap.shared.next_orphan.set(lists.orphans);
        lists.orphans = (&raw const *heap).cast_mut();
        self.orphans.fetch_add(1, Ordering::Relaxed);
        // SeqCst: against the push on `notified`: either the pusher sees an orphan, or we see its slab.
        // Release half: publishes the heap to the Acquire in `claim`.
        heap.shared.state.store(ORPHAN, Ordering::SeqCst);
    }

    /// Takes an orphan out of the list, for good.
    pub(crate) fn adopt(&self) -> Option<&'static Heap> {
        if !self.has_orphans() {
            return None;
        }
        let mut lists = self.lists.lock();
        let mut before: Option<&Heap> = None;
        let mut at = lists.orphans;
        // SAFETY: listed heaps live for ever.
        while let Some(heap) = unsafe { at.as_ref() } {
            let next = heap.shared.next_orphan.get();
            if claim(heap, OWNED) {
                match before {
                    Some(before) => before.shared.next_orphan.set(next),
                    None => lists.orphans = next,
                }
                self.orphans.fetch_sub(1, Ordering::Relaxed);
                return Some(heap);
            }
            // Somebody borrows it: pass by.
            before = Some(heap);
            at = next;
        }
        None
    }

    /// Lends a few orphans to `visit`, one after the other, until it answers.
    pub(crate) fn borrow_some<T>(&self, mut visit: impl FnMut(&'static Heap) -> Option<T>) -> Option<T> {
        if !self.has_orphans() {
            return None;
        }
        let lists = self.lists.lock();
        let mut at = lists.orphans;
        for _ in 0..LOOKS {
            // SAFETY: listed heaps live for ever.
            let heap: &'static Heap = unsafe { at.as_ref() }?;
            at = heap.shared.next_orphan.get();
            if claim(heap, BORROWED) {
                let answer = visit(heap);
                give_back(heap);
                if answer.is_some() {
                    return answer;
                }
            }
        }
        None
    }

    /// In a child after fork: the heaps of threads that do not exist here become orphans, unless their thread
    /// was in the middle of something.
    pub(crate) fn orphan_all_but(&self, mine: *const Heap) {
        let mut lists = self.lists.lock();
        let mut at = lists.all;
        // SAFETY: listed heaps live for ever.
        while let Some(heap) = unsafe { at.as_ref() } {
            at = heap.shared.next.get();
            let owned = heap.shared.state.load(Ordering::Relaxed) == OWNED;
            if owned && !core::ptr::eq(heap, mine) && !heap.busy.load(Ordering::Relaxed) {
                self.orphan_held(&mut lists, heap);
            }
        }
    }

    /// Calls `visit` with every heap ever made.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(&'static Heap)) {
        let lists = self.lists.lock();
        let mut at = lists.all;
        // SAFETY: listed heaps live for ever.
        while let Some(heap) = unsafe { at.as_ref() } {
            at = heap.shared.next.get();
            visit(heap);
        }
    }
}

/// Takes an orphan, to adopt or to borrow it.
pub(crate) fn claim(heap: &Heap, state: u8) -> bool {
    // Acquire half: pairs with the Release halves of `orphan` and `give_back`: the previous holder's writes
    // to the heap are seen.
    heap.shared.state.compare_exchange(ORPHAN, state, Ordering::SeqCst, Ordering::SeqCst).is_ok()
}

/// Ends a borrow.
pub(crate) fn give_back(heap: &Heap) {
    // SeqCst: as in `orphan`.
    heap.shared.state.store(ORPHAN, Ordering::SeqCst);
}
