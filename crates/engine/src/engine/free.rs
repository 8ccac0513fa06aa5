//! Frees beyond the fast path: slabs whose count has run out, large blocks, blocks of other threads.
//!
//! # Safety
//!
//! As in the module above.

use super::{BadFree, Busy, Engine};
use crate::config::Config;
use crate::heap::Heap;
use crate::remote::Block;
use crate::slab::{Slab, SlabRef, State};
use heapwright_base::counters::Counter;
use heapwright_base::sync::{AtomicPtr, Ordering};
use heapwright_os::PageSource;
use heapwright_span::Kind;

/// Bytes of slabs that may come back whole to a heap that does not look before they are purged by the
/// threads that free them.
const PENDING_MOST: usize = 8 << 20;
/// The same for all heaps together: a thousand idle threads must not keep a thousand times as much.
const PENDING_ALL: usize = 64 << 20;

impl<C: Config> Engine<C> {
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
                    let kept = unsafe { self.keep_guest(heap, span, block) };
                    if !kept {
                        // SAFETY: as above.
                        unsafe { self.push_home(heap, span, block.cast(), block.cast(), 1) };
                    }
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

    /// Gives `count` blocks of a slab back to its owner: a chain from `first` to `last`.
    ///
    /// # Safety
    ///
    /// - They are blocks of `slab`, dead and linked in this order, or one live block that the caller may free;
    ///   nobody else knows of them.
    pub(super) unsafe fn push_home(
        &'static self,
        heap: &Heap,
        slab: SlabRef,
        first: *mut Block,
        last: *mut Block,
        count: u32,
    ) {
        // The blocks keep the slab from being released, so whatever is read of it before the push holds.
        let (base, capacity, len) = (slab.start(), slab.capacity(), slab.len());
        // SAFETY: heaps live for ever.
        let Some(owner) = (unsafe { slab.owner().as_ref() }) else { return };
        let asleep = owner.shared.pending.load(Ordering::Relaxed) > PENDING_MOST
            || self.pending.load(Ordering::Relaxed) > PENDING_ALL;
        let purge_at = if asleep { capacity } else { 0 };
        let link = |next: *mut Block| {
            // SAFETY: caller: the block is dead from here on, and ours until it is pushed.
            unsafe { (*last).next.set(next) }
        };
        // SAFETY: the blocks are dead and known to nobody else; a multiple of 16 was checked.
        let pushed = unsafe { slab.shared.push(base, first.addr() - base.addr(), count, purge_at, link) };
        if pushed.purge {
            // Since we looked, the slab may have changed its owner; now it cannot.
            // SAFETY: heaps live for ever.
            let owner = unsafe { slab.owner().as_ref() }.unwrap_or(owner);
            // SAFETY: the push has taken the slab from its owner, and every block of it is dead.
            unsafe { self.purge_for_owner(slab, len) };
            // Whoever drained meanwhile has passed the slab by. If that is us, we drain next.
            if !core::ptr::eq(owner, heap) {
                owner.shared.state.insist(&owner.shared.notified, || self.drain(owner));
            }
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
    pub(super) fn notify(&'static self, slab: SlabRef) {
        // SAFETY: `listed` keeps the slab from being released, and heaps live for ever.
        let Some(owner) = (unsafe { slab.owner().as_ref() }) else { return };
        owner.shared.notified.push(slab.as_ptr(), &slab.shared.next);
        if owner.shared.state.is_orphan() {
            self.help(owner);
        }
    }

    /// Takes in the remote frees of every slab that the heap was notified of. Answers whether anything could be
    /// done: slabs that another thread is purging stay on the list.
    pub(super) fn drain(&'static self, heap: &Heap) -> bool {
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
}
