//! What every face shares: the statics, and the entry points as inlined functions.

/// Declares a face: a module with one runtime, one slot, and the allocator's functions over them.
///
/// ```text
/// heapwright_runtime::face! {
///     /// The process's allocator.
///     pub mod process, preset heapwright_runtime::engine::Fast, slot "heapwright_capi_slot"
/// }
/// ```
///
/// The slot is the name of a hidden assembly symbol: it carries the face and the version, so that two copies
/// in one program do not clash.
#[macro_export]
macro_rules! face {
    ($(#[$meta:meta])* $vis:vis mod $name:ident, preset $preset:ty, slot $slot:literal) => {
        $(#[$meta])*
        $vis mod $name {
            #![allow(unsafe_code, dead_code)]

            use ::core::ffi::c_void;
            use $crate::engine::{Heap, LocalFree};
            use $crate::engine::size_class::SMALL_MAX;
            use $crate::{Face, Runtime};

            /// This face.
            #[derive(Clone, Copy, Debug)]
            pub struct Here;

            static RUNTIME: Runtime<$preset, Here> = Runtime::new();
            static PLACEHOLDER: Heap = Heap::PLACEHOLDER;
            static LATE: Heap = Heap::PLACEHOLDER;

            $crate::slot!($slot, PLACEHOLDER);

            impl Face for Here {
                #[inline(always)]
                fn heap() -> &'static Heap {
                    // SAFETY: the slot holds the address of a static or of a heap, which live for ever.
                    unsafe { &*slot_get() }
                }
                fn set_heap(heap: &'static Heap) {
                    slot_set(heap);
                }
                fn placeholder() -> &'static Heap {
                    &PLACEHOLDER
                }
                fn late() -> &'static Heap {
                    &LATE
                }
                extern "C" fn thread_ends(_: *mut c_void) {
                    RUNTIME.thread_ends();
                }
                extern "C" fn before_fork() {
                    RUNTIME.before_fork();
                }
                extern "C" fn after_fork_in_parent() {
                    RUNTIME.after_fork_in_parent();
                }
                extern "C" fn after_fork_in_child() {
                    RUNTIME.after_fork_in_child();
                }
                extern "C" fn purge_forever(_: *mut c_void) -> *mut c_void {
                    RUNTIME.purge_forever()
                }
            }

            extern "C" fn start() {
                RUNTIME.start();
            }
            extern "C" fn end() {
                RUNTIME.end();
            }
            #[used]
            #[unsafe(link_section = ".init_array")]
            static START: extern "C" fn() = start;
            #[used]
            #[unsafe(link_section = ".fini_array")]
            static END: extern "C" fn() = end;

            /// A block of at least `size` bytes, aligned to 16; null when memory is out. Keeps `errno`.
            #[inline(always)]
            pub fn malloc(size: usize) -> *mut u8 {
                if size <= SMALL_MAX {
                    let block = Here::heap().pop_small(size);
                    if !block.is_null() {
                        return block;
                    }
                }
                RUNTIME.malloc_slow(size)
            }

            /// A block of at least `size` bytes that read as zero; null when memory is out.
            #[inline(always)]
            pub fn zeroed(size: usize) -> *mut u8 {
                if size <= SMALL_MAX {
                    let block = Here::heap().pop_small(size);
                    if !block.is_null() {
                        // SAFETY: a new block of at least `size` bytes.
                        unsafe { block.write_bytes(0, size) };
                        return block;
                    }
                }
                RUNTIME.zeroed_slow(size)
            }

            /// A block aligned to `align`, a power of two; null when it is none, or memory is out.
            #[inline]
            pub fn aligned(align: usize, size: usize) -> *mut u8 {
                if align <= 16 { malloc(size) } else { RUNTIME.aligned_slow(align, size) }
            }

            /// The same, reading as zero.
            #[inline]
            pub fn aligned_zeroed(align: usize, size: usize) -> *mut u8 {
                RUNTIME.aligned_zeroed(align, size)
            }

            /// Frees a block. Null is fine. Keeps `errno`.
            ///
            /// # Safety
            ///
            /// - `block` is null or a live block of this face, or the option `foreign` says what to do.
            #[inline(always)]
            pub unsafe fn free(block: *mut u8) {
                // SAFETY: caller.
                match unsafe { Here::heap().push_local(block) } {
                    LocalFree::Done => {}
                    LocalFree::Attention(slab) => RUNTIME.attend(slab),
                    // SAFETY: caller.
                    LocalFree::Elsewhere => unsafe { RUNTIME.free_slow(block) },
                }
            }

            /// Frees a block whose size the caller remembers.
            ///
            /// # Safety
            ///
            /// - As for [`free`]; `size` is what was asked for.
            #[inline(always)]
            pub unsafe fn free_sized(block: *mut u8, size: usize) {
                let _ = size;
                // SAFETY: caller.
                unsafe { free(block) }
            }

            /// Changes the size of a block, which keeps its contents; null when memory is out, and the block is
            /// then as it was. The result is aligned to 16.
            ///
            /// # Safety
            ///
            /// - `block` is a live block of this face; `size` is not zero.
            #[inline]
            pub unsafe fn realloc(block: *mut u8, size: usize) -> *mut u8 {
                // SAFETY: caller.
                unsafe { realloc_aligned(block, size, 16) }
            }

            /// The same for a block that is aligned to `align`, a power of two, and stays so.
            ///
            /// # Safety
            ///
            /// - As for [`realloc`].
            #[inline]
            pub unsafe fn realloc_aligned(block: *mut u8, size: usize, align: usize) -> *mut u8 {
                if Here::heap().keeps(block, size) {
                    return block;
                }
                // SAFETY: caller.
                unsafe { RUNTIME.realloc(block, size, align) }
            }

            /// The bytes of a block that the program may use; zero for null.
            ///
            /// # Safety
            ///
            /// - `block` is null or a live block of this face.
            #[inline]
            pub unsafe fn usable_size(block: *mut u8) -> usize {
                if block.is_null() { 0 } else { RUNTIME.usable_size(block) }
            }

            /// Returns all free memory to the operating system now; whether there was any.
            pub fn trim() -> bool {
                RUNTIME.trim()
            }

            /// A counter's value.
            pub fn counter(counter: $crate::base::counters::Counter) -> u64 {
                RUNTIME.counter(counter)
            }

            /// Makes the counters exact for what this thread has done.
            pub fn settle() {
                RUNTIME.settle();
            }

            /// Sets the size from which a block gets a mapping of its own, and stops its adaptation.
            pub fn set_huge_threshold(bytes: usize) -> bool {
                RUNTIME.set_huge_threshold(bytes)
            }

            /// The effective options with their provenance, as lines of text.
            pub fn describe(out: &mut dyn FnMut(&[u8])) {
                RUNTIME.describe(out);
            }

            /// The page size in bytes.
            pub fn page_size() -> usize {
                RUNTIME.page_size()
            }

        }
    };
}
