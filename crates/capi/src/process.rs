//! What the C face needs of the floor below: one process's allocator, without names, `errno` or edges.
//!
//! # Safety
//!
//! The trait is unsafe to implement because the face hands its blocks to C unchecked.

#![allow(unsafe_code)]

use heapwright_base::counters::Counter;

/// One process's allocator. It has no values: there is one heap, reached from anywhere.
///
/// # Safety
///
/// - Blocks are disjoint, valid for the size asked for, and at least 8-byte aligned (16 from 16 bytes on).
/// - No function unwinds or changes `errno` on success.
pub unsafe trait Process {
    /// A block of `size` bytes; NULL and `ENOMEM` when memory is out or `size` exceeds `isize::MAX`: the face adds
    /// nothing to the call. Size 0 gives a unique block.
    fn malloc(size: usize) -> *mut u8;

    /// The same, every byte zero.
    fn zeroed(size: usize) -> *mut u8;

    /// The same, at a multiple of `align`, a power of two.
    fn aligned(align: usize, size: usize) -> *mut u8;

    /// The block `p` with a new size; NULL keeps the old block.
    ///
    /// # Safety
    ///
    /// - `p` is a live block of this process; `size` is not 0.
    unsafe fn realloc(p: *mut u8, size: usize) -> *mut u8;

    /// Takes a block back; keeps `errno`.
    ///
    /// # Safety
    ///
    /// - `p` is NULL or a live block of this process.
    unsafe fn free(p: *mut u8);

    /// Takes a block back whose size the caller knows; keeps `errno`.
    ///
    /// # Safety
    ///
    /// - `p` is NULL or a live block asked for with `size` and no alignment.
    unsafe fn free_sized(p: *mut u8, size: usize);

    /// Bytes of the block that may be used; 0 for NULL.
    ///
    /// # Safety
    ///
    /// - `p` is NULL or a live block of this process.
    unsafe fn usable_size(p: *mut u8) -> usize;

    /// Gives every free page back now; true if there were any.
    fn trim() -> bool;

    /// Makes the counters exact for what this thread has done.
    fn settle();

    /// A counter's value.
    fn counter(counter: Counter) -> u64;

    /// Sets the size from which a block gets a mapping of its own; true if accepted.
    fn set_huge_threshold(bytes: usize) -> bool;

    /// The effective options with their provenance, as lines of text.
    fn describe(out: &mut dyn FnMut(&[u8]));
}
