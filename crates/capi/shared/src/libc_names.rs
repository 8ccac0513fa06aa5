//! glibc's second names for the same functions.
//!
//! Libraries that wrap malloc call these to reach the C library's own; what they get must come from the heap that
//! `free` knows.
//!
//! # Safety
//!
//! Each function has the contract of its C namesake, which is the caller's promise; it is passed on as it is.

#![allow(unsafe_code)]

use core::ffi::c_void;

use heapwright_capi::{aligned, blocks};

use crate::Face;

/// [`malloc`](crate::c::malloc).
#[unsafe(no_mangle)]
pub extern "C" fn __libc_malloc(size: usize) -> *mut c_void {
    blocks::malloc::<Face>(size)
}

/// [`calloc`](crate::c::calloc).
#[unsafe(no_mangle)]
pub extern "C" fn __libc_calloc(count: usize, size: usize) -> *mut c_void {
    blocks::calloc::<Face>(count, size)
}

/// [`realloc`](crate::c::realloc).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __libc_realloc(p: *mut c_void, size: usize) -> *mut c_void {
    // SAFETY: module header.
    unsafe { blocks::realloc::<Face>(p, size) }
}

/// [`free`](crate::c::free).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __libc_free(p: *mut c_void) {
    // SAFETY: module header.
    unsafe { blocks::free::<Face>(p) }
}

/// [`memalign`](crate::c::memalign).
#[unsafe(no_mangle)]
pub extern "C" fn __libc_memalign(align: usize, size: usize) -> *mut c_void {
    aligned::memalign::<Face>(align, size)
}

/// [`valloc`](crate::c::valloc).
#[unsafe(no_mangle)]
pub extern "C" fn __libc_valloc(size: usize) -> *mut c_void {
    aligned::valloc::<Face>(size)
}

/// [`pvalloc`](crate::c::pvalloc).
#[unsafe(no_mangle)]
pub extern "C" fn __libc_pvalloc(size: usize) -> *mut c_void {
    aligned::pvalloc::<Face>(size)
}

/// [`reallocarray`](crate::c::reallocarray).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __libc_reallocarray(p: *mut c_void, count: usize, size: usize) -> *mut c_void {
    // SAFETY: module header.
    unsafe { blocks::reallocarray::<Face>(p, count, size) }
}
