//! The C library's `errno`.
//!
//! # Safety
//!
//! `__errno_location` gives the calling thread's own variable, valid as long as the thread.

#![allow(unsafe_code)]

use core::ffi::{c_int, c_void};
use core::ptr::null_mut;

/// Sets the calling thread's `errno`.
pub fn set(code: c_int) {
    // SAFETY: module header.
    unsafe { *libc::__errno_location() = code }
}

/// Out of memory: `ENOMEM` and NULL. Cold, so that the code of the paths that succeed stays in one line.
#[cold]
#[inline(never)]
#[must_use]
pub fn no_memory() -> *mut c_void {
    set(libc::ENOMEM);
    null_mut()
}

/// A bad argument: `EINVAL` and NULL.
#[cold]
#[inline(never)]
#[must_use]
pub fn invalid() -> *mut c_void {
    set(libc::EINVAL);
    null_mut()
}
