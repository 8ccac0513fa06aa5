//! Allocation beyond the fast path: where a bin's next blocks come from.
//!
//! The order in which a refill looks for blocks is the allocator's policy in one function, `Engine::refill`: the
//! nearest and warmest first, the operating system last.
//!
//! # Safety
//!
//! As in the module above.

use super::{Busy, Engine};
use crate::config::Config;
use crate::heap::{Heap, Role};
use crate::registry::LOOKS;
use crate::remote::Block;
use crate::size_class::{SLAB_MAX, block_size, class_of, slab_len};
use crate::slab::{Slab, SlabRef};
use core::ptr::null_mut;
use heapwright_base::Align;
use heapwright_base::sync::Ordering;
use heapwright_span::Kind;

/// Empty slabs of the usual length that a heap keeps.
const SPARES: u32 = 4;
/// How many blocks of a class lodge with another.
const LODGERS: u16 = 8;
/// The largest of them in bytes.
const LODGER_MOST: usize = 2048;
/// The usual length of a slab.
const USUAL: usize = slab_len(0);
/// A block, and whether it reads as zero beyond its first word.
#[derive(Clone, Copy)]
struct Refilled {
    block: *mut Block,
    fresh: bool,
}

impl<C: Config> Engine<C> {
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

    /// Finds blocks for a bin whose current slab has none left: guests, blocks that came back to that slab, blocks
    /// never carved, other slabs of the bin, another class's slab, the commons, orphans' slabs, a kept empty slab, new
    /// memory.
    #[cold]
    fn refill(&'static self, heap: &'static Heap, class: usize) -> Option<Refilled> {
        let _busy = Busy::enter(heap);
        if let Some(block) = self.take_guest(heap, class) {
            return Some(Refilled { block, fresh: false });
        }
        if let Some(slab) = heap.current(class) {
            heap.serve(class, slab);
            let block = slab.pop();
            if !block.is_null() {
                return Some(Refilled { block, fresh: false });
            }
            if self.collect_current(heap, slab) > 0 && !slab.hot.free.get().is_null() {
                return Some(Refilled { block: slab.pop(), fresh: false });
            }
            if slab.carve() > 0 {
                return Some(Refilled { block: slab.pop(), fresh: slab.carves_zero() });
            }
            heap.clear_current(class);
            heap.bin(class).filled.set(true);
            self.count(heap, slab, slab.make_full());
        }
        self.drain(heap);
        let slab = match heap.bin(class).partial.pop() {
            Some(slab) => slab,
            None => match self.lodge(heap, class).or_else(|| self.take_common(heap, class)) {
                Some(block) => return Some(Refilled { block, fresh: false }),
                None => self.steal(heap, class).or_else(|| self.open(heap, class))?,
            },
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

    /// One of the first blocks of a class, out of the slab of the next power of two: a page of its own would hold
    /// little else.
    fn lodge(&'static self, heap: &'static Heap, class: usize) -> Option<*mut Block> {
        let block = block_size(class);
        let drawn = heap.drawn.get(class)?;
        let lodged = drawn.get();
        if heap.role.get() != Role::Early
            || block.is_power_of_two()
            || block > LODGER_MOST
            || lodged >= LODGERS
        {
            return None;
        }
        drawn.set(lodged + 1);
        let host: *mut Block = self.allocate(heap, block.next_power_of_two()).cast();
        (!host.is_null()).then_some(host)
    }

    /// Takes the remote list of a current slab into its free list.
    pub(super) fn collect_current(&self, heap: &Heap, slab: SlabRef) -> u32 {
        let count = slab.collect(false).unwrap_or(0);
        if count > 0 {
            self.count_remote(heap, count);
        }
        count
    }

    /// A slab of this class from an orphan.
    fn steal(&'static self, heap: &'static Heap, class: usize) -> Option<SlabRef> {
        if let Some(slab) = self.steal_common(heap, class) {
            return Some(slab);
        }
        for _ in 0..LOOKS.min(self.registry.orphans()) {
            let stolen = self.borrow(|orphan| {
                self.drain(orphan);
                Self::hand_over(orphan, heap, class)
            });
            if let Some(slab) = stolen.flatten() {
                return Some(slab);
            }
        }
        None
    }

    /// Takes a slab with dead blocks from a heap that the caller holds, for another.
    pub(super) fn hand_over(from: &Heap, to: &'static Heap, class: usize) -> Option<SlabRef> {
        let slab = from.bin(class).partial.pop()?;
        // Relaxed: a thread that still pushes with the old owner in mind notifies that heap, whose drainer passes
        // the slab on (see `drain`).
        slab.hot.owner.store((&raw const *to).cast_mut(), Ordering::Relaxed);
        Some(slab)
    }

    /// A new slab.
    fn open(&'static self, heap: &'static Heap, class: usize) -> Option<SlabRef> {
        let len = slab_len(class);
        let (slab, zeroed) = if let Some(spare) = (len == USUAL).then(|| heap.spare.pop()).flatten() {
            heap.spares.set(heap.spares.get() - 1);
            (spare, false)
        } else {
            let taken = self.spans.take(len, Align::ONE, Kind::Slab, heap.bin(class).filled.get()).ok()?;
            (taken.span, taken.zeroed)
        };
        slab.open(class, (&raw const *heap).cast_mut(), zeroed);
        Some(slab)
    }

    /// Puts an empty slab, which is in no list, away. One that some thread is about to notify us of stays
    /// until that has happened.
    pub(super) fn release(&'static self, heap: &Heap, slab: SlabRef) {
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
}
