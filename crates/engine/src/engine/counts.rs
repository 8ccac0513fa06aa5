//! What the slow paths tell the counters, in batches.

use super::Engine;
use crate::config::Config;
use crate::heap::Heap;
use crate::size_class::CLASSES;
use crate::slab::{Settled, Slab, SlabRef, State};
use heapwright_base::counters::Counter;
use heapwright_span::Kind;

/// Bytes of change in live blocks from which a heap tells the counters.
const FLUSH_AT: u64 = 64 << 10;

impl<C: Config> Engine<C> {
    pub(super) fn count_remote(&self, heap: &Heap, count: u32) {
        let counts = &heap.counts;
        counts.remote.set(counts.remote.get() + u64::from(count));
        counts.frees.set(counts.frees.get().wrapping_add(u64::from(count)));
    }

    /// Notes what a step of a slab's life has shown.
    pub(super) fn count(&self, heap: &Heap, slab: SlabRef, settled: Settled) {
        let counts = &heap.counts;
        counts.frees.set(counts.frees.get().wrapping_add(settled.frees));
        counts.live.set(counts.live.get() + settled.live);
        let bytes = counts.bytes.get() + settled.live * slab.block() as i64;
        counts.bytes.set(bytes);
        if bytes.unsigned_abs() >= FLUSH_AT || self.spans.tally.is_shared() {
            self.flush_counts(heap);
        }
    }

    /// Enters what a heap has noted into the counters. Sums wrap: a heap that sent guests home, which others will count,
    /// may have noted fewer frees than none.
    pub(super) fn flush_counts(&self, heap: &Heap) {
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
        for guests in heap.guests.iter().filter_map(core::cell::Cell::get) {
            self.settle_guests(heap, guests);
        }
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
}
