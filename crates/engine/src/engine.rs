//! The slow paths: refill, remote frees, slabs opened and released, heaps adopted and orphaned.
//!
//! Everything here happens once per page of blocks, per slab or per thread, never per block of a thread's
//! own. Here are the engine itself and the lives of heaps; `refill` finds blocks, `free` takes them back, `counts`
//! tells what happened.
//!
//! # Safety
//!
//! A heap passed in is held by the caller (H1 of `heap`); blocks passed in are live.

#![allow(unsafe_code)]

mod commons;
mod counts;
mod free;
mod refill;

use crate::config::Config;
use crate::heap::{Heap, LocalFree, Role};
use crate::registry::Registry;
use crate::size_class::{CLASSES, SLAB_MAX, SMALL_MAX, block_size};
use crate::slab::{Blocks, Slab};
use crate::standing::{BORROWED, OWNED};
use commons::{COMMONS, EARLY};
use heapwright_base::counters::Counter;
use heapwright_base::sync::{AtomicPtr, AtomicUsize, Ordering};
use heapwright_base::{OutOfPages, Violation};
use heapwright_span::Spans;

/// Why a pointer was not freed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BadFree {
    /// No block of this allocator is there.
    Foreign,
    /// The pointer leads into the middle of a block.
    Interior,
    /// The block there is free already.
    Twice,
}

impl From<BadFree> for Violation {
    fn from(bad: BadFree) -> Violation {
        match bad {
            BadFree::Foreign => Violation::ForeignFree,
            BadFree::Interior => Violation::InteriorFree,
            BadFree::Twice => Violation::DoubleFree,
        }
    }
}

/// An allocator: a value, with no state outside it.
pub struct Engine<C: Config> {
    /// The back end.
    pub spans: Spans<C::Pages, C::Fit, Blocks>,
    pub(crate) registry: Registry,
    /// Heaps without a thread whose blocks are for all; null until first needed.
    commons: [AtomicPtr<Heap>; COMMONS],
    /// Heaps made for threads.
    threads: AtomicUsize,
    /// The sum of the heaps' `pending`; Relaxed, a hint.
    pending: AtomicUsize,
}

impl<C: Config> Default for Engine<C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<C: Config> Engine<C> {
    /// An engine that has asked for nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Engine {
            spans: Spans::new(C::PAGES),
            registry: Registry::new(),
            commons: [const { AtomicPtr::new(core::ptr::null_mut()) }; COMMONS],
            threads: AtomicUsize::new(0),
            pending: AtomicUsize::new(0),
        }
    }

    /// A heap for a thread that has none: an orphan if there is one, else a new one.
    ///
    /// # Errors
    ///
    /// [`OutOfPages`] when there is no memory for a heap.
    pub fn attach(&'static self) -> Result<&'static Heap, OutOfPages> {
        if let Some(heap) = self.registry.take(OWNED) {
            if heap.role.get() == Role::Common {
                // Left over by a fork or a race.
                heap.role.set(Role::Thread);
            }
            self.spans.tally.add(Counter::Adoptions, 1);
            return Ok(heap);
        }
        let heap = self.new_heap()?;
        if self.threads.fetch_add(1, Ordering::Relaxed) < EARLY {
            heap.role.set(Role::Early);
        }
        Ok(heap)
    }

    /// A heap for a thread or for all, in the state of one that has an owner.
    fn new_heap(&'static self) -> Result<&'static Heap, OutOfPages> {
        self.spans.open()?;
        let at = self.spans.meta(size_of::<Heap>())?.cast::<Heap>();
        // SAFETY: fresh metadata, large enough and aligned to 64 as a heap is, never given back.
        unsafe { at.write(Heap::empty(self.spans.near(), Role::Thread)) };
        // SAFETY: just written, and metadata lives for ever.
        let heap = unsafe { at.as_ref() };
        self.spans.tally.add(Counter::Heaps, 1);
        self.registry.enter(heap);
        Ok(heap)
    }

    /// Gives up a heap whose thread ends. The caller no longer holds it afterwards.
    pub fn orphan(&'static self, heap: &'static Heap) {
        self.tidy(heap, true);
        self.registry.orphan(heap);
        // A remote free may have come between the tidying and the change of state.
        self.help(heap);
    }

    /// Puts away what can be put away in a heap: remote frees, empty slabs. `close` also closes the current
    /// slabs, so that a heap without a thread keeps no empty slab.
    fn tidy(&'static self, heap: &Heap, close: bool) {
        let _busy = Busy::enter(heap);
        self.send_all_home(heap);
        self.drain(heap);
        for class in 0..CLASSES {
            let Some(slab) = heap.current(class) else { continue };
            self.collect_current(heap, slab);
            let live = slab.live();
            if live == 0 {
                heap.clear_current(class);
                self.release(heap, slab);
            } else if close {
                heap.clear_current(class);
                if live == slab.capacity() {
                    self.count(heap, slab, slab.make_full());
                } else {
                    self.count(heap, slab, slab.make_partial(live));
                    heap.bin(class).partial.append(slab);
                }
            }
        }
        while let Some(spare) = heap.spare.pop() {
            heap.spares.set(heap.spares.get() - 1);
            // SAFETY: an empty slab that the heap kept: nothing refers to its bytes.
            unsafe { self.spans.give(spare) };
        }
        if close {
            // Whoever has the heap next begins as this thread did.
            heap.drawn.iter().for_each(|drawn| drawn.set(0));
        }
        self.flush_counts(heap);
    }

    /// Returns everything that this heap and the back end hold free to the operating system.
    pub fn trim(&'static self, heap: &Heap) -> usize {
        if !heap.is_placeholder() {
            self.tidy(heap, false);
        }
        for _ in 0..self.registry.orphans() {
            self.borrow(|orphan| self.tidy(orphan, true));
        }
        self.for_each_common(|common| self.tidy(common, true));
        self.spans.purge_all()
    }

    /// After a push on the notified list of a heap that may be an orphan: does the owner's work.
    #[cold]
    fn help(&'static self, heap: &Heap) {
        heap.shared.state.help(&heap.shared.notified, || self.drain(heap));
    }

    /// Works on the first orphan, outside the registry's lock, and puts it at the end of the queue.
    fn borrow<T>(&'static self, work: impl FnOnce(&'static Heap) -> T) -> Option<T> {
        let orphan = self.registry.take(BORROWED)?;
        let answer = work(orphan);
        self.registry.orphan(orphan);
        // A remote free may have found the heap borrowed, and left its slab to us.
        self.help(orphan);
        Some(answer)
    }

    /// Takes the registry's lock without a guard, for `fork`.
    pub fn hold_registry(&self) {
        self.registry.lists.hold();
    }

    /// Whether the calling thread holds it: a signal handler forks while it does.
    pub fn registry_held_here(&self) -> bool {
        self.registry.lists.held_here()
    }

    /// Gives it back.
    ///
    /// # Safety
    ///
    /// - It was taken by [`hold_registry`](Self::hold_registry) of this thread, before a fork or not, or by a
    ///   thread that does not exist any more.
    pub unsafe fn release_registry(&self) {
        // SAFETY: caller.
        unsafe { self.registry.lists.force_unlock() };
    }

    /// In a child: heaps of threads that do not exist here become orphans.
    pub fn after_fork_in_child(&'static self, mine: &Heap) {
        self.leave_borrowed_commons();
        self.registry.orphan_all_but(mine);
    }

    /// In a child made behind our back: whatever was locked may be half changed and is given up.
    ///
    /// # Safety
    ///
    /// - No thread of this process holds a lock of the engine or waits for one.
    pub unsafe fn after_raw_fork(&'static self) {
        self.leave_borrowed_commons();
        if self.registry.lists.held() {
            // SAFETY: caller: the holder does not exist here; each step of a change leaves the lists walkable.
            unsafe { self.registry.lists.force_unlock() };
        }
        if self.spans.held() {
            // SAFETY: caller: the holder does not exist here, and nobody else looks.
            unsafe { self.spans.start_over() };
            // SAFETY: as above.
            unsafe { self.spans.force_unlock() };
        }
    }

    /// Calls `visit` with every heap ever made; the registry is locked meanwhile.
    pub fn for_each_heap(&self, visit: impl FnMut(&'static Heap)) {
        self.registry.for_each(visit);
    }
}

/// Marks a heap as in the middle of something, for a child that copies it.
struct Busy<'a>(&'a Heap, bool);

impl<'a> Busy<'a> {
    fn enter(heap: &'a Heap) -> Self {
        let was = heap.busy.load(Ordering::Relaxed);
        heap.busy.store(true, Ordering::Relaxed);
        core::sync::atomic::compiler_fence(Ordering::SeqCst);
        Busy(heap, was)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        core::sync::atomic::compiler_fence(Ordering::SeqCst);
        self.0.busy.store(self.1, Ordering::Relaxed);
    }
}

const _: () = assert!(SMALL_MAX <= SLAB_MAX && block_size(CLASSES - 1) == SLAB_MAX);
const _: fn(LocalFree) = |_| ();
