//! `malloc` and its family, as C, POSIX and glibc name them.
//!
//! # Safety
//!
//! Each function has the contract of its C namesake, which is the caller's promise; it is passed on as it is.

#![allow(unsafe_code)]

use core::ffi::{c_int, c_void};

use heapwright_capi::{aligned, blocks, report, tuning};

use crate::Face;

/// C `malloc`.
#[unsafe(no_mangle)]
pub extern "C" fn malloc(size: usize) -> *mut c_void {
    blocks::malloc::<Face>(size)
}

/// C `calloc`.
#[unsafe(no_mangle)]
pub extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
    blocks::calloc::<Face>(count, size)
}

/// C `realloc`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realloc(p: *mut c_void, size: usize) -> *mut c_void {
    // SAFETY: module header.
    unsafe { blocks::realloc::<Face>(p, size) }
}

/// glibc and BSD `reallocarray`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reallocarray(p: *mut c_void, count: usize, size: usize) -> *mut c_void {
    // SAFETY: module header.
    unsafe { blocks::reallocarray::<Face>(p, count, size) }
}

/// C `free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn free(p: *mut c_void) {
    // SAFETY: module header.
    unsafe { blocks::free::<Face>(p) }
}

/// `cfree`: old programs call it for what `calloc` gave.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cfree(p: *mut c_void) {
    // SAFETY: module header.
    unsafe { blocks::free::<Face>(p) }
}

/// C23 `free_sized`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn free_sized(p: *mut c_void, size: usize) {
    // SAFETY: module header.
    unsafe { blocks::free_sized::<Face>(p, size) }
}

/// C23 `free_aligned_sized`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn free_aligned_sized(p: *mut c_void, _align: usize, _size: usize) {
    // SAFETY: module header.
    unsafe { blocks::free::<Face>(p) }
}

/// C11 `aligned_alloc`.
#[unsafe(no_mangle)]
pub extern "C" fn aligned_alloc(align: usize, size: usize) -> *mut c_void {
    aligned::memalign::<Face>(align, size)
}

/// `memalign`.
#[unsafe(no_mangle)]
pub extern "C" fn memalign(align: usize, size: usize) -> *mut c_void {
    aligned::memalign::<Face>(align, size)
}

/// POSIX `posix_memalign`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn posix_memalign(out: *mut *mut c_void, align: usize, size: usize) -> c_int {
    // SAFETY: module header.
    unsafe { aligned::posix_memalign::<Face>(out, align, size) }
}

/// `valloc`.
#[unsafe(no_mangle)]
pub extern "C" fn valloc(size: usize) -> *mut c_void {
    aligned::valloc::<Face>(size)
}

/// `pvalloc`.
#[unsafe(no_mangle)]
pub extern "C" fn pvalloc(size: usize) -> *mut c_void {
    aligned::pvalloc::<Face>(size)
}

/// glibc `malloc_usable_size`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn malloc_usable_size(p: *mut c_void) -> usize {
    // SAFETY: module header.
    unsafe { blocks::usable_size::<Face>(p) }
}

/// glibc `malloc_trim`: everything that is free goes back, whatever is to be kept.
#[unsafe(no_mangle)]
pub extern "C" fn malloc_trim(_keep: usize) -> c_int {
    c_int::from(<Face as heapwright_capi::Process>::trim())
}

/// glibc `malloc_stats`.
#[unsafe(no_mangle)]
pub extern "C" fn malloc_stats() {
    report::malloc_stats::<Face>();
}

/// glibc `malloc_info`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn malloc_info(options: c_int, stream: *mut libc::FILE) -> c_int {
    // SAFETY: module header.
    unsafe { report::malloc_info::<Face>(options, stream) }
}

/// glibc `mallinfo`.
#[unsafe(no_mangle)]
pub extern "C" fn mallinfo() -> report::Mallinfo {
    report::mallinfo::<Face>()
}

/// glibc `mallinfo2`.
#[unsafe(no_mangle)]
pub extern "C" fn mallinfo2() -> report::Mallinfo2 {
    report::mallinfo2::<Face>()
}

/// glibc `mallopt`.
#[unsafe(no_mangle)]
pub extern "C" fn mallopt(parameter: c_int, value: c_int) -> c_int {
    tuning::mallopt::<Face>(parameter, value)
}
