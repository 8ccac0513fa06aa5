//! Heapwright's own API, `hw_*`: the source of `include/heapwright.h`.
//!
//! The documentation of each function is what a C programmer reads in the header, and is written for them.
//!
//! # Safety
//!
//! Pointers are the caller's promise; every contract is in the function's documentation.

#![allow(unsafe_code)]

use core::ffi::{CStr, c_char, c_void};
use core::ptr::null;

use heapwright_capi::{Process, aligned, blocks, errno, names};

use crate::Face;

/// Receives text: `length` bytes at `text`, not terminated, and the `context` that was passed along.
pub type HwWriter = Option<unsafe extern "C" fn(text: *const c_char, length: usize, context: *mut c_void)>;

/// A block of `size` bytes, or NULL with `errno` ENOMEM. Size 0 gives a unique block.
/// Blocks of this API and of malloc are of one heap: free() and hw_free() take both.
#[unsafe(no_mangle)]
pub extern "C" fn hw_malloc(size: usize) -> *mut c_void {
    blocks::malloc::<Face>(size)
}

/// A block of `count` times `size` zero bytes, or NULL with `errno` ENOMEM, also if the product overflows.
#[unsafe(no_mangle)]
pub extern "C" fn hw_calloc(count: usize, size: usize) -> *mut c_void {
    blocks::calloc::<Face>(count, size)
}

/// The block `p` with a new size, perhaps elsewhere; NULL with `errno` ENOMEM leaves the old block as it is.
/// A NULL `p` asks for a new block; a `size` of 0 frees `p` and gives NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hw_realloc(p: *mut c_void, size: usize) -> *mut c_void {
    // SAFETY: module header.
    unsafe { blocks::realloc::<Face>(p, size) }
}

/// A block of `size` bytes at a multiple of `align`, a power of two; NULL with `errno` EINVAL or ENOMEM.
/// Any size will do, a multiple of `align` or not.
#[unsafe(no_mangle)]
pub extern "C" fn hw_aligned_alloc(align: usize, size: usize) -> *mut c_void {
    if align.is_power_of_two() { aligned::memalign::<Face>(align, size) } else { errno::invalid() }
}

/// Gives a block back; NULL is fine. `errno` is kept.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hw_free(p: *mut c_void) {
    // SAFETY: module header.
    unsafe { blocks::free::<Face>(p) }
}

/// Gives a block back that was asked for with `size` and no alignment: faster where the size is known.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hw_free_sized(p: *mut c_void, size: usize) {
    // SAFETY: module header.
    unsafe { blocks::free_sized::<Face>(p, size) }
}

/// Bytes of the block that may be used, at least what was asked for; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hw_usable_size(p: *const c_void) -> usize {
    // SAFETY: module header; the block is looked up, not written.
    unsafe { blocks::usable_size::<Face>(p.cast_mut()) }
}

/// Gives every free page back to the operating system now; true if there were any.
#[unsafe(no_mangle)]
pub extern "C" fn hw_trim() -> bool {
    Face::trim()
}

/// Sets the size in bytes from which a block gets a mapping of its own; false if the size is refused.
#[unsafe(no_mangle)]
pub extern "C" fn hw_set_huge_threshold(bytes: usize) -> bool {
    Face::set_huge_threshold(bytes)
}

/// The library's version, as in "1.2.3".
#[unsafe(no_mangle)]
pub extern "C" fn hw_version() -> *const c_char {
    const VERSION: &CStr =
        match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
            Ok(version) => version,
            Err(_) => c"",
        };
    VERSION.as_ptr()
}

/// How many counters there are. Later versions only append.
#[unsafe(no_mangle)]
pub extern "C" fn hw_counter_count() -> usize {
    heapwright_base::counters::Counter::ALL.len()
}

/// The name of a counter, as in "live_bytes"; NULL if `index` is not below hw_counter_count().
#[unsafe(no_mangle)]
pub extern "C" fn hw_counter_name(index: usize) -> *const c_char {
    names::name_at(index).map_or(null(), CStr::as_ptr)
}

/// The value of a counter; 0 if `index` is not below hw_counter_count().
#[unsafe(no_mangle)]
pub extern "C" fn hw_counter_at(index: usize) -> u64 {
    names::counter_at(index).map_or(0, settled)
}

/// Stores the value of the counter called `name` in `value`; false if there is none, and `value` is kept.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hw_counter(name: *const c_char, value: *mut u64) -> bool {
    // SAFETY: module header: `name` is a C string.
    let Some(counter) = names::counter_named(unsafe { CStr::from_ptr(name) }) else { return false };
    // SAFETY: module header: `value` is valid for a write.
    unsafe { value.write(settled(counter)) };
    true
}

/// Writes the options in effect and where each came from, as lines of text, through `writer`,
/// which may not allocate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hw_describe(writer: HwWriter, context: *mut c_void) {
    let Some(write) = writer else { return };
    Face::describe(&mut |text: &[u8]| {
        // SAFETY: module header: `writer` takes any text and the caller's own context.
        unsafe { write(text.as_ptr().cast(), text.len(), context) };
    });
}

/// The counter with what this thread has done so far.
fn settled(counter: heapwright_base::counters::Counter) -> u64 {
    Face::settle();
    Face::counter(counter)
}
