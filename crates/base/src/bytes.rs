//! Fill, copy and duplicate: what `memoryset` and `memdup` live on.
//!
//! # Safety
//!
//! Thin names over the compiler's own memory routines; every contract is the caller's and is passed on.

#![allow(unsafe_code)]

/// Sets `len` bytes at `start` to `byte`.
///
/// # Safety
///
/// - `start` is valid for writes of `len` bytes.
#[inline]
pub unsafe fn fill(start: *mut u8, byte: u8, len: usize) {
    // SAFETY: caller: `start` is valid for `len` bytes.
    unsafe { start.write_bytes(byte, len) }
}

/// Copies `len` bytes from `from` to `to`, which do not overlap.
///
/// # Safety
///
/// - `from` is valid for reads and `to` for writes of `len` bytes.
/// - The two do not overlap.
#[inline]
pub unsafe fn copy(from: *const u8, to: *mut u8, len: usize) {
    // SAFETY: caller: both valid for `len` bytes, disjoint.
    unsafe { to.copy_from_nonoverlapping(from, len) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn fills_and_copies_exactly() {
        let mut a = [1u8; 8];
        let mut b = [2u8; 8];
        // SAFETY: both pointers come from arrays at least as long as the lengths.
        unsafe { super::fill(a.as_mut_ptr().add(2), 9, 3) };
        // SAFETY: as above, and the arrays are distinct.
        unsafe { super::copy(a.as_ptr(), b.as_mut_ptr(), 7) };
        assert_eq!(a, [1, 1, 9, 9, 9, 1, 1, 1]);
        assert_eq!(b, [1, 1, 9, 9, 9, 1, 1, 2]);
    }
}
