//! Heapwright: a general-purpose memory allocator, fast, small, and honest about where memory goes.
//!
//! In a program, three lines:
//!
//! ```
//! use heapwright::Heapwright;
//!
//! #[global_allocator]
//! static GLOBAL: Heapwright = Heapwright;
//!
//! fn main() {
//!     let words: Vec<String> = (0..1000).map(|i| i.to_string()).collect();
//!     assert_eq!(words.len(), 1000);
//!     assert!(heapwright::count(heapwright::Counter::LiveBytes) > 0);
//! }
//! ```
//!
//! A binary sets the global allocator; a library never does. No C toolchain is needed, and the binary may be
//! linked statically against musl. Memory goes back to the operating system as the program frees; [`trim`]
//! returns all of it at once.
//!
//! # Limits
//!
//! Linux on x86-64 and aarch64. The allocator serves Rust code; C code in the same process keeps the C
//! library's `malloc` (use the shared library `libheapwright.so` to replace that too).

#![no_std]
#![warn(missing_docs)]
#![allow(unsafe_code)]

use core::alloc::{GlobalAlloc, Layout};

pub use heapwright_runtime::base::counters::Counter;

heapwright_runtime::face! {
    /// The allocator of the program that this crate is linked into.
    mod process, preset heapwright_runtime::engine::Fast, slot "heapwright_rust_slot_0_1_0"
}

/// The allocator, to be named in `#[global_allocator]`. It has no state of its own: all values are one heap.
///
/// # Errors
///
/// When memory is out, or a size with its alignment exceeds `isize::MAX` bytes, allocation answers null, as
/// [`GlobalAlloc`] says; the standard library then calls `handle_alloc_error`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Heapwright;

// SAFETY: the runtime hands out disjoint blocks of at least the size and alignment of the layout, keeps them
// until they are given back, and never unwinds. Blocks of 16 bytes and more are aligned to 16; smaller ones lie
// in slabs of 16-byte blocks.
unsafe impl GlobalAlloc for Heapwright {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= 16 {
            process::malloc(layout.size())
        } else {
            process::aligned(layout.align(), layout.size())
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: caller: a live block of this allocator with this layout.
        unsafe { process::free_sized(block, layout.size()) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= 16 {
            return process::zeroed(layout.size());
        }
        process::aligned_zeroed(layout.align(), layout.size())
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: caller: a live block of this allocator with this layout; `new_size` is not zero.
        unsafe { process::realloc_aligned(block, new_size, layout.align()) }
    }
}

/// Keeps the library that this crate is linked into loaded for good: its threads' ends are told to code in it,
/// and blocks outlive any handle. Nothing to do in a program.
extern "C" fn stay_loaded() {
    let mut here = core::mem::MaybeUninit::<libc::Dl_info>::zeroed();
    let me: extern "C" fn() = stay_loaded;
    // SAFETY: an address of our own and a place for the answer.
    if unsafe { libc::dladdr(me as *const core::ffi::c_void, here.as_mut_ptr()) } != 0 {
        // SAFETY: dladdr has filled it in, and zero is valid too.
        let name = unsafe { here.assume_init() }.dli_fname;
        // SAFETY: a C string of the loader's; an object that is loaded already is only marked.
        unsafe { libc::dlopen(name, libc::RTLD_NOW | libc::RTLD_NOLOAD | libc::RTLD_NODELETE) };
    }
}

#[used]
#[unsafe(link_section = ".init_array")]
static STAY_LOADED: extern "C" fn() = stay_loaded;

/// Returns all free memory to the operating system now; whether there was any.
///
/// ```
/// # #[global_allocator]
/// # static GLOBAL: heapwright::Heapwright = heapwright::Heapwright;
/// let big = vec![1u8; 8 << 20];
/// drop(big);
/// heapwright::trim();
/// assert_eq!(heapwright::count(heapwright::Counter::DirtyBytes), 0);
/// ```
pub fn trim() -> bool {
    process::trim()
}

/// A counter of this process, after what this thread has done has been counted in.
#[must_use]
pub fn count(counter: Counter) -> u64 {
    process::settle();
    process::counter(counter)
}

/// The bytes that may be used at `block`; at least what was asked for.
///
/// # Safety
///
/// - `block` is a live block of [`Heapwright`].
#[must_use]
pub unsafe fn usable_size(block: *mut u8) -> usize {
    // SAFETY: caller.
    unsafe { process::usable_size(block) }
}

/// Writes the effective options with their provenance, a line each; see `docs/options.md`.
pub fn describe(out: &mut dyn FnMut(&[u8])) {
    process::describe(out);
}
