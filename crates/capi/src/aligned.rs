//! The aligned interfaces and what each calls a valid alignment.
//!
//! | interface | an alignment that is not a power of two | 0 |
//! |---|---|---|
//! | `memalign`, `aligned_alloc` | rounded up to one, as glibc does | like `malloc` |
//! | `posix_memalign` | `EINVAL`, also if it is no multiple of a pointer's size | `EINVAL` |
//! | aligned `operator new` | a failure, left to the C++ runtime | a failure |
//!
//! # Safety
//!
//! Only `posix_memalign` writes through a pointer, which is the caller's promise; `sysconf` has no contract.

#![allow(unsafe_code)]

use core::ffi::{c_int, c_void};

use crate::blocks::{malloc, or_no_memory};
use crate::errno::{invalid, no_memory};
use crate::process::Process;

/// `memalign` and `aligned_alloc`.
#[must_use]
pub fn memalign<P: Process>(align: usize, size: usize) -> *mut c_void {
    match align.checked_next_power_of_two() {
        Some(align) if align <= EVERY_BLOCK => malloc::<P>(size),
        Some(align) => or_no_memory(P::aligned(align, size)),
        None => invalid(),
    }
}

/// `posix_memalign`: answers with the error code, leaves `errno` alone, and writes `out` on success only.
///
/// # Safety
///
/// - `out` is valid for a write.
#[must_use]
pub unsafe fn posix_memalign<P: Process>(out: *mut *mut c_void, align: usize, size: usize) -> c_int {
    if !align.is_power_of_two() || align < size_of::<*mut c_void>() {
        return libc::EINVAL;
    }
    let block = if align <= EVERY_BLOCK { P::malloc(size) } else { P::aligned(align, size) };
    if block.is_null() {
        return libc::ENOMEM;
    }
    // SAFETY: caller: `out` is valid for a write.
    unsafe { out.write(block.cast()) };
    0
}

/// `valloc`: at a page boundary.
#[must_use]
pub fn valloc<P: Process>(size: usize) -> *mut c_void {
    or_no_memory(P::aligned(page(), size))
}

/// `pvalloc`: whole pages at a page boundary.
#[must_use]
pub fn pvalloc<P: Process>(size: usize) -> *mut c_void {
    let page = page();
    match size.checked_next_multiple_of(page) {
        Some(size) => or_no_memory(P::aligned(page, size)),
        None => no_memory(),
    }
}

/// The block an aligned `operator new` asks for; NULL, without `errno`, for a failure or a bad alignment.
#[inline(always)]
#[must_use]
pub fn for_new<P: Process>(align: usize, size: usize) -> *mut u8 {
    if align.is_power_of_two() { P::aligned(align, size) } else { core::ptr::null_mut() }
}

/// The page size, read when asked for: one binary serves 4K, 16K and 64K kernels.
fn page() -> usize {
    // SAFETY: module header.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(page).ok().filter(|page| page.is_power_of_two()).unwrap_or(LARGEST_PAGE)
}

/// The alignment that every block has without being asked; see [`Process`].
const EVERY_BLOCK: usize = 8;

/// Right, if wasteful, wherever the C library does not know the page size.
const LARGEST_PAGE: usize = 65536;

#[cfg(test)]
mod tests {
    extern crate std;

    use core::ptr::null_mut;

    use super::*;
    use crate::blocks::{free, usable_size};
    use crate::fake::{Fake, errno_after};

    #[test]
    fn memalign_rounds_odd_alignments_up() {
        for (align, expected) in [(0, 1), (1, 1), (3, 4), (48, 64), (100, 128), (4097, 8192)] {
            let p = memalign::<Fake>(align, 10);
            assert!(!p.is_null());
            assert_eq!(p as usize % expected, 0, "alignment {align}");
            // SAFETY: `p` is live.
            unsafe { free::<Fake>(p) };
        }
    }

    #[test]
    fn memalign_refuses_what_no_power_of_two_covers() {
        let (p, errno) = errno_after(|| memalign::<Fake>(usize::MAX / 2 + 2, 1));
        assert!(p.is_null());
        assert_eq!(errno, libc::EINVAL);
        let (p, errno) = errno_after(|| memalign::<Fake>(usize::MAX / 2 + 1, 1));
        assert!(p.is_null());
        assert_eq!(errno, libc::ENOMEM);
    }

    #[test]
    fn posix_memalign_answers_and_leaves_errno_and_out_alone() {
        let mark = core::ptr::dangling_mut::<c_void>();
        for align in [0, 1, 2, 4, 12, 24, usize::MAX] {
            let mut out = mark;
            // SAFETY: `out` is a local.
            let (code, errno) = errno_after(|| unsafe { posix_memalign::<Fake>(&raw mut out, align, 8) });
            assert_eq!((code, errno, out), (libc::EINVAL, 0, mark), "alignment {align}");
        }
        let mut out = mark;
        // SAFETY: `out` is a local.
        let code = unsafe { posix_memalign::<Fake>(&raw mut out, 64, usize::MAX / 2) };
        assert_eq!((code, out), (libc::ENOMEM, mark));
    }

    #[test]
    fn pvalloc_gives_whole_pages() {
        let p = pvalloc::<Fake>(1);
        assert_eq!(p as usize % page(), 0);
        // SAFETY: `p` is live.
        assert!(unsafe { usable_size::<Fake>(p) } >= page());
        // SAFETY: `p` is live.
        unsafe { free::<Fake>(p) };
        let (p, errno) = errno_after(|| pvalloc::<Fake>(usize::MAX));
        assert_eq!((p, errno), (null_mut(), libc::ENOMEM));
    }

    #[test]
    fn new_refuses_odd_alignments_without_errno() {
        let (p, errno) = errno_after(|| for_new::<Fake>(24, 8));
        assert_eq!((p, errno), (null_mut(), 0));
    }
}
