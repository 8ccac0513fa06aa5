//! Known bytes in memory: written to find out later who else wrote.
//!
//! Comparing goes through whole slices rather than byte by byte, which keeps the checks cheap under Miri too.
//!
//! # Safety
//!
//! Everything here takes a pointer that its caller vouches for: readable, or writable, for the length given.

#![allow(unsafe_code)]

use crate::rng::mix;

/// How much is compared at once.
const STEP: usize = 4096;

/// Fills `len` bytes with `byte`.
///
/// # Safety
///
/// - `start` is writable for `len` bytes.
pub unsafe fn fill(start: *mut u8, len: usize, byte: u8) {
    // SAFETY: caller.
    unsafe { start.write_bytes(byte, len) };
}

/// The offset of the first byte that is not `byte`.
///
/// # Safety
///
/// - `start` is readable for `len` bytes, and nobody writes them meanwhile.
pub unsafe fn first_other(start: *const u8, len: usize, byte: u8) -> Option<usize> {
    let want = [byte; STEP];
    // SAFETY: caller.
    let bytes = unsafe { std::slice::from_raw_parts(start, len) };
    bytes.chunks(STEP).enumerate().find_map(|(i, chunk)| {
        if chunk == &want[..chunk.len()] {
            return None;
        }
        chunk.iter().position(|&found| found != byte).map(|at| i * STEP + at)
    })
}

/// Writes the pattern of `seed` over the places of a block of `size` bytes that are checked.
///
/// # Safety
///
/// - `start` is writable for `size` bytes.
pub unsafe fn paint(start: *mut u8, size: usize, seed: u64) {
    each_place(size, |offset, len| {
        let mut buf = [0; STEP];
        expected(seed, offset, &mut buf[..len]);
        // SAFETY: caller; the place lies in the block.
        let place = unsafe { start.add(offset) };
        // SAFETY: as above; `buf` is ours.
        unsafe { std::ptr::copy_nonoverlapping(buf.as_ptr(), place, len) };
    });
}

/// The offset below `kept` of the first painted byte of a block of `size` bytes that has changed.
///
/// # Safety
///
/// - `start` is readable for `kept` bytes, and nobody writes them meanwhile.
pub unsafe fn first_change(start: *const u8, size: usize, kept: usize, seed: u64) -> Option<usize> {
    let mut change = None;
    each_place(size, |offset, len| {
        let len = len.min(kept.saturating_sub(offset));
        if change.is_some() || len == 0 {
            return;
        }
        let mut buf = [0; STEP];
        expected(seed, offset, &mut buf[..len]);
        // SAFETY: caller; the place lies below `kept`.
        let place = unsafe { start.add(offset) };
        // SAFETY: as above.
        let found = unsafe { std::slice::from_raw_parts(place, len) };
        if found != &buf[..len] {
            change = found.iter().zip(&buf).position(|(a, b)| a != b).map(|at| offset + at);
        }
    });
    change
}

/// The offset of the first checked byte of a block of `size` bytes that is not zero.
///
/// # Safety
///
/// - `start` is readable for `size` bytes, and nobody writes them meanwhile.
pub unsafe fn first_nonzero(start: *const u8, size: usize) -> Option<usize> {
    if size <= 64 * STEP {
        // SAFETY: caller.
        return unsafe { first_other(start, size, 0) };
    }
    let mut found = None;
    each_place(size, |offset, len| {
        if found.is_none() {
            // SAFETY: caller; the place lies in the block.
            let place = unsafe { start.add(offset) };
            // SAFETY: as above.
            found = unsafe { first_other(place, len, 0) }.map(|at| offset + at);
        }
    });
    found
}

/// Calls `visit` with the places (offset, length) that are painted: all of a small block; both ends and a
/// few bytes of every page of a big one.
fn each_place(size: usize, mut visit: impl FnMut(usize, usize)) {
    const WHOLE: usize = 8 * STEP;
    const END: usize = 256;
    if size <= WHOLE {
        for offset in (0..size).step_by(STEP) {
            visit(offset, STEP.min(size - offset));
        }
        return;
    }
    visit(0, END);
    for page in (STEP..size - STEP).step_by(STEP) {
        // A different place in each page, and across the boundary in some.
        visit(page + (mix(page as u64) as usize % STEP).min(STEP - 8), 16);
    }
    visit(size - END, END);
}

fn expected(seed: u64, offset: usize, out: &mut [u8]) {
    for (i, byte) in out.iter_mut().enumerate() {
        let at = (offset + i) as u64;
        *byte = (mix(seed ^ (at / 8)) >> (8 * (at % 8))) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_painted_block_is_unchanged_until_somebody_writes() {
        for size in [0, 1, 7, 4095, 4097, 40_000, 1 << 20] {
            let mut block = vec![0u8; size];
            // SAFETY: the vector is that long.
            unsafe { paint(block.as_mut_ptr(), size, 42) };
            // SAFETY: as above.
            assert_eq!(unsafe { first_change(block.as_ptr(), size, size, 42) }, None, "{size}");
            for spot in [0, size / 2, size.saturating_sub(1)] {
                if size <= 32_768 && size > 0 {
                    let was = block[spot];
                    block[spot] = !was;
                    // SAFETY: as above.
                    assert_eq!(unsafe { first_change(block.as_ptr(), size, size, 42) }, Some(spot));
                    block[spot] = was;
                }
            }
        }
    }

    #[test]
    fn a_lost_page_in_the_middle_of_a_big_block_shows() {
        let size = 1 << 20;
        let mut block = vec![0u8; size];
        // SAFETY: the vector is that long.
        unsafe { paint(block.as_mut_ptr(), size, 1) };
        block[300 * 1024..304 * 1024].fill(0);
        // SAFETY: as above.
        assert!(unsafe { first_change(block.as_ptr(), size, size, 1) }.is_some());
    }

    #[test]
    fn seeds_differ_and_bytes_are_found() {
        let mut block = vec![0u8; 64];
        // SAFETY: the vector is that long.
        unsafe { paint(block.as_mut_ptr(), 64, 1) };
        // SAFETY: as above.
        assert_eq!(unsafe { first_change(block.as_ptr(), 64, 64, 2) }, Some(0));
        block.fill(0);
        block[33] = 1;
        // SAFETY: as above.
        assert_eq!(unsafe { first_nonzero(block.as_ptr(), 64) }, Some(33));
    }
}
