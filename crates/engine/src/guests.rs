//! Guests: dead blocks of other heaps' slabs that a heap keeps to hand out itself.
//!
//! A block that a thread frees and does not own could go home at once, which costs an atomic operation on a line
//! that its owner uses. Instead it stays here for a while, in a list of its size class. The list belongs to a descriptor
//! without a span, so that the fast path of malloc takes from it as from any slab; when it is long, its older part
//! goes home, as many blocks of one slab at a time as lie together.
//!
//! For its owner a guest is a live block. The counters say what is so: a guest is dead.
//!
//! # Invariants
//! G1  A listed block is dead, lies in a slab of this class, and begins with its link.
//! G2  `left` is at most what may still be pushed before the list is looked at.
//! G3  `reported` guests of this list are missing in the live counters.
//!
//! # Safety
//!
//! Writes and follows the links of dead blocks (G1).

#![allow(unsafe_code)]

use crate::remote::Block;
use crate::size_class::{SMALL_MAX, block_size, class_of};
use crate::slab::{Settled, SlabRef};
use core::ptr::null_mut;
use core::sync::atomic::{Ordering, compiler_fence};

/// Classes whose blocks may be guests: those of the fast path.
pub(crate) const GUEST_CLASSES: usize = class_of(SMALL_MAX) + 1;
/// The most guests of a class: of a heap that sends them home, and of one that hands them out again.
const MOST: [usize; 2] = [16, 128];
/// The most bytes of them, likewise.
const MOST_BYTES: [usize; 2] = [1024, 8192];
const LEAST: usize = 2;

/// How many guests of a class a heap keeps at most.
fn bound(class: usize, reused: bool) -> u32 {
    let reused = usize::from(reused);
    (MOST_BYTES[reused] / block_size(class).max(1)).clamp(LEAST, MOST[reused]) as u32
}

/// The guests of one class in one heap.
#[derive(Clone, Copy)]
pub struct Guests(pub(crate) SlabRef);

impl Guests {
    /// Makes the list of a descriptor that is nothing else. `reused`: the heap hands its guests out again.
    pub(crate) fn open(descriptor: SlabRef, class: usize, reused: bool) -> Self {
        let hot = &descriptor.hot;
        hot.class.set(class as u8);
        hot.block.set(block_size(class) as u32);
        hot.carved.set(bound(class, reused) as u16);
        hot.left.set(bound(class, reused));
        hot.armed.set(bound(class, reused));
        Guests(descriptor)
    }

    /// Adds a dead block. Answers whether the list must be looked at: [`older`](Self::older), then
    /// [`settle`](Self::settle).
    ///
    /// # Safety
    ///
    /// - `block` is dead and lies in a slab of this class; nobody else knows of it.
    #[inline]
    pub(crate) unsafe fn push(self, block: *mut Block) -> bool {
        let hot = &self.0.hot;
        // SAFETY: caller: dead, so its first word is ours.
        unsafe { (*block).next.set(hot.free.get()) };
        // A fork snapshot taken between the two stores must not see the new head with the old link.
        compiler_fence(Ordering::Release);
        hot.free.set(block);
        let left = hot.left.get() - 1;
        hot.left.set(left);
        left == 0
    }

    /// Takes one.
    pub(crate) fn pop(self) -> *mut Block {
        let hot = &self.0.hot;
        let block = hot.free.get();
        if !block.is_null() {
            // SAFETY: G1.
            hot.free.set(unsafe { (*block).next.get() });
        }
        block
    }

    /// Whether there is none.
    pub(crate) fn is_empty(self) -> bool {
        self.0.hot.free.get().is_null()
    }

    /// Cuts off all but the `keep` that came last.
    pub(crate) fn older(self, keep: u32) -> *mut Block {
        let hot = &self.0.hot;
        if keep == 0 {
            return hot.free.replace(null_mut());
        }
        let mut at = hot.free.get();
        for _ in 1..keep {
            if at.is_null() {
                return null_mut();
            }
            // SAFETY: G1.
            at = unsafe { (*at).next.get() };
        }
        // SAFETY: G1.
        unsafe { at.as_ref() }.map_or(null_mut(), |last| last.next.replace(null_mut()))
    }

    /// How many there may be.
    fn bound(self) -> u32 {
        u32::from(self.0.hot.carved.get())
    }

    /// How many should stay when the list has become long: none if all that came since the last look is still here,
    /// because then nobody takes any.
    pub(crate) fn worth_keeping(self) -> u32 {
        let came = self.0.hot.armed.get() - self.0.hot.left.get();
        if self.len() >= came + u32::from(self.0.hot.reported.get()) { 0 } else { self.bound() / 2 }
    }

    fn len(self) -> u32 {
        let mut len = 0;
        let mut at = self.0.hot.free.get();
        while !at.is_null() {
            len += 1;
            // SAFETY: G1.
            at = unsafe { (*at).next.get() };
        }
        len
    }

    /// Counts the list and what was pushed since the last time, and sets up for more (G2).
    pub(crate) fn settle(self) -> Settled {
        let hot = &self.0.hot;
        let len = self.len();
        let frees = u64::from(hot.armed.get() - hot.left.get());
        let room = self.bound().saturating_sub(len).max(1);
        hot.left.set(room);
        hot.armed.set(room);
        let live = i64::from(hot.reported.get()) - i64::from(len);
        hot.reported.set(len as u16);
        Settled { frees, live }
    }
}
