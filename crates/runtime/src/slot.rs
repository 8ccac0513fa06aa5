//! Thread → heap: one word of thread-local storage.
//!
//! Stable Rust has no thread-local of the initial-exec model, which a replacement malloc needs (a general one
//! calls `__tls_get_addr`, which may allocate). So the slot is defined in assembly: a word of `.tdata` that
//! starts as the address of the face's placeholder heap in every thread, read through `@GOTTPOFF`: one load
//! and one access relative to the thread pointer in a shared library; an executable's linker relaxes the load
//! to a constant. It is one word, so that a late `dlopen` still finds room in the static TLS block.
//! Where a loader refuses initial-exec (musl's `dlopen`, or a full static block), build with
//! `RUSTFLAGS="--cfg heapwright_general_dynamic"`: the slot is then found through a TLS descriptor, a call that keeps
//! all registers and costs a few instructions.
//! Source: U. Drepper, "ELF Handling For Thread-Local Storage", 4.1.6 and 5.5.
//!
//! # Safety
//!
//! The assembly reads and writes the slot of the calling thread and nothing else; what is stored is always
//! the address of a heap that lives for ever.

#![allow(unsafe_code)]

use core::ffi::c_void;
use heapwright_engine::Heap;

/// What a face supplies to its runtime.
pub trait Face: Sized + Send + Sync + 'static {
    /// The calling thread's heap: at first the placeholder.
    fn heap() -> &'static Heap;
    /// Changes it.
    fn set_heap(heap: &'static Heap);
    /// What a thread has before its first slow path.
    fn placeholder() -> &'static Heap;
    /// What a thread has after its heap has been given up.
    fn late() -> &'static Heap;
    /// Called by the C library when a thread ends.
    extern "C" fn thread_ends(_: *mut c_void);
    /// Called by the C library before a fork.
    extern "C" fn before_fork();
    /// Called by the C library after a fork, in the parent.
    extern "C" fn after_fork_in_parent();
    /// Called by the C library after a fork, in the child.
    extern "C" fn after_fork_in_child();
    /// The thread that purges what has aged.
    extern "C" fn purge_forever(_: *mut c_void) -> *mut c_void;
}

/// Defines a slot and its two accessors, for [`face!`](crate::face).
#[doc(hidden)]
#[macro_export]
macro_rules! slot {
    ($slot:literal, $placeholder:path) => {
        ::core::arch::global_asm!(
            concat!(".pushsection .tdata.", $slot, ",\"awT\",%progbits"),
            ".p2align 3",
            concat!(".globl ", $slot),
            concat!(".hidden ", $slot),
            concat!(".type ", $slot, ",%object"),
            concat!(".size ", $slot, ",8"),
            concat!($slot, ":"),
            ".quad {placeholder}",
            ".popsection",
            placeholder = sym $placeholder,
        );

        /// The slot's place in this thread.
        #[cfg(heapwright_general_dynamic)]
        #[inline(always)]
        fn slot_at() -> *mut *const $crate::engine::Heap {
            let offset: usize;
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the TLS descriptor's function keeps every register but the one it answers in.
            unsafe {
                ::core::arch::asm!(
                    concat!("lea rax, [rip + ", $slot, "@TLSDESC]"),
                    concat!("call qword ptr [rax + ", $slot, "@TLSCALL]"),
                    out("rax") offset,
                );
            }
            #[cfg(target_arch = "aarch64")]
            // SAFETY: as above; the link register is lost to the call.
            unsafe {
                ::core::arch::asm!(
                    concat!("adrp x0, :tlsdesc:", $slot),
                    concat!("ldr x1, [x0, :tlsdesc_lo12:", $slot, "]"),
                    concat!("add x0, x0, :tlsdesc_lo12:", $slot),
                    concat!(".tlsdesccall ", $slot),
                    "blr x1",
                    out("x0") offset,
                    out("x1") _,
                    out("lr") _,
                );
            }
            ($crate::base::thread::current() as *mut u8).wrapping_add(offset).cast()
        }

        #[cfg(heapwright_general_dynamic)]
        #[inline(always)]
        fn slot_get() -> *const $crate::engine::Heap {
            // SAFETY: this thread's slot.
            unsafe { *slot_at() }
        }

        #[cfg(heapwright_general_dynamic)]
        fn slot_set(heap: *const $crate::engine::Heap) {
            // SAFETY: this thread's slot.
            unsafe { *slot_at() = heap }
        }

        #[cfg(not(heapwright_general_dynamic))]
        #[inline(always)]
        fn slot_get() -> *const $crate::engine::Heap {
            let heap: *const $crate::engine::Heap;
            #[cfg(target_arch = "x86_64")]
            // SAFETY: reads this thread's slot.
            unsafe {
                ::core::arch::asm!(
                    concat!("mov {at}, qword ptr [rip + ", $slot, "@GOTTPOFF]"),
                    "mov {heap}, qword ptr fs:[{at}]",
                    at = out(reg) _,
                    heap = out(reg) heap,
                    options(nostack, preserves_flags, readonly, pure),
                );
            }
            #[cfg(target_arch = "aarch64")]
            // SAFETY: reads this thread's slot.
            unsafe {
                ::core::arch::asm!(
                    "mrs {heap}, tpidr_el0",
                    concat!("adrp {at}, :gottprel:", $slot),
                    concat!("ldr {at}, [{at}, :gottprel_lo12:", $slot, "]"),
                    "ldr {heap}, [{heap}, {at}]",
                    at = out(reg) _,
                    heap = out(reg) heap,
                    options(nostack, preserves_flags, readonly, pure),
                );
            }
            heap
        }

        #[cfg(not(heapwright_general_dynamic))]
        fn slot_set(heap: *const $crate::engine::Heap) {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: writes this thread's slot.
            unsafe {
                ::core::arch::asm!(
                    concat!("mov {at}, qword ptr [rip + ", $slot, "@GOTTPOFF]"),
                    "mov qword ptr fs:[{at}], {heap}",
                    at = out(reg) _,
                    heap = in(reg) heap,
                    options(nostack, preserves_flags),
                );
            }
            #[cfg(target_arch = "aarch64")]
            // SAFETY: writes this thread's slot.
            unsafe {
                ::core::arch::asm!(
                    "mrs {tp}, tpidr_el0",
                    concat!("adrp {at}, :gottprel:", $slot),
                    concat!("ldr {at}, [{at}, :gottprel_lo12:", $slot, "]"),
                    "str {heap}, [{tp}, {at}]",
                    at = out(reg) _,
                    tp = out(reg) _,
                    heap = in(reg) heap,
                    options(nostack, preserves_flags),
                );
            }
        }
    };
}
