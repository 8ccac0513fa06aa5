//! C++ `operator new` and `operator delete`, every form, under their Itanium names.
//!
//! `new` is assembly, so that no exception crosses a Rust frame: see `heapwright_capi::operators`.
//!
//! # Safety
//!
//! Each function has the contract of its C namesake, which is the caller's promise; it is passed on as it is.

#![allow(unsafe_code)]
#![allow(non_snake_case)]

use core::ffi::c_void;

use heapwright_capi::{aligned, blocks, operator_new};

use crate::{Face, process};

/// What the stubs without an alignment call: a block or NULL.
#[inline(never)]
extern "C" fn plain(size: usize) -> *mut u8 {
    process::malloc(size)
}

/// What the stubs with an alignment call.
#[inline(never)]
extern "C" fn at(size: usize, align: usize) -> *mut u8 {
    aligned::for_new::<Face>(align, size)
}

operator_new!(/// `operator new(size)`.
    _Znwm, New, plain);
operator_new!(/// `operator new[](size)`.
    _Znam, NewArray, plain);
operator_new!(/// `operator new(size, nothrow)`.
    _ZnwmRKSt9nothrow_t, NewNothrow, plain);
operator_new!(/// `operator new[](size, nothrow)`.
    _ZnamRKSt9nothrow_t, NewArrayNothrow, plain);
operator_new!(/// `operator new(size, align)`.
    _ZnwmSt11align_val_t, NewAligned, at);
operator_new!(/// `operator new[](size, align)`.
    _ZnamSt11align_val_t, NewArrayAligned, at);
operator_new!(/// `operator new(size, align, nothrow)`.
    _ZnwmSt11align_val_tRKSt9nothrow_t, NewAlignedNothrow, at);
operator_new!(/// `operator new[](size, align, nothrow)`.
    _ZnamSt11align_val_tRKSt9nothrow_t, NewArrayAlignedNothrow, at);

/// `operator delete(p)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _ZdlPv(p: *mut c_void) {
    // SAFETY: module header.
    unsafe { blocks::free::<Face>(p) }
}

/// `operator delete(p, size)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _ZdlPvm(p: *mut c_void, size: usize) {
    // SAFETY: module header.
    unsafe { blocks::free_sized::<Face>(p, size) }
}

/// `operator delete(p, nothrow)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _ZdlPvRKSt9nothrow_t(p: *mut c_void, _tag: *const c_void) {
    // SAFETY: module header.
    unsafe { blocks::free::<Face>(p) }
}

/// `operator delete(p, align)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _ZdlPvSt11align_val_t(p: *mut c_void, _align: usize) {
    // SAFETY: module header.
    unsafe { blocks::free::<Face>(p) }
}

/// `operator delete(p, size, align)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _ZdlPvmSt11align_val_t(p: *mut c_void, _size: usize, _align: usize) {
    // SAFETY: module header.
    unsafe { blocks::free::<Face>(p) }
}

/// `operator delete(p, align, nothrow)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _ZdlPvSt11align_val_tRKSt9nothrow_t(
    p: *mut c_void,
    _align: usize,
    _tag: *const c_void,
) {
    // SAFETY: module header.
    unsafe { blocks::free::<Face>(p) }
}

/// `operator delete[](p)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _ZdaPv(p: *mut c_void) {
    // SAFETY: module header.
    unsafe { blocks::free::<Face>(p) }
}

/// `operator delete[](p, size)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _ZdaPvm(p: *mut c_void, size: usize) {
    // SAFETY: module header.
    unsafe { blocks::free_sized::<Face>(p, size) }
}

/// `operator delete[](p, nothrow)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _ZdaPvRKSt9nothrow_t(p: *mut c_void, _tag: *const c_void) {
    // SAFETY: module header.
    unsafe { blocks::free::<Face>(p) }
}

/// `operator delete[](p, align)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _ZdaPvSt11align_val_t(p: *mut c_void, _align: usize) {
    // SAFETY: module header.
    unsafe { blocks::free::<Face>(p) }
}

/// `operator delete[](p, size, align)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _ZdaPvmSt11align_val_t(p: *mut c_void, _size: usize, _align: usize) {
    // SAFETY: module header.
    unsafe { blocks::free::<Face>(p) }
}

/// `operator delete[](p, align, nothrow)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _ZdaPvSt11align_val_tRKSt9nothrow_t(
    p: *mut c_void,
    _align: usize,
    _tag: *const c_void,
) {
    // SAFETY: module header.
    unsafe { blocks::free::<Face>(p) }
}
