//! A thread's heap, and the two paths that decide how fast everything is.
//!
//! `malloc` of a small size: one table load finds the current slab, one pop takes its first dead block.
//! `free`: one look at the page map finds the slab, one compare finds that it is ours, one push and one count
//! do the rest. Whatever is out of the ordinary shows as an empty list, a missing entry, another owner or a
//! count at zero, and is done elsewhere.
//!
//! There is no "initialised?" test: a thread begins with [`Heap::PLACEHOLDER`], an ordinary heap whose lists
//! are empty and whose page map covers nothing, so that every operation takes the slow path, where the
//! runtime gives the thread a heap of its own.
//!
//! # Invariants
//! H1  Only the thread that holds a heap (state `OWNED`, or by a borrow) touches anything but its atomics.
//! H2  Every entry of `direct` is the current slab of the class it stands for, or the list of its guests.
//! H3  A bin's current slab is in no list; its partial slabs are in its list; full ones in none.
//! H4  A placeholder is never written to.
//!
//! # Sharing
//! ```text
//! field     written by                       read by        order
//! notified  any thread (push), holder        holder         see `remote`
//! state     holder, borrower, adopter (CAS)  any thread     see `standing`
//! pending   any thread, holder               any thread     Relaxed: a hint
//! busy      holder                           a fork child   same thread's order, seen through fork
//! role      maker, adopter                   holder         its own
//! links     registry lock                    registry lock
//! ```
//!
//! # Safety
//!
//! The fast paths touch the hot part of slabs whose owner is this heap (B4).

#![allow(unsafe_code)]

use crate::guests::{GUEST_CLASSES, Guests};
use crate::remote::{Block, Notified};
use crate::size_class::{CLASSES, DIRECT, SMALL_MAX};
use crate::slab::{Blocks, Slab, SlabRef};
use crate::standing::Standing;
use core::cell::Cell;
use core::ptr::null_mut;
use core::sync::atomic::compiler_fence;
use heapwright_base::sync::{AtomicBool, AtomicUsize, Ordering};
use heapwright_span::page_map::{GRANULE_SHIFT, Near};
use heapwright_span::span::SpanList;
use heapwright_span::{Kind, Span, SpanRef};

/// The slab of nothing: what empty bins point to.
pub static NO_SLAB: Span<Blocks> = Span::IDLE;

/// The slabs of one size class in one heap.
pub struct Bin {
    /// Where blocks come from.
    pub(crate) current: Cell<SlabRef>,
    /// Slabs with dead blocks.
    pub(crate) partial: SpanList<Blocks>,
    /// Whether a slab has ever been full: the next will soon be, too.
    pub(crate) filled: Cell<bool>,
}

/// What a heap is there for. Constant once another thread knows of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    /// For threads that have none.
    Placeholder,
    /// For one of the first threads of the process, which take nothing out of the commons.
    Early,
    /// For a thread.
    Thread,
    /// For all of them: see `engine::commons`.
    Common,
}

/// A thread's heap.
#[repr(C, align(64))]
pub struct Heap {
    pub(crate) near: Near<Span<Blocks>>,
    pub(crate) direct: [Cell<SlabRef>; DIRECT],
    pub(crate) bins: [Bin; CLASSES],
    /// Empty slabs of the usual length, kept for reuse by any class.
    pub(crate) spare: SpanList<Blocks>,
    pub(crate) spares: Cell<u32>,
    pub(crate) counts: Counts,
    pub(crate) role: Cell<Role>,
    /// Dead blocks of other heaps' slabs, by class.
    pub(crate) guests: [Cell<Option<Guests>>; GUEST_CLASSES],
    /// Blocks of each class that this heap has had out of the commons.
    pub(crate) drawn: [Cell<u16>; CLASSES],
    /// A slow path is under way.
    pub(crate) busy: AtomicBool,
    pub(crate) shared: Shared,
}

/// What a heap has to tell the counters; told in batches, because they are shared.
pub(crate) struct Counts {
    pub(crate) frees: Cell<u64>,
    pub(crate) remote: Cell<u64>,
    pub(crate) live: Cell<i64>,
    pub(crate) bytes: Cell<i64>,
}

/// What other threads touch, on cache lines of its own.
#[repr(C, align(64))]
pub(crate) struct Shared {
    pub(crate) notified: Notified<Span<Blocks>>,
    /// Bytes of slabs that came back whole since the holder last looked.
    pub(crate) pending: AtomicUsize,
    pub(crate) state: Standing,
    pub(crate) next: Cell<*mut Heap>,
    pub(crate) next_orphan: Cell<*mut Heap>,
}

// SAFETY: H1: the cells are touched only by the holder; the links only under the registry lock.
unsafe impl Sync for Heap {}

/// How a free went on the fast path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LocalFree {
    /// Done.
    Done,
    /// Done, and the slab's count has run out: something must be done.
    Attention(SlabRef),
    /// Not a block of this heap's slabs, or not known.
    Elsewhere,
}

/// What became of a block that was to be a guest.
#[derive(Clone, Copy)]
pub enum GuestFree {
    /// It is one.
    Done,
    /// It is one, and the list is long: some should go home.
    Attention(Guests),
    /// It is none of ours, or no list is there yet.
    Refused,
}

/// Whether `heap` owns `slab`: a relaxed load and a compare.
#[inline(always)]
fn owned_by(slab: SlabRef, heap: &Heap) -> bool {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        // The compiler does not fold an atomic load into a compare; this is the one instruction of the fast path
        // that it cannot be brought to save.
        // SAFETY: one aligned load of the atomic, which is what a relaxed load is, and a jump.
        unsafe {
            core::arch::asm!(
                "cmp qword ptr [{slab} + {owner}], {heap}",
                "jne {other}",
                slab = in(reg) slab.as_ptr(),
                owner = const core::mem::offset_of!(Span<Blocks>, hot) + core::mem::offset_of!(crate::slab::Hot, owner),
                heap = in(reg) heap,
                other = label { return false },
                options(nostack, readonly),
            );
        }
        true
    }
    #[cfg(any(not(target_arch = "x86_64"), miri))]
    core::ptr::eq(slab.hot.owner.load(Ordering::Relaxed), heap)
}

impl Heap {
    const NONE: SlabRef = SpanRef::from_static(&NO_SLAB);

    /// What a thread begins with, and ends with.
    #[allow(clippy::declare_interior_mutable_const, reason = "a value to begin with; each use is a new one")]
    pub const PLACEHOLDER: Heap = Heap::empty(Near::NOTHING, Role::Placeholder);

    pub(crate) const fn empty(near: Near<Span<Blocks>>, role: Role) -> Heap {
        Heap {
            near,
            direct: [const { Cell::new(Heap::NONE) }; DIRECT],
            bins: [const {
                Bin { current: Cell::new(Heap::NONE), partial: SpanList::new(), filled: Cell::new(false) }
            }; CLASSES],
            spare: SpanList::new(),
            spares: Cell::new(0),
            counts: Counts {
                frees: Cell::new(0),
                remote: Cell::new(0),
                live: Cell::new(0),
                bytes: Cell::new(0),
            },
            role: Cell::new(role),
            guests: [const { Cell::new(None) }; GUEST_CLASSES],
            drawn: [const { Cell::new(0) }; CLASSES],
            busy: AtomicBool::new(false),
            shared: Shared {
                notified: Notified::new(),
                pending: AtomicUsize::new(0),
                state: Standing::new(),
                next: Cell::new(null_mut()),
                next_orphan: Cell::new(null_mut()),
            },
        }
    }

    /// Whether this is the heap of a thread that has none.
    #[inline]
    pub fn is_placeholder(&self) -> bool {
        self.role.get() == Role::Placeholder
    }

    /// Whether a slow path of it is under way.
    pub fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed)
    }

    /// The fast path of malloc: a dead block for `size`, at most [`SMALL_MAX`], or null.
    #[inline(always)]
    pub fn pop_small(&self, size: usize) -> *mut u8 {
        debug_assert!(size <= SMALL_MAX);
        // SAFETY: `size <= SMALL_MAX`, so the index is below DIRECT.
        let slab = unsafe { self.direct.get_unchecked((size + 15) >> 4) }.get();
        let block = slab.hot.free.get();
        if !block.is_null() {
            // SAFETY: B1: a listed block begins with its link.
            let next = unsafe { (*block).next.get() };
            slab.hot.free.set(next);
        }
        block.cast()
    }

    /// The same for any class: a dead block of the bin's current slab, or null.
    #[inline]
    pub fn pop(&self, class: usize) -> *mut u8 {
        self.bins.get(class).map_or(core::ptr::null_mut(), |bin| bin.current.get().pop().cast())
    }

    /// The span that the near table names for an address, if any.
    #[inline(always)]
    fn near_span(&self, addr: usize) -> Option<SlabRef> {
        let granule = addr.wrapping_sub(self.near.base) >> GRANULE_SHIFT;
        if granule >= self.near.len {
            return None;
        }
        // SAFETY: P2: the near table has `len` readable entries.
        let entry = unsafe { &*self.near.table.add(granule) };
        // Relaxed: the block's way to this thread carries what its slab's opener wrote; for a wild pointer
        // only atomics are read, and a descriptor always has them.
        // SAFETY: P1: entries come from `SpanRef::as_ptr`.
        unsafe { SlabRef::from_ptr(entry.load(Ordering::Relaxed)) }
    }

    /// Whether a live block of a slab, any heap's, serves for `size` bytes without being wasteful.
    #[inline]
    pub fn keeps(&self, block: *mut u8, size: usize) -> bool {
        let Some(slab) = self.near_span(block.addr()) else { return false };
        // The kind is asked first: the block's size means something for a slab only.
        slab.kind() == Kind::Slab && !slab.owner().is_null() && slab.serves(size)
    }

    /// The fast path of free: gives `block` back if it belongs to a slab of this heap.
    ///
    /// # Safety
    ///
    /// - If `block` lies in a slab of this heap, it is a live block of it.
    #[inline(always)]
    pub unsafe fn push_local(&self, block: *mut u8) -> LocalFree {
        let Some(slab) = self.near_span(block.addr()) else {
            return LocalFree::Elsewhere;
        };
        if !owned_by(slab, self) {
            return LocalFree::Elsewhere;
        }
        let block = block.cast::<Block>();
        // SAFETY: caller: a live block of this slab, so its first word is ours now.
        unsafe { (*block).next.set(slab.hot.free.get()) };
        // A fork snapshot taken between the two stores must not see the new head with the old link.
        compiler_fence(Ordering::Release);
        slab.hot.free.set(block);
        let left = slab.hot.left.get().wrapping_sub(1);
        slab.hot.left.set(left);
        if left == 0 { LocalFree::Attention(slab) } else { LocalFree::Done }
    }

    /// Keeps a block of another heap's slab as a guest, if its class has had guests before.
    ///
    /// # Safety
    ///
    /// - If `block` lies in a slab, it is a live block of it, the caller's to free, and the slab is another heap's.
    #[inline]
    pub unsafe fn push_guest(&self, block: *mut u8) -> GuestFree {
        // Inside a large block the map has no entry, so that a slab that is found is the block's.
        let Some(slab) = self.near_span(block.addr()) else { return GuestFree::Refused };
        // The kind is asked first: the class means something for a slab only.
        if slab.kind() != Kind::Slab || slab.owner().is_null() || !block.addr().is_multiple_of(16) {
            return GuestFree::Refused;
        }
        let Some(guests) = self.guests.get(slab.class()).and_then(Cell::get) else {
            return GuestFree::Refused;
        };
        // SAFETY: caller.
        if unsafe { guests.push(block.cast(), slab) } {
            GuestFree::Attention(guests)
        } else {
            GuestFree::Done
        }
    }

    /// The bin of a class. (Not by an index, which would bring a panic into the library.)
    #[inline]
    pub(crate) fn bin(&self, class: usize) -> &Bin {
        debug_assert!(class < CLASSES);
        self.bins.get(class).unwrap_or(&self.bins[CLASSES - 1])
    }

    /// Makes `slab` current in its bin and in the table (H2).
    pub(crate) fn set_current(&self, class: usize, slab: SlabRef) {
        self.bin(class).current.set(slab);
        self.serve(class, slab);
    }

    /// Lets the fast path take the blocks of this class from `slab`, or from what is no slab but has a list.
    pub(crate) fn serve(&self, class: usize, slab: SlabRef) {
        let last = crate::size_class::block_size(class) / 16;
        if last < DIRECT {
            let first = if class == 0 { 0 } else { crate::size_class::block_size(class - 1) / 16 + 1 };
            for entry in self.direct.get(first..=last).unwrap_or_default() {
                entry.set(slab);
            }
        }
    }

    /// Takes the current slab out, if there is one.
    pub(crate) fn clear_current(&self, class: usize) -> Option<SlabRef> {
        let slab = self.bin(class).current.get();
        if slab == Self::NONE {
            return None;
        }
        self.set_current(class, Self::NONE);
        Some(slab)
    }

    /// The current slab, if there is one.
    pub(crate) fn current(&self, class: usize) -> Option<SlabRef> {
        let slab = self.bin(class).current.get();
        (slab != Self::NONE).then_some(slab)
    }
}
