//! All heaps ever made, and those whose threads have ended.
//!
//! Heaps are never unmapped. A heap whose thread ends becomes an *orphan*: it keeps its slabs, and the next
//! thread that needs a heap adopts it whole. Until then, a thread that frees one of its blocks borrows it for
//! a moment to put the block away, so that memory comes back although its owner is gone; and a heap that is
//! about to open a new slab first looks for a slab with dead blocks among the orphans.
//!
//! # Sharing
//! The lists are behind the registry lock (rank 10); who holds a heap is told in `standing`.
//!
//! # Safety
//!
//! Heaps live for ever, so references to them are `'static`.

#![allow(unsafe_code)]

use crate::heap::Heap;
use core::ptr::null_mut;
use heapwright_base::lock::Ranked;
use heapwright_base::sync::{AtomicUsize, Ordering};
use heapwright_os::linux::Futex;

/// The lists.
pub(crate) struct Lists {
    all: *mut Heap,
    /// Orphans, a queue: who had nothing to give goes to its end.
    first: *mut Heap,
    last: *mut Heap,
}

// SAFETY: heaps live for ever and may be looked at from any thread.
unsafe impl Send for Lists {}

impl Lists {
    fn append(&mut self, heap: &Heap) {
        let at = (&raw const *heap).cast_mut();
        heap.shared.next_orphan.set(null_mut());
        // SAFETY: listed heaps live for ever.
        match unsafe { self.last.as_ref() } {
            Some(last) => last.shared.next_orphan.set(at),
            None => self.first = at,
        }
        self.last = at;
    }

    fn pop(&mut self) -> Option<&'static Heap> {
        // SAFETY: listed heaps live for ever.
        let heap: &'static Heap = unsafe { self.first.as_ref() }?;
        self.first = heap.shared.next_orphan.replace(null_mut());
        if self.first.is_null() {
            self.last = null_mut();
        }
        Some(heap)
    }
}

/// How many orphans a search for a slab looks at; the next search goes on behind them.
pub(crate) const LOOKS: usize = 4;

/// The registry.
pub(crate) struct Registry {
    pub(crate) lists: Ranked<Lists, Futex, 10>,
    /// Length of the orphans' list; a hint.
    orphans: AtomicUsize,
}

impl Registry {
    pub(crate) const fn new() -> Self {
        Registry {
            lists: Ranked::new(Lists { all: null_mut(), first: null_mut(), last: null_mut() }),
            orphans: AtomicUsize::new(0),
        }
    }

    /// Enters a new heap.
    pub(crate) fn enter(&self, heap: &'static Heap) {
        let mut lists = self.lists.lock();
        heap.shared.next.set(lists.all);
        lists.all = (&raw const *heap).cast_mut();
    }

    /// About how many orphans there are.
    #[inline]
    pub(crate) fn orphans(&self) -> usize {
        self.orphans.load(Ordering::Relaxed)
    }

    /// Puts a heap, which the caller holds, among the orphans. The caller then looks at its notified list once more.
    pub(crate) fn orphan(&self, heap: &Heap) {
        let mut lists = self.lists.lock();
        self.orphan_held(&mut lists, heap);
    }

    fn orphan_held(&self, lists: &mut Lists, heap: &Heap) {
        lists.append(heap);
        self.orphans.fetch_add(1, Ordering::Relaxed);
        heap.shared.state.give_up();
    }

    /// Takes the first orphan that nobody works on out of the list: to adopt it (`OWNED`), or to work on it and
    /// then put it back with [`Registry::orphan`] (`BORROWED`).
    pub(crate) fn take(&self, state: u8) -> Option<&'static Heap> {
        if self.orphans() == 0 {
            return None;
        }
        let mut lists = self.lists.lock();
        for _ in 0..LOOKS {
            let heap = lists.pop()?;
            if heap.shared.state.claim(state) {
                self.orphans.fetch_sub(1, Ordering::Relaxed);
                return Some(heap);
            }
            // A thread that frees into it works on it for a moment.
            lists.append(heap);
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
            let owned = heap.shared.state.is_owned();
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
