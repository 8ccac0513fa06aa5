//! `malloc`, `calloc`, `realloc`, `free` and their kin, with glibc's meaning where the standards leave room.
//!
//! - Size 0 gives a unique block that can be freed.
//! - A request that fails sets `ENOMEM`, a product that overflows included, and changes nothing else.
//! - `realloc(p, 0)` frees `p` and gives NULL; `realloc(NULL, n)` is `malloc(n)`.
//! - Frees keep `errno`.
//!
//! # Safety
//!
//! Every block pointer is the caller's promise, passed on unchanged to the process.

#![allow(unsafe_code)]

use core::ffi::c_void;
use core::ptr::null_mut;

use crate::errno::no_memory;
use crate::process::Process;

/// Turns a block or NULL into what C expects: NULL comes with `ENOMEM`.
#[inline(always)]
pub(crate) fn or_no_memory(block: *mut u8) -> *mut c_void {
    if block.is_null() { no_memory() } else { block.cast() }
}

/// `malloc`.
#[inline(always)]
#[must_use]
pub fn malloc<P: Process>(size: usize) -> *mut c_void {
    P::malloc(size).cast()
}

/// `calloc`: overflow of the product is a failure like any other.
#[inline(always)]
#[must_use]
pub fn calloc<P: Process>(count: usize, size: usize) -> *mut c_void {
    match count.checked_mul(size) {
        Some(bytes) => P::zeroed(bytes).cast(),
        None => no_memory(),
    }
}

/// `realloc`.
///
/// # Safety
///
/// - `p` is NULL or a live block of the process.
#[inline(always)]
#[must_use]
pub unsafe fn realloc<P: Process>(p: *mut c_void, size: usize) -> *mut c_void {
    if p.is_null() {
        return malloc::<P>(size);
    }
    if size == 0 {
        // SAFETY: caller: `p` is a live block.
        unsafe { P::free(p.cast()) };
        return null_mut();
    }
    // SAFETY: caller: `p` is a live block; `size` is not 0.
    or_no_memory(unsafe { P::realloc(p.cast(), size) })
}

/// `reallocarray`: `realloc` with the overflow check of `calloc`.
///
/// # Safety
///
/// - `p` is NULL or a live block of the process.
#[must_use]
pub unsafe fn reallocarray<P: Process>(p: *mut c_void, count: usize, size: usize) -> *mut c_void {
    match count.checked_mul(size) {
        // SAFETY: caller: as `realloc` asks.
        Some(bytes) => unsafe { realloc::<P>(p, bytes) },
        None => no_memory(),
    }
}

/// `free`.
///
/// # Safety
///
/// - `p` is NULL or a live block of the process.
#[inline(always)]
pub unsafe fn free<P: Process>(p: *mut c_void) {
    // SAFETY: caller: NULL or a live block.
    unsafe { P::free(p.cast()) }
}

/// `free_sized` and the sized deletes.
///
/// # Safety
///
/// - `p` is NULL or a live block asked for with `size` and no alignment.
#[inline(always)]
pub unsafe fn free_sized<P: Process>(p: *mut c_void, size: usize) {
    // SAFETY: caller: NULL or a live block of that size.
    unsafe { P::free_sized(p.cast(), size) }
}

/// `malloc_usable_size`.
///
/// # Safety
///
/// - `p` is NULL or a live block of the process.
#[must_use]
pub unsafe fn usable_size<P: Process>(p: *mut c_void) -> usize {
    // SAFETY: caller: NULL or a live block.
    unsafe { P::usable_size(p.cast()) }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use crate::fake::{Fake, errno_after};

    #[test]
    fn a_failure_is_null_with_enomem() {
        let (p, errno) = errno_after(|| malloc::<Fake>(usize::MAX));
        assert!(p.is_null());
        assert_eq!(errno, libc::ENOMEM);
        let (p, errno) = errno_after(|| calloc::<Fake>(usize::MAX / 2, 3));
        assert!(p.is_null());
        assert_eq!(errno, libc::ENOMEM);
    }

    #[test]
    fn success_leaves_errno_alone() {
        let (p, errno) = errno_after(|| malloc::<Fake>(100));
        assert!(!p.is_null());
        assert_eq!(errno, 0);
        // SAFETY: `p` was just allocated.
        unsafe { free::<Fake>(p) };
    }

    #[test]
    fn realloc_to_zero_frees_and_a_refused_realloc_keeps() {
        let p = malloc::<Fake>(10);
        let live = Fake::live();
        // SAFETY: `p` is live in both calls; the first keeps it.
        let (q, errno) = errno_after(|| unsafe { realloc::<Fake>(p, usize::MAX) });
        assert!(q.is_null());
        assert_eq!(errno, libc::ENOMEM);
        assert_eq!(Fake::live(), live);
        // SAFETY: `p` is still live.
        let (q, errno) = errno_after(|| unsafe { realloc::<Fake>(p, 0) });
        assert!(q.is_null());
        assert_eq!(errno, 0);
        assert_eq!(Fake::live(), live - 1);
    }

    #[test]
    fn reallocarray_checks_its_product() {
        // SAFETY: NULL asks for a new block.
        let (p, errno) = errno_after(|| unsafe { reallocarray::<Fake>(null_mut(), usize::MAX, 2) });
        assert!(p.is_null());
        assert_eq!(errno, libc::ENOMEM);
        // SAFETY: NULL asks for a new block.
        let p = unsafe { reallocarray::<Fake>(null_mut(), 3, 5) };
        // SAFETY: `p` is live.
        assert!(unsafe { usable_size::<Fake>(p) } >= 15);
        // SAFETY: `p` is live.
        unsafe { free::<Fake>(p) };
    }
}
