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

heapwright_base::unhosted! {
    /// Nothing here is meant to panic; should it, nobody may unwind through a C program. (Not in a test build,
    /// which nothing runs but which lints ask for: the test harness brings its own.)
    #[cfg(not(test))]
    #[panic_handler]
    fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
        let mut line = heapwright_base::Line::new();
        line.text("heapwright: internal error");
        if let Some(place) = info.location() {
            line.text(" at ").text(place.file()).text(":").decimal(place.line().into());
        }
        line.text("; please report it with the output of `heapwright doctor`\n");
        let text = line.as_bytes();
        // SAFETY: the buffer is a slice.
        unsafe { libc::write(libc::STDERR_FILENO, text.as_ptr().cast(), text.len()) };
        // SAFETY: no contract.
        unsafe { libc::abort() }
    }

    // The compiled `core` names Rust's unwinding routine in its tables, which a build without link-time
    // optimisation keeps. Nothing unwinds here; weak and hidden, so that a Rust program around the archive keeps
    // its own.
    #[cfg(not(test))]
    core::arch::global_asm!(
        ".weak rust_eh_personality",
        ".hidden rust_eh_personality",
        ".type rust_eh_personality, %function",
        "rust_eh_personality:",
        ".4byte 0", // never executed: only an unwinder would
        ".size rust_eh_personality, 4",
    );
}
