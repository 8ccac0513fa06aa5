//! A block from `malloc`, marked at birth and read at death.
//!
//! # Invariants
//! B1  `start` came from the allocator for `len` bytes and was not freed: a `Block` is its only owner.
//! B2  The first eight bytes (or all, if fewer) hold the mark, and every touched byte its lowest byte.
//!
//! # Safety
//! The blocks of the C face are raw pointers. They are read and written inside `len` only (B1).
#![allow(unsafe_code)]
// The workloads are about malloc itself.
#![allow(clippy::disallowed_methods)]

use std::ffi::c_void;
use std::ptr::NonNull;

/// Bytes between two touched bytes of a small block: one in each cache line.
const LINE: usize = 64;
/// From here on only each page is touched.
const SMALL: usize = 4096;

/// A live block.
pub struct Block {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: B1: the owner moves between threads with the value; the allocator's blocks belong to the process.
unsafe impl Send for Block {}

impl Block {
    /// A block of `len` bytes from `malloc`, marked `mark`, every cache line (of a large block, every page) written.
    pub fn new(len: usize, mark: u64) -> Self {
        let block = Self::bare(len);
        block.mark(mark);
        block
    }

    /// A block without a mark yet, for who times the call alone: [`Block::mark`] is next.
    pub fn bare(len: usize) -> Self {
        // SAFETY: malloc takes any size.
        Self::own(unsafe { libc::malloc(len.max(1)) }, len)
    }

    /// The same from `calloc`; the checksum of what was not zero comes with it.
    pub fn zeroed(len: usize, mark: u64) -> (Self, u64) {
        // SAFETY: calloc takes any sizes.
        let block = Self::own(unsafe { libc::calloc(len.max(1), 1) }, len);
        let mut dirt = u64::from(block.read() != 0);
        block.each(|byte| {
            // SAFETY: `each` hands out addresses inside the block (B1), which calloc has written.
            dirt += u64::from(unsafe { byte.read() });
        });
        block.mark(mark);
        (block, dirt)
    }

    /// A block at a multiple of `align`, a power of two and at least a word; one that is not counts as a wrong mark.
    pub fn aligned(len: usize, align: usize, mark: u64) -> Self {
        let mut place: *mut c_void = std::ptr::null_mut();
        // SAFETY: `place` is ours to write.
        let status = unsafe { libc::posix_memalign(&raw mut place, align, len.max(1)) };
        assert_eq!(status, 0, "posix_memalign({align}, {len})");
        let block = Self::own(place, len);
        block.mark(if block.start.addr().get().is_multiple_of(align) { mark } else { !mark });
        block
    }

    /// Makes it `len` bytes by `realloc`; the mark stays, if what was there is still there.
    pub fn resized(self, len: usize) -> Self {
        let (mark, old) = (self.read(), self.len);
        // SAFETY: B1; `self` is forgotten.
        let grown = unsafe { libc::realloc(self.start.as_ptr().cast(), len.max(1)) };
        std::mem::forget(self);
        let block = Self::own(grown, len);
        let mut kept = old < 8 || len < 8 || block.read() == mark;
        Self::offsets(old).filter(|offset| *offset < len).for_each(|offset| {
            // SAFETY: B1: below the length, and below the old one, so it was written.
            kept &= unsafe { block.start.add(offset).read() } == mark as u8;
        });
        block.mark(if kept { mark } else { !mark });
        block
    }

    /// Its length, as asked for.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Frees it. The value stands for the mark and the length as they were found.
    pub fn free(self) -> u64 {
        self.value()
    }

    /// What [`Block::free`] returns, while the block lives on: every byte that was written is read.
    pub fn value(&self) -> u64 {
        let mark = self.read();
        let mut sum = 0_u64;
        self.each(|byte| {
            // SAFETY: B1, B2.
            sum = sum.wrapping_mul(31).wrapping_add(u64::from(unsafe { byte.read() }));
        });
        weigh(mark ^ (sum << 20), self.len)
    }

    fn own(start: *mut c_void, len: usize) -> Self {
        let Some(start) = NonNull::new(start.cast::<u8>()) else {
            eprintln!("heapwright-load: no memory for {len} bytes; make the workload smaller with --size");
            std::process::exit(3);
        };
        Block { start, len }
    }

    /// Every touched byte behind the first eight.
    fn each(&self, mut visit: impl FnMut(NonNull<u8>)) {
        // SAFETY: B1: the offsets are below the length.
        Self::offsets(self.len).for_each(|offset| visit(unsafe { self.start.add(offset) }));
    }

    /// Where a block of `len` bytes is touched behind its first eight bytes: in every cache line (of a large block,
    /// in every page), and at its end.
    fn offsets(len: usize) -> impl Iterator<Item = usize> {
        let step = if len <= SMALL { LINE } else { SMALL };
        (8..len).step_by(step).chain((len > 8).then(|| len - 1))
    }

    /// Writes the mark, and touches the block.
    pub fn mark(&self, mark: u64) {
        let bytes = mark.to_le_bytes();
        self.each(|byte| {
            // SAFETY: B1.
            unsafe { byte.write(bytes[0]) };
        });
        // SAFETY: B1: at most the length.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.start.as_ptr(), self.len.min(8)) };
    }

    fn read(&self) -> u64 {
        let mut bytes = [0_u8; 8];
        // SAFETY: B1, B2.
        unsafe { std::ptr::copy_nonoverlapping(self.start.as_ptr(), bytes.as_mut_ptr(), self.len.min(8)) };
        u64::from_le_bytes(bytes)
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: B1: the only owner ends here.
        unsafe { libc::free(self.start.as_ptr().cast()) };
    }
}

/// A mark and a length as one number, well mixed, so that a sum of them notices any change (the finaliser of
/// splitmix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
pub fn weigh(mark: u64, len: usize) -> u64 {
    let mut x = mark.wrapping_add((len as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_remembers_its_mark() {
        for len in [0, 1, 7, 8, 9, 64, 65, 4096, 4097, 100_000] {
            assert_eq!(Block::new(len, 77).free(), Block::new(len, 77).free(), "{len}");
            if len >= 8 {
                assert_ne!(Block::new(len, 77).free(), Block::new(len, 78).free(), "{len}");
            }
        }
        assert_ne!(Block::new(64, 77).free(), Block::new(65, 77).free());
    }

    #[test]
    fn an_overwritten_block_is_noticed() {
        let (whole, torn, ended) = (Block::new(100, 5), Block::new(100, 5), Block::new(100, 5));
        // SAFETY: inside the blocks.
        unsafe { torn.start.write(9) };
        // SAFETY: inside the blocks.
        unsafe { ended.start.add(99).write(9) };
        let middle = Block::new(200, 5);
        // SAFETY: inside the block, where it was touched.
        unsafe { middle.start.add(8 + LINE).write(9) };
        assert_ne!(middle.free(), Block::new(200, 5).free());
        let expected = whole.free();
        assert_ne!(torn.free(), expected);
        assert_ne!(ended.free(), expected);
    }

    /// As an allocator would that copies only the beginning: the rest is torn between birth and resizing.
    #[test]
    fn a_lost_part_is_noticed_when_resizing() {
        let torn = Block::new(5000, 3);
        // SAFETY: inside the block, where it was touched.
        unsafe { torn.start.add(8 + SMALL).write(9) };
        assert_ne!(torn.resized(6000).free(), Block::new(5000, 3).resized(6000).free());
    }

    #[test]
    fn resizing_keeps_the_mark() {
        let plain = Block::new(5000, 3).free();
        assert_eq!(Block::new(50, 3).resized(5000).free(), plain);
        let (block, dirt) = Block::zeroed(5000, 3);
        assert_eq!((block.free(), dirt), (plain, 0));
        assert_eq!(Block::aligned(5000, 512, 3).free(), plain);
    }
}
