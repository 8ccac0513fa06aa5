//! libheapwright: the Fast preset under the names that C and C++ programs call.
//!
//! One static process, and one line for each exported name. What the functions mean is said in
//! `heapwright-capi`; what the library exports is written down in `crates/capi/exports.txt` and compared with
//! the linked library by a test; what may change is in `docs/abi.md`.
//!
//! # Safety
//!
//! The exported functions are C's: pointers are the caller's promise, under the rules of the C and C++ standards.

#![no_std]
#![allow(unsafe_code)]

mod c;
mod cxx;
mod libc_names;
mod native;

heapwright_runtime::face! {
    /// The allocator of the process that this library is loaded into.
    pub mod process, preset heapwright_runtime::engine::Fast, slot "heapwright_capi_slot_0_1_0"
}

/// The process of this library, as the C face sees it.
enum Face {}

// SAFETY: the runtime gives disjoint blocks of at least the alignment asked for, does not unwind, and leaves
// `errno` to its faces.
unsafe impl heapwright_capi::Process for Face {
    #[inline(always)]
    fn malloc(size: usize) -> *mut u8 {
        process::malloc(size)
    }

    #[inline(always)]
    fn zeroed(size: usize) -> *mut u8 {
        process::zeroed(size)
    }

    #[inline(always)]
    fn aligned(align: usize, size: usize) -> *mut u8 {
        process::aligned(align, size)
    }

    #[inline(always)]
    unsafe fn realloc(p: *mut u8, size: usize) -> *mut u8 {
        // SAFETY: caller: a live block and a size that is not 0.
        unsafe { process::realloc(p, size) }
    }

    #[inline(always)]
    unsafe fn free(p: *mut u8) {
        // SAFETY: caller: NULL or a live block.
        unsafe { process::free(p) }
    }

    #[inline(always)]
    unsafe fn free_sized(p: *mut u8, size: usize) {
        // SAFETY: caller: NULL or a live block of that size.
        unsafe { process::free_sized(p, size) }
    }

    #[inline(always)]
    unsafe fn usable_size(p: *mut u8) -> usize {
        // SAFETY: caller: NULL or a live block.
        unsafe { process::usable_size(p) }
    }

    fn trim() -> bool {
        process::trim()
    }

    fn settle() {
        process::settle();
    }

    fn counter(counter: heapwright_base::counters::Counter) -> u64 {
        process::counter(counter)
    }

    fn set_huge_threshold(bytes: usize) -> bool {
        process::set_huge_threshold(bytes)
    }

    fn describe(out: &mut dyn FnMut(&[u8])) {
        process::describe(out);
    }
}

/// Nothing here is meant to panic; should it, nobody may unwind through a C program. (Not in a test build,
/// which nothing runs but which lints ask for: the test harness brings its own.)
#[cfg(not(test))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    const LINE: &[u8] =
        b"heapwright: internal error; please report it with the output of `heapwright doctor`\n";
    // SAFETY: the buffer is a constant.
    unsafe { libc::write(libc::STDERR_FILENO, LINE.as_ptr().cast(), LINE.len()) };
    // SAFETY: no contract.
    unsafe { libc::abort() }
}
