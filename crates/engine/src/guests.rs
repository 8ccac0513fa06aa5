//! Guests: dead blocks of other heaps' slabs that a heap keeps to hand out itself.
//!
//! A block that a thread frees and does not own could go home at once, which costs an atomic operation on a line
//! that its owner uses. Instead it stays here for a while, in a list of its size class. The list belongs to a descriptor
//! without a span, so that the fast path of malloc takes from it as from any slab; when it is long, its older part
//! goes home, as many blocks of one slab at a time as lie together.
//!
//! For its owner a guest is a live block. The counters say what is so: a guest is dead.
//!
//! The descriptor's fields serve as they do for a slab where they can (`free`, `class`, `block`, `reported`). Of the
//! others, `left` is the room that is left, `carved` what it is when the list is empty, `capacity` the number that came
//! since the list was last looked at, `base` what the first guest of another slab than the last one's costs of the room,
//! and `next` the slab of the last one.
//!
//! # Invariants
//! G1  A listed block is dead, lies in a slab of this class, and begins with its link.
//! G2  The list is looked at when `left` is used up: by one for each guest, by more for the first of a slab.
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
/// As many may be there whatever their size.
const LEAST: usize = 2;
/// The most slabs, roughly, that the guests of a heap which only sends them home belong to: each stays in use for them.
const SLABS: u32 = 4;

/// More are in no list.
pub(crate) const GUESTS_MOST: usize = MOST[1];

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
        let bound = bound(class, reused);
        hot.carved.set(bound as u16);
        hot.base.set(if reused { 1 } else { (bound / SLABS).max(1) });
        hot.left.set(bound);
        hot.capacity.set(0);
        Guests(descriptor)
    }

    /// Adds a dead block. Answers whether the list must be looked at: [`older`](Self::older), then
    /// [`settle`](Self::settle).
    ///
    /// # Safety
    ///
    /// - `block` is dead and lies in `slab`, which is of this class; nobody else knows of it.
    #[inline]
    pub(crate) unsafe fn push(self, block: *mut Block, slab: SlabRef) -> bool {
        let hot = &self.0.hot;
        // SAFETY: caller: dead, so its first word is ours.
        unsafe { (*block).next.set(hot.free.get()) };
        // A fork snapshot taken between the two stores must not see the new head with the old link.
        compiler_fence(Ordering::Release);
        hot.free.set(block);
        hot.capacity.set(hot.capacity.get().wrapping_add(1));
        let cost = if self.0.next.get() == Some(slab) { 1 } else { hot.base.get() };
        self.0.next.set(Some(slab));
        // In a child of fork the look that was due may never have come: below zero it is due still.
        let left = hot.left.get().wrapping_sub(cost);
        hot.left.set(left);
        left.cast_signed() <= 0
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
        let hot = &self.0.hot;
        let came = u32::from(hot.capacity.get()) + u32::from(hot.reported.get());
        if self.len() >= came { 0 } else { self.bound() / 2 }
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
        let frees = u64::from(hot.capacity.replace(0));
        hot.left.set(self.bound().saturating_sub(len).max(1));
        let live = i64::from(hot.reported.get()) - i64::from(len);
        hot.reported.set(len as u16);
        Settled { frees, live }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use core::cell::Cell;
    use heapwright_span::{Span, SpanRef};
    use std::boxed::Box;

    fn descriptor() -> SlabRef {
        SpanRef::from_static(Box::leak(Box::new(Span::IDLE)))
    }

    fn block() -> *mut Block {
        Box::leak(Box::new(Block { next: Cell::new(null_mut()) }))
    }

    #[test]
    fn a_look_that_never_came_stays_due() {
        let (guests, slab) = (Guests::open(descriptor(), 2, true), descriptor());
        // SAFETY: blocks of the test's own.
        let pushes = (1..1000).find(|_| unsafe { guests.push(block(), slab) }).expect("the list fills up");
        assert_eq!(pushes, bound(2, true));
        // A child of fork may find the list like this, the thread that was to look at it being gone.
        for _ in 0..3 {
            // SAFETY: as above.
            assert!(unsafe { guests.push(block(), slab) });
        }
        assert_eq!(guests.settle().frees, u64::from(pushes) + 3);
        // SAFETY: as above.
        assert!(unsafe { guests.push(block(), slab) }, "it is still full");
        assert!(!guests.older(0).is_null() && guests.is_empty());
        let _ = guests.settle();
        // SAFETY: as above.
        assert!(!unsafe { guests.push(block(), slab) });
    }

    #[test]
    fn guests_that_only_wait_are_of_few_slabs() {
        let guests = Guests::open(descriptor(), 2, false);
        // SAFETY: blocks of the test's own.
        let slabs =
            (1..100).find(|_| unsafe { guests.push(block(), descriptor()) }).expect("the list fills up");
        assert!(slabs <= SLABS, "{slabs} slabs stay in use for it");
    }
}
