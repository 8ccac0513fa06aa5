//! rusty_alloc as a library to preload: the C and C++ names of allocation, each one call of `rusty_alloc::alloc`.
//!
//! # Safety
//!
//! The exports have the contracts of the C and C++ standards; each passes its own on.

use rusty_alloc::{alloc, os};
use std::ffi::{c_char, c_int, c_void};

/// Family and version, for the benchmark: the version is this package's, which is kept equal to rusty_alloc's.
#[unsafe(no_mangle)]
pub extern "C" fn heapwright_bench_peer() -> *const c_char {
    concat!("rusty_alloc ", env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// C's `malloc`.
#[unsafe(no_mangle)]
pub extern "C" fn malloc(size: usize) -> *mut c_void {
    alloc::malloc(size).cast()
}

/// C's `free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn free(block: *mut c_void) {
    // SAFETY: module header.
    unsafe { alloc::free_inline(block.cast()) }
}

/// C's `calloc`.
#[unsafe(no_mangle)]
pub extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
    alloc::calloc(count, size).cast()
}

/// C's `realloc`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realloc(block: *mut c_void, size: usize) -> *mut c_void {
    // SAFETY: module header.
    unsafe { alloc::realloc(block.cast(), size).cast() }
}

/// C's `reallocarray`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reallocarray(block: *mut c_void, count: usize, size: usize) -> *mut c_void {
    // SAFETY: module header.
    unsafe { alloc::reallocn(block.cast(), count, size).cast() }
}

/// C's `aligned_alloc`.
#[unsafe(no_mangle)]
pub extern "C" fn aligned_alloc(align: usize, size: usize) -> *mut c_void {
    alloc::malloc_aligned(size, align).cast()
}

/// C's `memalign`.
#[unsafe(no_mangle)]
pub extern "C" fn memalign(align: usize, size: usize) -> *mut c_void {
    alloc::malloc_aligned(size, align).cast()
}

/// C's `posix_memalign`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn posix_memalign(out: *mut *mut c_void, align: usize, size: usize) -> c_int {
    if !align.is_power_of_two() || align < size_of::<usize>() {
        return EINVAL;
    }
    let block = alloc::malloc_aligned(size, align);
    if block.is_null() {
        return ENOMEM;
    }
    // SAFETY: module header.
    unsafe { out.write(block.cast()) };
    0
}

/// C's `valloc`.
#[unsafe(no_mangle)]
pub extern "C" fn valloc(size: usize) -> *mut c_void {
    alloc::malloc_aligned(size, os::page_size()).cast()
}

/// C's `pvalloc`.
#[unsafe(no_mangle)]
pub extern "C" fn pvalloc(size: usize) -> *mut c_void {
    let page = os::page_size();
    size.checked_next_multiple_of(page)
        .map_or(std::ptr::null_mut(), |size| alloc::malloc_aligned(size, page).cast())
}

/// C's `malloc_usable_size`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn malloc_usable_size(block: *mut c_void) -> usize {
    // SAFETY: module header.
    unsafe { alloc::usable_size(block.cast()) }
}

/// A block for `operator new`, which has no other way to fail here than to end the process.
#[inline(always)]
fn new(block: *mut u8) -> *mut c_void {
    if block.is_null() {
        std::process::abort();
    }
    block.cast()
}

/// Operators `new` and `delete` under their mangled names, for one object and for arrays.
macro_rules! operators {
    ($($new:literal $new_nothrow:literal $new_aligned:literal
       $delete:literal $delete_sized:literal $delete_nothrow:literal $delete_aligned:literal $delete_both:literal;)*) => {
        $(const _: () = {
            #[unsafe(export_name = $new)]
            extern "C" fn plain(size: usize) -> *mut c_void {
                new(alloc::malloc(size))
            }
            #[unsafe(export_name = $new_nothrow)]
            extern "C" fn nothrow(size: usize, _: *const c_void) -> *mut c_void {
                alloc::malloc(size).cast()
            }
            #[unsafe(export_name = $new_aligned)]
            extern "C" fn aligned(size: usize, align: usize) -> *mut c_void {
                new(alloc::malloc_aligned(size, align))
            }
            #[unsafe(export_name = $delete)]
            unsafe extern "C" fn delete(block: *mut c_void) {
                // SAFETY: module header.
                unsafe { alloc::free_inline(block.cast()) }
            }
            #[unsafe(export_name = $delete_sized)]
            unsafe extern "C" fn delete_sized(block: *mut c_void, _: usize) {
                // SAFETY: module header.
                unsafe { alloc::free_inline(block.cast()) }
            }
            #[unsafe(export_name = $delete_nothrow)]
            unsafe extern "C" fn delete_nothrow(block: *mut c_void, _: *const c_void) {
                // SAFETY: module header.
                unsafe { alloc::free_inline(block.cast()) }
            }
            #[unsafe(export_name = $delete_aligned)]
            unsafe extern "C" fn delete_aligned(block: *mut c_void, _: usize) {
                // SAFETY: module header.
                unsafe { alloc::free_inline(block.cast()) }
            }
            #[unsafe(export_name = $delete_both)]
            unsafe extern "C" fn delete_both(block: *mut c_void, _: usize, _: usize) {
                // SAFETY: module header.
                unsafe { alloc::free_inline(block.cast()) }
            }
        };)*
    };
}

operators! {
    "_Znwm" "_ZnwmRKSt9nothrow_t" "_ZnwmSt11align_val_t"
    "_ZdlPv" "_ZdlPvm" "_ZdlPvRKSt9nothrow_t" "_ZdlPvSt11align_val_t" "_ZdlPvmSt11align_val_t";
    "_Znam" "_ZnamRKSt9nothrow_t" "_ZnamSt11align_val_t"
    "_ZdaPv" "_ZdaPvm" "_ZdaPvRKSt9nothrow_t" "_ZdaPvSt11align_val_t" "_ZdaPvmSt11align_val_t";
}

/// "Invalid argument", the same number on every Linux.
const EINVAL: c_int = 22;

/// "Out of memory", the same number on every Linux.
const ENOMEM: c_int = 12;
