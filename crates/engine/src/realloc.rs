//! `realloc`: in place, by moving pages, or by copying, in this order of preference.
//!
//! ```text
//!   small    the class still fits and is not wasteful      in place
//!   large    shrinks, or the span to its right is free     in place; the tail goes back
//!   huge     mremap in place or to another address         no byte is copied
//!   large, from REMAP bytes on                             pages move to the new span
//!   otherwise                                              allocate, copy, free
//! ```
//!
//! # Safety
//!
//! The old block is live and the caller's; it is freed only after the new one holds its contents.

#![allow(unsafe_code)]

use crate::config::Config;
use crate::engine::{BadFree, Engine};
use crate::heap::{Heap, LocalFree};
use crate::size_class::{SLAB_MAX, SMALL_MAX, block_size, class_of};
use crate::slab::{Slab, SlabRef};
use core::ptr::null_mut;
use heapwright_base::{Align, bytes};
use heapwright_span::Kind;

/// From this size on moving pages beats copying them to a place that is not resident; measured in
/// `docs/decisions/0004-remap.md`.
const REMAP: usize = 256 << 10;

impl<C: Config> Engine<C> {
    /// The size in bytes that the program may use of a live block.
    ///
    /// # Errors
    ///
    /// [`BadFree`] when `block` is no block of this allocator.
    pub fn usable(&self, block: *mut u8) -> Result<usize, BadFree> {
        let addr = block.addr();
        let span = self.spans.lookup(addr).filter(|span| span.contains(addr)).ok_or(BadFree::Foreign)?;
        match span.kind() {
            Kind::Slab if span.owner().is_null() => Err(BadFree::Twice),
            Kind::Slab if addr.is_multiple_of(16) => Ok(span.block()),
            Kind::Large | Kind::Huge if span.start() == block => Ok(span.len()),
            Kind::Slab | Kind::Large | Kind::Huge => Err(BadFree::Interior),
            Kind::Free => Err(BadFree::Twice),
            Kind::Idle => Err(BadFree::Foreign),
        }
    }

    /// Changes the size of a live block to `size`, at least one byte, and keeps its contents. The result is
    /// aligned to `align`, as the block is. Null when memory is out; the block is then as it was.
    ///
    /// # Errors
    ///
    /// [`BadFree`] when `block` is no block of this allocator; nothing was touched.
    ///
    /// # Safety
    ///
    /// - `block` is live, was allocated with alignment `align` or is aligned to it, and is the caller's; when
    ///   the answer is another block, it is so no longer.
    pub unsafe fn reallocate(
        &'static self,
        heap: &'static Heap,
        block: *mut u8,
        size: usize,
        align: Align,
    ) -> Result<*mut u8, BadFree> {
        let old = self.usable(block)?;
        if size > isize::MAX as usize {
            return Ok(null_mut());
        }
        let Some(span) = self.spans.lookup(block.addr()) else { return Err(BadFree::Foreign) };
        let in_place = match span.kind() {
            Kind::Slab => span.serves(size),
            // SAFETY: caller: the span's block is live and the caller's.
            Kind::Large => size > SLAB_MAX / 2 && unsafe { self.resize_large(span, size) },
            // SAFETY: as above.
            Kind::Huge => size > SLAB_MAX / 2 && unsafe { self.resize_in_mapping(span, size, align) },
            _ => false,
        };
        if in_place {
            return Ok(span_block(span, block));
        }
        if span.kind() == Kind::Large && old >= REMAP && size > old {
            // SAFETY: caller: as above.
            if let Some(moved) = unsafe { self.move_pages(span, size, align) } {
                return Ok(moved);
            }
        }
        let new = self.allocate_like(heap, size, align);
        if new.is_null() {
            return Ok(null_mut());
        }
        // SAFETY: both live, distinct, and at least this long.
        unsafe { bytes::copy(block, new, old.min(size)) };
        // SAFETY: caller: the block is ours to free.
        match unsafe { heap.push_local(block) } {
            LocalFree::Done => {}
            LocalFree::Attention(slab) => self.attend(heap, slab),
            // SAFETY: as above.
            LocalFree::Elsewhere => unsafe { self.free_elsewhere(heap, block) }?,
        }
        Ok(new)
    }

    fn allocate_like(&'static self, heap: &'static Heap, size: usize, align: Align) -> *mut u8 {
        if align.bytes() > 16 {
            return self.allocate_aligned(heap, size, align);
        }
        let small = if size <= SMALL_MAX { heap.pop_small(size) } else { null_mut() };
        if small.is_null() { self.allocate(heap, size) } else { small }
    }

    /// # Safety
    ///
    /// - The block of this large span is live and the caller's.
    unsafe fn resize_large(&self, span: SlabRef, size: usize) -> bool {
        let old = span.len();
        if size > old && self.spans.is_huge(size) && old >= REMAP {
            // On its way to a mapping that grows without copying.
            return false;
        }
        // SAFETY: caller.
        let done = unsafe { self.spans.resize(span, size) }.is_ok();
        if done {
            self.count_live(0, span.len() as i64 - old as i64);
        }
        // A refused shrink leaves a block that is long enough.
        done || size <= old
    }

    /// # Safety
    ///
    /// - The block of this huge span is live and the caller's.
    unsafe fn resize_in_mapping(&self, span: SlabRef, size: usize, align: Align) -> bool {
        let old = span.len();
        // SAFETY: caller.
        let done = unsafe { self.spans.resize_huge(span, size, align) }.is_ok();
        if done {
            self.count_live(0, span.len() as i64 - old as i64);
        }
        done || size <= old
    }

    /// Moves a large block by its pages to a longer span or to a mapping of its own.
    ///
    /// # Safety
    ///
    /// - The block of this large span is live and the caller's.
    unsafe fn move_pages(&self, span: SlabRef, size: usize, align: Align) -> Option<*mut u8> {
        let old = span.len();
        let target = if self.spans.is_huge(size) {
            if align.bytes() > heapwright_span::GRANULE {
                return None;
            }
            // SAFETY: caller.
            unsafe { self.spans.shift_to_huge(span, size) }.ok()?
        } else {
            let target = self.spans.take(size, align, Kind::Large, true).ok()?.span;
            // SAFETY: both spans are ours; the new one is longer, its contents are not needed.
            if unsafe { self.spans.shift(span, target) }.is_err() {
                // SAFETY: the new span is ours and unused.
                unsafe { self.spans.give(target) };
                return None;
            }
            target
        };
        self.count_live(0, target.len() as i64 - old as i64);
        // SAFETY: the contents have moved; nothing refers to the old span.
        unsafe { self.spans.give(span) };
        Some(target.start())
    }
}

/// The block after an operation in place: a mapping may have moved, a slab's block has not.
fn span_block(span: SlabRef, block: *mut u8) -> *mut u8 {
    if span.kind() == Kind::Huge { span.start() } else { block }
}

const _: () = assert!(block_size(class_of(64)) == 64);
