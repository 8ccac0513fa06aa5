//! Blocks that are spans: above the largest class, or aligned beyond a page.
//!
//! A large block is a span of an arena; a huge one is a mapping of its own. Which of the two a request gets is
//! decided by a threshold that adapts; see `span::huge`.
//!
//! # Safety
//!
//! Spans are given back only by the free of their one block.

#![allow(unsafe_code)]

use crate::config::Config;
use crate::engine::Engine;
use crate::slab::SlabRef;
use heapwright_base::counters::Counter;
use heapwright_base::{Align, OutOfPages};
use heapwright_span::Kind;

/// Alignments above this get a mapping of their own: the padding would dirty an arena's order.
const ARENA_ALIGN_MOST: usize = 1 << 20;

impl<C: Config> Engine<C> {
    /// A large or huge block, and whether it reads as zero.
    pub(crate) fn allocate_large(&self, size: usize, align: Align) -> Result<(*mut u8, bool), OutOfPages> {
        if size > (isize::MAX as usize).saturating_sub(align.bytes()) {
            return Err(OutOfPages);
        }
        let huge = self.spans.is_huge(size) || align.bytes() > ARENA_ALIGN_MOST;
        let taken = if huge {
            // When no mapping is left (vm.max_map_count), an arena may still have room.
            self.spans
                .map_huge(size, align)
                .map(|span| (span, true))
                .or_else(|_| self.take_large(size, align))
        } else {
            self.take_large(size, align)
        };
        let (span, zeroed) = taken?;
        self.count_live(1, span.len() as i64);
        Ok((span.start(), zeroed))
    }

    fn take_large(&self, size: usize, align: Align) -> Result<(SlabRef, bool), OutOfPages> {
        self.spans.take(size, align, Kind::Large, true).map(|taken| (taken.span, taken.zeroed))
    }

    /// Frees a large or huge block.
    ///
    /// # Safety
    ///
    /// - The span's block is live and the caller's to free.
    pub(crate) unsafe fn free_large(&self, span: SlabRef) {
        self.count_live(-1, -(span.len() as i64));
        self.spans.tally.add(Counter::Frees, 1);
        self.spans.tally.add(Counter::Allocations, 1);
        if span.kind() == Kind::Huge {
            // SAFETY: caller.
            unsafe { self.spans.unmap_huge(span) }
        } else {
            // SAFETY: caller.
            unsafe { self.spans.give(span) }
        }
    }
}
