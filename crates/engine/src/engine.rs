//! The slow paths: refill, remote frees, slabs opened and released, heaps adopted and orphaned.
//!
//! Everything here happens once per page of blocks, per slab or per thread, never per block of a thread's
//! own. The order in which a refill looks for blocks is the allocator's policy in one function,
//! `Engine::refill`: the nearest and warmest first, the operating system last.
//!
//! # Safety
//!
//! A heap passed in is held by the caller (H1 of `heap`); blocks passed in are live.

#![allow(unsafe_code)]

use crate::config::Config;
use crate::heap::{Heap, LocalFree};
use crate::registry::{LOOKS, Registry};
use crate::remote::Block;
use crate::size_class::{CLASSES, SLAB_MAX, SMALL_MAX, block_size, class_of, slab_len};
use crate::slab::{Blocks, Settled, Slab, SlabRef, State};
use crate::standing::{BORROWED, OWNED};
use core::ptr::null_mut;
use heapwright_base::counters::Counter;
use heapwright_base::sync::{AtomicPtr, AtomicUsize, Ordering};
use heapwright_base::{Align, OutOfPages, Violation};
use heapwright_os::PageSource;
use heapwright_span::{Kind, Spans};

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

/// Empty slabs of the usual length that a heap keeps.
const SPARES: u32 = 4;
/// The usual length of a slab.
const USUAL: usize = slab_len(0);
/// Bytes of change in live blocks from which a heap tells the counters.
const FLUSH_AT: u64 = 64 << 10;
/// Bytes of slabs that may come back whole to a heap that does not look before they are purged by the
/// threads that free them.
const PENDING_MOST: usize = 8 << 20;
/// The same for all heaps together: a thousand idle threads must not keep a thousand times as much.
const PENDING_ALL: usize = 64 << 20;

/// An allocator: a value, with no state outside it.
pub struct Engine<C: Config> {
    /// The back end.
    pub spans: Spans<C::Pages, C::Fit, Blocks>,
    pub(crate) registry: Registry,
    /// The sum of the heaps' `pending`; Relaxed, a hint.
    pending: AtomicUsize,
}

impl<C: Config> Default for Engine<C> {
    fn default() -> Self {
        Self::new()
    }
}

/// A block, and whether it reads as zero beyond its first word.
#[derive(Clone, Copy)]
struct Refilled {
    block: *mut Block,
    fresh: bool,
}

impl<C: Config> Engine<C> {
    /// An engine that has asked for nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Engine { spans: Spans::new(C::PAGES), registry: Registry::new(), pending: AtomicUsize::new(0) }
    }

    // ---- heaps ------------------------------------------------------------------------------------------

    /// A heap for a thread that has none: an orphan if there is one, else a new one.
    ///
    /// # Errors
    ///
    /// [`OutOfPages`] when there is no memory for a heap.
    pub fn attach(&'static self) -> Result<&'static Heap, OutOfPages> {
        if let Some(heap) = self.registry.take(OWNED) {
            self.spans.tally.add(Counter::Adoptions, 1);
            return Ok(heap);
        }
        self.spans.open()?;
        let at = self.spans.meta(size_of::<Heap>())?.cast::<Heap>();
        // SAFETY: fresh metadata, large enough and aligned to 64 as a heap is, never given back.
        unsafe { at.write(Heap::empty(self.spans.near(), false)) };
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
        self.spans.purge_all()
    }

    /// After a push on the notified list of a heap that may be an orphan: does the owner's work.
    #[cold]
    fn help(&'static self, heap: &Heap) {
        heap.shared.state.help(&heap.shared.notified, || self.drain(heap));
    }

    // ---- allocation -------------------------------------------------------------------------------------

    /// A block of at least `size` bytes from a heap that is no placeholder; null when memory is out.
    pub fn allocate(&'static self, heap: &'static Heap, size: usize) -> *mut u8 {
        if size <= SLAB_MAX {
            let class = class_of(size);
            let block = heap.bin(class).current.get().pop();
            if !block.is_null() {
                return block.cast();
            }
            return self.refill(heap, class).map_or(null_mut(), |got| got.block.cast());
        }
        self.allocate_large(size, Align::ONE).map_or(null_mut(), |(block, _)| block)
    }

    /// The same, reading as zero.
    pub fn allocate_zeroed(&'static self, heap: &'static Heap, size: usize) -> *mut u8 {
        if size > SLAB_MAX {
            let Ok((block, zeroed)) = self.allocate_large(size, Align::ONE) else { return null_mut() };
            if !zeroed {
                // SAFETY: a new block of at least `size` bytes.
                unsafe { block.write_bytes(0, size) };
            }
            return block;
        }
        let class = class_of(size);
        let block = heap.bin(class).current.get().pop();
        let got = if block.is_null() {
            match self.refill(heap, class) {
                Some(got) => got,
                None => return null_mut(),
            }
        } else {
            Refilled { block, fresh: false }
        };
        let len = if got.fresh { size_of::<usize>().min(size) } else { size };
        // SAFETY: a new block of at least `size` bytes.
        unsafe { got.block.cast::<u8>().write_bytes(0, len) };
        got.block.cast()
    }

    /// A block aligned to `align`; null when memory is out.
    pub fn allocate_aligned(&'static self, heap: &'static Heap, size: usize, align: Align) -> *mut u8 {
        if align.bytes() <= 16 {
            return self.allocate(heap, size);
        }
        // A class that is a multiple of the alignment has aligned blocks, up to the alignment of slabs.
        if align.bytes() <= heapwright_span::GRANULE && size <= SLAB_MAX - align.bytes() {
            return self.allocate(heap, (size.max(1) + align.bytes() - 1) & !(align.bytes() - 1));
        }
        self.allocate_large(size, align).map_or(null_mut(), |(block, _)| block)
    }

    /// The same, reading as zero.
    pub fn allocate_aligned_zeroed(&'static self, heap: &'static Heap, size: usize, align: Align) -> *mut u8 {
        if size > SLAB_MAX {
            let Ok((block, zeroed)) = self.allocate_large(size, align) else { return null_mut() };
            if !zeroed {
                // SAFETY: a new block of at least `size` bytes.
                unsafe { block.write_bytes(0, size) };
            }
            return block;
        }
        let block = self.allocate_aligned(heap, size, align);
        if !block.is_null() {
            // SAFETY: a new block of at least `size` bytes.
            unsafe { block.write_bytes(0, size) };
        }
        block
    }

    /// Finds blocks for a bin whose current slab has none left: blocks that came back to that slab, blocks
    /// never carved, other slabs of the bin, orphans' slabs, a kept empty slab, new memory.
    #[cold]
    fn refill(&'static self, heap: &'static Heap, class: usize) -> Option<Refilled> {
        let _busy = Busy::enter(heap);
        if let Some(slab) = heap.current(class) {
            if self.collect_current(heap, slab) > 0 && !slab.hot.free.get().is_null() {
                return Some(Refilled { block: slab.pop(), fresh: false });
            }
            if slab.carve() > 0 {
                return Some(Refilled { block: slab.pop(), fresh: slab.carves_zero() });
            }
            heap.clear_current(class);
            self.count(heap, slab, slab.make_full());
        }
        self.drain(heap);
        let slab = match heap.bin(class).partial.pop() {
            Some(slab) => slab,
            None => self.steal(heap, class).or_else(|| self.open(heap, class))?,
        };
        self.count(heap, slab, slab.make_current());
        heap.set_current(class, slab);
        let mut block = slab.pop();
        let mut fresh = false;
        if block.is_null() {
            slab.carve();
            fresh = slab.carves_zero();
            block = slab.pop();
        }
        debug_assert!(!block.is_null());
        Some(Refilled { block, fresh })
    }

    /// Takes the remote list of a current slab into its free list.
    fn collect_current(&self, heap: &Heap, slab: SlabRef) -> u32 {
        let count = slab.collect(false).unwrap_or(0);
        if count > 0 {
            self.count_remote(heap, count);
        }
        count
    }

    /// A slab of this class from an orphan.
    fn steal(&'static self, heap: &'static Heap, class: usize) -> Option<SlabRef> {
        for _ in 0..LOOKS.min(self.registry.orphans()) {
            let stolen = self.borrow(|orphan| {
                self.drain(orphan);
                let slab = orphan.bin(class).partial.pop()?;
                // Relaxed: a thread that still pushes with the old owner in mind notifies the orphan, whose
                // drainer passes the slab on (see `drain`).
                slab.hot.owner.store((&raw const *heap).cast_mut(), Ordering::Relaxed);
                Some(slab)
            });
            if let Some(slab) = stolen.flatten() {
                return Some(slab);
            }
        }
        None
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

    /// A new slab.
    fn open(&'static self, heap: &'static Heap, class: usize) -> Option<SlabRef> {
        let len = slab_len(class);
        let (slab, zeroed) = if let Some(spare) = (len == USUAL).then(|| heap.spare.pop()).flatten() {
            heap.spares.set(heap.spares.get() - 1);
            (spare, false)
        } else {
            let taken = self.spans.take(len, Align::ONE, Kind::Slab).ok()?;
            (taken.span, taken.zeroed)
        };
        slab.open(class, (&raw const *heap).cast_mut(), zeroed);
        Some(slab)
    }

    /// Puts an empty slab, which is in no list, away. One that some thread is about to notify us of stays
    /// until that has happened.
    fn release(&'static self, heap: &Heap, slab: SlabRef) {
        if slab.shared.is_listed() {
            self.count(heap, slab, slab.make_partial(0));
            heap.bin(slab.class()).partial.append(slab);
            return;
        }
        self.count(heap, slab, slab.make_spare());
        let orphan = !heap.shared.state.is_owned();
        if slab.len() == USUAL && heap.spares.get() < SPARES && !orphan {
            heap.spare.push(slab);
            heap.spares.set(heap.spares.get() + 1);
            return;
        }
        // SAFETY: every block is dead and the slab is in no list: nothing refers to its bytes.
        unsafe { self.spans.give(slab) };
    }

    // ---- frees ------------------------------------------------------------------------------------------

    /// A slab's count has run out after a free by its owner.
    #[cold]
    pub fn attend(&'static self, heap: &'static Heap, slab: SlabRef) {
        let _busy = Busy::enter(heap);
        match slab.state() {
            State::Current => {
                self.count(heap, slab, slab.make_current());
            }
            State::Full => {
                let live = slab.live();
                if live == 0 {
                    self.release(heap, slab);
                } else {
                    self.count(heap, slab, slab.make_partial(live));
                    heap.bin(slab.class()).partial.append(slab);
                }
            }
            State::Partial => {
                heap.bin(slab.class()).partial.remove(slab);
                let listed = slab.shared.is_listed();
                self.release(heap, slab);
                if listed {
                    self.drain(heap);
                }
            }
            State::Spare => {}
        }
    }

    /// Frees a block that the fast path did not: another thread's, a large one, or one far away.
    ///
    /// # Errors
    ///
    /// [`BadFree`] when `block` is no block of this allocator; nothing was touched.
    ///
    /// # Safety
    ///
    /// - If `block` lies in a slab, it is a live block of it.
    pub unsafe fn free_elsewhere(&'static self, heap: &'static Heap, block: *mut u8) -> Result<(), BadFree> {
        let addr = block.addr();
        let span = self.spans.lookup(addr).filter(|span| span.contains(addr)).ok_or(BadFree::Foreign)?;
        match span.kind() {
            Kind::Slab if !addr.is_multiple_of(16) => Err(BadFree::Interior),
            Kind::Slab => {
                let owner = span.owner();
                if owner.is_null() {
                    return Err(BadFree::Twice);
                }
                if core::ptr::eq(owner, heap) {
                    // Beyond the near table.
                    let link = block.cast::<Block>();
                    // SAFETY: caller: a live block; the slab is ours.
                    unsafe { (*link).next.set(span.hot.free.get()) };
                    span.hot.free.set(link);
                    span.hot.left.set(span.hot.left.get().wrapping_sub(1));
                    if span.hot.left.get() == 0 {
                        self.attend(heap, span);
                    }
                } else {
                    // SAFETY: caller: a live block of this slab.
                    unsafe { self.free_remote(span, block) };
                }
                Ok(())
            }
            Kind::Large | Kind::Huge if span.start() != block => Err(BadFree::Interior),
            Kind::Large | Kind::Huge => {
                // SAFETY: caller: a live block, so the span is its owner's to give.
                unsafe { self.free_large(span) };
                Ok(())
            }
            Kind::Free => Err(BadFree::Twice),
            Kind::Idle => Err(BadFree::Foreign),
        }
    }

    /// Frees a block of another heap's slab.
    ///
    /// # Safety
    ///
    /// - `block` is a live block of `slab`.
    unsafe fn free_remote(&'static self, slab: SlabRef, block: *mut u8) {
        // The block keeps the slab from being released, so whatever is read of it before the push holds.
        let (base, capacity, len) = (slab.start(), slab.capacity(), slab.len());
        // SAFETY: heaps live for ever.
        let Some(owner) = (unsafe { slab.owner().as_ref() }) else { return };
        let asleep = owner.shared.pending.load(Ordering::Relaxed) > PENDING_MOST
            || self.pending.load(Ordering::Relaxed) > PENDING_ALL;
        let purge_at = if asleep { capacity } else { 0 };
        let link = |next: *mut Block| {
            // SAFETY: caller: the block is dead from here on, and ours until it is pushed.
            unsafe { (*block.cast::<Block>()).next.set(next) }
        };
        // SAFETY: the block is dead and known to nobody else; a multiple of 16 was checked.
        let pushed = unsafe { slab.shared.push(base, block.addr() - base.addr(), purge_at, link) };
        if pushed.purge {
            // SAFETY: the push has taken the slab from its owner, and every block of it is dead.
            unsafe { self.purge_for_owner(slab, len) };
            // Whoever drained meanwhile has passed the slab by.
            owner.shared.state.insist(&owner.shared.notified, || self.drain(owner));
        } else if pushed.count == capacity {
            owner.shared.pending.fetch_add(len, Ordering::Relaxed);
            self.pending.fetch_add(len, Ordering::Relaxed);
        }
        if pushed.notify {
            self.notify(slab);
        }
    }

    /// Gives the pages of a slab back whose owner does not look after it.
    ///
    /// # Safety
    ///
    /// - A push has answered `purge` for this slab, `len` bytes long.
    #[cold]
    unsafe fn purge_for_owner(&'static self, slab: SlabRef, len: usize) {
        if let Some(start) = core::ptr::NonNull::new(slab.start()) {
            let run = heapwright_os::PageRun { start, len: heapwright_base::Bytes(len) };
            // SAFETY: caller: the slab is ours, and its contents are not needed.
            if unsafe { self.spans.pages().purge(run) } {
                self.spans.tally.add(Counter::ReturnedBytes, len as u64);
                self.spans.tally.add(Counter::Purges, 1);
            }
        }
        slab.shared.end_purge();
    }

    /// Puts a slab whose `listed` this thread has set on its owner's list.
    fn notify(&'static self, slab: SlabRef) {
        // SAFETY: `listed` keeps the slab from being released, and heaps live for ever.
        let Some(owner) = (unsafe { slab.owner().as_ref() }) else { return };
        owner.shared.notified.push(slab.as_ptr(), &slab.shared.next);
        if owner.shared.state.is_orphan() {
            self.help(owner);
        }
    }

    /// Takes in the remote frees of every slab that the heap was notified of. Answers whether anything could be
    /// done: slabs that another thread is purging stay on the list.
    fn drain(&'static self, heap: &Heap) -> bool {
        if heap.shared.notified.is_empty() {
            return false;
        }
        let pending = heap.shared.pending.swap(0, Ordering::Relaxed);
        self.pending.fetch_sub(pending, Ordering::Relaxed);
        let mut done = false;
        let mut at = heap.shared.notified.take_all();
        // SAFETY: only descriptors are pushed on notified lists.
        while let Some(slab) = unsafe { SlabRef::from_ptr(at) } {
            at = AtomicPtr::load(&slab.shared.next, Ordering::Relaxed);
            if !core::ptr::eq(slab.owner(), heap) {
                // Another heap has taken the slab since; it stays listed, on its new owner's list.
                self.notify(slab);
                done = true;
                continue;
            }
            match slab.collect(true) {
                None => heap.shared.notified.push(slab.as_ptr(), &slab.shared.next),
                Some(count) => {
                    self.took_in(heap, slab, count);
                    done = true;
                }
            }
        }
        done
    }

    /// `count` blocks have come back to a slab from other threads.
    fn took_in(&'static self, heap: &Heap, slab: SlabRef, count: u32) {
        self.count_remote(heap, count);
        match slab.state() {
            State::Current | State::Spare => {}
            State::Full if count == 0 => {}
            state => {
                let live = slab.live() - count;
                let partial = &heap.bin(slab.class()).partial;
                if live == 0 {
                    if state == State::Partial {
                        partial.remove(slab);
                    }
                    self.release(heap, slab);
                    return;
                }
                self.count(heap, slab, slab.make_partial(live));
                if state == State::Full {
                    partial.append(slab);
                }
            }
        }
    }

    // ---- counting ---------------------------------------------------------------------------------------

    fn count_remote(&self, heap: &Heap, count: u32) {
        let counts = &heap.counts;
        counts.remote.set(counts.remote.get() + u64::from(count));
        counts.frees.set(counts.frees.get() + u64::from(count));
    }

    /// Notes what a step of a slab's life has shown.
    fn count(&self, heap: &Heap, slab: SlabRef, settled: Settled) {
        let counts = &heap.counts;
        counts.frees.set(counts.frees.get() + settled.frees);
        counts.live.set(counts.live.get() + settled.live);
        let bytes = counts.bytes.get() + settled.live * slab.block() as i64;
        counts.bytes.set(bytes);
        if bytes.unsigned_abs() >= FLUSH_AT || self.spans.tally.is_shared() {
            self.flush_counts(heap);
        }
    }

    /// Enters what a heap has noted into the counters.
    fn flush_counts(&self, heap: &Heap) {
        let (counts, tally) = (&heap.counts, &self.spans.tally);
        let frees = counts.frees.replace(0);
        // Allocations are frees plus live blocks, always; `count_live` adds the second part.
        tally.add(Counter::Frees, frees);
        tally.add(Counter::Allocations, frees);
        tally.add(Counter::RemoteFrees, counts.remote.replace(0));
        self.count_live(counts.live.replace(0), counts.bytes.replace(0));
    }

    /// Enters a change of live blocks and bytes.
    pub(crate) fn count_live(&self, blocks: i64, bytes: i64) {
        if blocks == 0 && bytes == 0 {
            return;
        }
        let tally = &self.spans.tally;
        tally.add(Counter::LiveBlocks, blocks as u64);
        tally.add(Counter::Allocations, blocks as u64);
        let live = tally.add(Counter::LiveBytes, bytes as u64);
        // Heaps tell their changes at different times, so that the sum may be below zero for a moment.
        if bytes > 0 && live as i64 > 0 {
            tally.raise(Counter::PeakLiveBytes, live);
        }
    }

    /// Makes the counters exact for the slabs of a heap, without waiting for a lock that another thread holds:
    /// then they are exact to within the slabs that are not current.
    pub fn settle(&self, heap: &Heap) {
        for class in 0..CLASSES {
            if let Some(slab) = heap.current(class) {
                let live = slab.live();
                self.count(heap, slab, slab.report_current(live));
            }
        }
        let _ = self.spans.try_for_each(|slab| {
            // The owner is asked first: the rest is its own.
            let ours = slab.kind() == Kind::Slab && core::ptr::eq(slab.owner(), heap);
            if ours && matches!(slab.state(), State::Full | State::Partial) {
                self.count(heap, slab, slab.report());
            }
        });
        self.flush_counts(heap);
    }

    // ---- process ----------------------------------------------------------------------------------------

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
        self.registry.orphan_all_but(mine);
    }

    /// In a child made behind our back: whatever was locked may be half changed and is given up.
    ///
    /// # Safety
    ///
    /// - No thread of this process holds a lock of the engine or waits for one.
    pub unsafe fn after_raw_fork(&'static self) {
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
