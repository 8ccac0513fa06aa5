//! A model of the heap beside the heap: every live block, where it is and what it must hold.
//!
//! A block is painted with a pattern of its own when it is born and compared when it is moved or dies: two blocks
//! that overlap, a realloc that loses bytes, an allocator that writes into live memory all show as a changed byte.
//!
//! # Invariants
//! I1  `live` is keyed by address; no two blocks overlap.
//! I2  The checked places of every live block hold the pattern of its seed.
//!
//! # Safety
//!
//! The model writes to the blocks it is told of; its callers vouch that these came from the allocator under test.

#![allow(unsafe_code)]

use crate::pattern;
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug)]
struct Block {
    start: *mut u8,
    size: usize,
    /// Bytes that nobody else may use: the size, or more when the allocator says so.
    extent: usize,
    seed: u64,
}

// SAFETY: the model reads and writes a block only when its user says that it is quiet.
unsafe impl Send for Block {}

/// See the module header. All checks panic with the block and what is wrong with it.
#[derive(Debug, Default)]
pub struct ShadowHeap {
    live: BTreeMap<usize, Block>,
    born: u64,
    bytes: usize,
    peak: usize,
}

impl ShadowHeap {
    /// A heap without blocks.
    #[must_use]
    pub fn new() -> ShadowHeap {
        ShadowHeap::default()
    }

    /// A block was handed out: it must be aligned and overlap no other; then it is painted. `usable` is what the
    /// allocator says about its extent (its size when it says nothing).
    ///
    /// # Safety
    ///
    /// - `block` is writable for `size` bytes as long as it lives.
    #[track_caller]
    pub unsafe fn born(&mut self, block: *mut u8, size: usize, align: usize, usable: usize) {
        let addr = block.addr();
        assert!(addr != 0, "a block of {size} bytes at NULL");
        assert!(addr.is_multiple_of(align), "block {addr:#x} of {size} bytes is not aligned to {align}");
        assert!(usable >= size, "block {addr:#x} of {size} bytes has only {usable} usable bytes");
        // A block of size zero has an address of its own too.
        let extent = usable.max(1);
        let end = addr.checked_add(extent).unwrap_or_else(|| panic!("block {addr:#x} wraps around"));
        if let Some((&other, near)) = self.live.range(..end).next_back() {
            assert!(
                other + near.extent <= addr,
                "block {addr:#x}..{end:#x} overlaps the live block {other:#x}..{:#x}",
                other + near.extent
            );
        }
        self.born += 1;
        let seed = self.born;
        // SAFETY: caller.
        unsafe { pattern::paint(block, size, seed) };
        self.live.insert(addr, Block { start: block, size, extent, seed });
        self.bytes += size;
        self.peak = self.peak.max(self.bytes);
    }

    /// As [`born`](Self::born), for a block that must read as zero.
    ///
    /// # Safety
    ///
    /// - As for [`born`](Self::born).
    #[track_caller]
    pub unsafe fn born_zeroed(&mut self, block: *mut u8, size: usize, align: usize, usable: usize) {
        assert!(!block.is_null(), "a block of {size} bytes at NULL");
        // SAFETY: caller.
        if let Some(at) = unsafe { pattern::first_nonzero(block, size) } {
            panic!("zeroed block {block:p} of {size} bytes is not zero at offset {at}");
        }
        // SAFETY: caller.
        unsafe { self.born(block, size, align, usable) };
    }

    /// The block is about to be freed: it must be live and unchanged.
    #[track_caller]
    pub fn dies(&mut self, block: *mut u8) {
        self.check(block);
        self.remove(block);
    }

    /// A realloc gave `new` for `old`: the contents up to the shorter size must have come along.
    ///
    /// # Safety
    ///
    /// - `new` is writable for `size` bytes as long as it lives.
    #[track_caller]
    pub unsafe fn moved(&mut self, old: *mut u8, new: *mut u8, size: usize, align: usize, usable: usize) {
        let block = self.remove(old);
        assert!(!new.is_null(), "block {old:p} moved to NULL");
        let kept = size.min(block.size);
        // SAFETY: caller.
        if let Some(at) = unsafe { pattern::first_change(new, block.size, kept, block.seed) } {
            panic!("realloc of {old:p} ({} bytes) to {new:p} ({size}) lost the byte at {at}", block.size);
        }
        // SAFETY: caller.
        unsafe { self.born(new, size, align, usable) };
    }

    /// The block must be live and unchanged.
    #[track_caller]
    pub fn check(&self, block: *mut u8) {
        let Some(it) = self.live.get(&block.addr()) else { panic!("{block:p} is not a live block") };
        // SAFETY: the caller of `born` vouched for the block while it lives.
        if let Some(at) = unsafe { pattern::first_change(it.start, it.size, it.size, it.seed) } {
            panic!("block {block:p} of {} bytes changed at offset {at}", it.size);
        }
    }

    /// Every block in `blocks` must be live and unchanged, and there must be no others.
    #[track_caller]
    pub fn check_all(&self, blocks: impl IntoIterator<Item = *mut u8>) {
        let mut seen = 0;
        for block in blocks {
            self.check(block);
            seen += 1;
        }
        assert_eq!(seen, self.live.len(), "the model and the test disagree on how many blocks live");
    }

    /// Requires that every block was freed.
    #[track_caller]
    pub fn finish(self) {
        let first = self.live.iter().next().map(|(addr, block)| (*addr, block.size));
        assert!(first.is_none(), "{} blocks were never freed, first {first:#x?}", self.live.len());
    }

    /// How many blocks live.
    #[must_use]
    pub fn blocks(&self) -> usize {
        self.live.len()
    }

    /// Their bytes, as asked for.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The most bytes that lived at a time.
    #[must_use]
    pub fn peak(&self) -> usize {
        self.peak
    }

    #[track_caller]
    fn remove(&mut self, block: *mut u8) -> Block {
        let Some(it) = self.live.remove(&block.addr()) else { panic!("{block:p} is not a live block") };
        self.bytes -= it.size;
        it
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[repr(align(64))]
    struct Room([u8; 4096]);

    fn room() -> Box<Room> {
        Box::new(Room([0; 4096]))
    }

    // SAFETY contract of the tests: `at` and `size` stay inside the room, which outlives the model.
    fn born(shadow: &mut ShadowHeap, room: &mut Room, at: usize, size: usize, align: usize) -> *mut u8 {
        let block = room.0[at..at + size].as_mut_ptr();
        // SAFETY: in the room.
        unsafe { shadow.born(block, size, align, size) };
        block
    }

    #[test]
    fn blocks_live_move_and_die() {
        let (mut shadow, mut room) = (ShadowHeap::new(), room());
        let a = born(&mut shadow, &mut room, 0, 100, 16);
        let base = room.0.as_mut_ptr();
        // SAFETY: in the room.
        let b = unsafe { base.add(1024) };
        // SAFETY: both in the room, disjoint.
        unsafe { std::ptr::copy_nonoverlapping(base, b, 100) };
        // SAFETY: in the room.
        unsafe { shadow.moved(a, b, 60, 16, 64) };
        assert_eq!((shadow.blocks(), shadow.bytes(), shadow.peak()), (1, 60, 100));
        shadow.check_all([b]);
        shadow.dies(b);
        shadow.finish();
    }

    #[test]
    #[should_panic(expected = "overlaps the live block")]
    fn an_overlap_from_below_is_noticed() {
        let (mut shadow, mut room) = (ShadowHeap::new(), room());
        born(&mut shadow, &mut room, 64, 64, 16);
        born(&mut shadow, &mut room, 32, 33, 16);
    }

    #[test]
    #[should_panic(expected = "overlaps the live block")]
    fn a_block_inside_another_is_noticed() {
        let (mut shadow, mut room) = (ShadowHeap::new(), room());
        born(&mut shadow, &mut room, 0, 256, 16);
        born(&mut shadow, &mut room, 64, 16, 16);
    }

    #[test]
    #[should_panic(expected = "is not aligned to 64")]
    fn a_misaligned_block_is_noticed() {
        born(&mut ShadowHeap::new(), &mut room(), 16, 16, 64);
    }

    #[test]
    #[should_panic(expected = "changed at offset 9")]
    fn a_write_into_a_live_block_is_noticed() {
        let (mut shadow, mut room) = (ShadowHeap::new(), room());
        let block = born(&mut shadow, &mut room, 0, 10, 1);
        room.0[9] ^= 1;
        shadow.dies(block);
    }

    #[test]
    #[should_panic(expected = "lost the byte at 0")]
    fn a_realloc_that_forgets_is_noticed() {
        let (mut shadow, mut room) = (ShadowHeap::new(), room());
        let a = born(&mut shadow, &mut room, 0, 100, 16);
        let b = room.0[1024..].as_mut_ptr();
        // SAFETY: in the room.
        unsafe { shadow.moved(a, b, 200, 16, 200) };
    }

    #[test]
    #[should_panic(expected = "is not zero at offset 3")]
    fn dirty_zeroed_memory_is_noticed() {
        let (mut shadow, mut room) = (ShadowHeap::new(), room());
        room.0[3] = 1;
        // SAFETY: in the room.
        unsafe { shadow.born_zeroed(room.0.as_mut_ptr(), 16, 16, 16) };
    }

    #[test]
    #[should_panic(expected = "is not a live block")]
    fn a_block_dies_once() {
        let (mut shadow, mut room) = (ShadowHeap::new(), room());
        let block = born(&mut shadow, &mut room, 0, 16, 16);
        shadow.dies(block);
        shadow.dies(block);
    }

    #[test]
    #[should_panic(expected = "1 blocks were never freed")]
    fn a_lost_block_is_noticed() {
        let (mut shadow, mut room) = (ShadowHeap::new(), room());
        born(&mut shadow, &mut room, 0, 16, 16);
        shadow.finish();
    }
}
