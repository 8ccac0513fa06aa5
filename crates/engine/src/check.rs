//! Walks the heaps and slabs of an engine and names the invariant that does not hold.
//!
//! For tests: nobody may use the engine meanwhile, and it takes time in proportion to everything that lives.
//!
//! # Safety
//!
//! Follows the links of dead blocks (B1, R1, G1); those of a slab's are checked to lie in it before they are followed.

#![allow(unsafe_code)]

use crate::config::Config;
use crate::engine::Engine;
use crate::guests::GUESTS_MOST;
use crate::heap::Heap;
use crate::remote::{Block, Take};
use crate::size_class::{CLASSES, DIRECT, block_size, class_of};
use crate::slab::{Slab, SlabRef, State};
use core::ptr::eq;
use heapwright_base::sync::Ordering;
use heapwright_span::Kind;

/// What a walk has seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Census {
    /// Slabs with blocks.
    pub slabs: usize,
    /// Blocks that other threads have freed and the owner has not taken in; they count as live.
    pub remote: usize,
    /// Slabs that wait in a heap's notified list.
    pub notified: usize,
    /// Slabs that are current, in a list of partial ones, kept empty.
    lists: [usize; 3],
}

impl<C: Config> Engine<C> {
    /// Checks the back end, R1 to R3, B1 to B4, G1, G2, H2 and H3.
    ///
    /// # Panics
    ///
    /// - When an invariant does not hold; the message begins with its name.
    pub fn check(&'static self) -> Census {
        self.spans.check();
        let (mut listed, mut found) = (Census::default(), Census::default());
        self.for_each_heap(|heap| check_heap(heap, &mut listed));
        let mut marked = 0;
        self.spans.for_each(|slab| {
            if slab.kind() == Kind::Slab {
                check_slab(slab, &mut found);
                marked += usize::from(slab.shared.is_listed());
            }
        });
        assert_eq!(found.lists, listed.lists, "H3: current, partial and spare slabs, and those in lists");
        assert_eq!(marked, listed.notified, "R3: slabs marked as listed, and slabs in notified lists");
        Census { notified: marked, lists: [0; 3], ..found }
    }
}

fn check_heap(heap: &Heap, listed: &mut Census) {
    assert!(!heap.is_placeholder(), "H4: a placeholder is in the registry");
    for class in 0..CLASSES {
        let mut before = None;
        for slab in heap.bins[class].partial.iter() {
            check_owned(heap, slab, class, State::Partial);
            assert_eq!(slab.prev.get(), before, "H3: {slab:?} has a wrong link back");
            before = Some(slab);
            listed.lists[1] += 1;
        }
        assert_eq!(heap.bins[class].partial.last(), before, "H3: the list of class {class} ends elsewhere");
        if let Some(slab) = heap.current(class) {
            check_owned(heap, slab, class, State::Current);
            listed.lists[0] += 1;
        }
    }
    for index in 0..DIRECT {
        let class = class_of(index * 16);
        let serving = heap.direct[index].get();
        let guests = heap.guests[class].get();
        let right = serving == heap.bins[class].current.get() || guests.is_some_and(|it| it.0 == serving);
        assert!(right, "H2: entry {index}");
    }
    check_guests(heap);
    for slab in heap.spare.iter() {
        assert!(slab.state() == State::Spare && slab.owner().is_null(), "H3: {slab:?} is kept as empty");
        listed.lists[2] += 1;
    }
    assert_eq!(heap.spare.iter().count(), heap.spares.get() as usize, "H3: the number of empty slabs");
    let mut at = heap.shared.notified.first();
    // SAFETY: only descriptors are pushed on notified lists.
    while let Some(slab) = unsafe { SlabRef::from_ptr(at) } {
        assert!(slab.shared.is_listed() && !slab.owner().is_null(), "R3: {slab:?} is in a notified list");
        let orphaned = !heap.shared.state.is_owned();
        assert!(
            !orphaned || slab.shared.peek(slab.start()) == Take::Busy,
            "R3: {slab:?} waits for an orphan"
        );
        listed.notified += 1;
        at = slab.shared.next.load(Ordering::Relaxed);
    }
}

/// G1 and G2.
fn check_guests(heap: &Heap) {
    for (class, guests) in heap.guests.iter().enumerate() {
        let Some(guests) = guests.get() else { continue };
        assert_eq!(guests.0.class(), class, "G1: the class of a list");
        assert!(guests.0.hot.left.get().cast_signed() > 0, "G2: a list of class {class} waits for a look");
        let (mut at, mut len) = (guests.0.hot.free.get(), 0);
        while !at.is_null() {
            len += 1;
            assert!(len <= GUESTS_MOST, "G2: {len} guests of class {class}, or a ring");
            // SAFETY: G1: a dead block.
            at = unsafe { (*at).next.get() };
        }
    }
}

fn check_owned(heap: &Heap, slab: SlabRef, class: usize, state: State) {
    assert_eq!(slab.kind(), Kind::Slab, "H3: {slab:?} is no slab");
    assert_eq!((slab.class(), slab.state()), (class, state), "H3: {slab:?} is in the wrong list");
    assert!(eq(slab.owner(), heap), "H3: {slab:?} belongs to another heap");
}

fn check_slab(slab: SlabRef, found: &mut Census) {
    let state = slab.state();
    let place = match state {
        State::Current => Some(0),
        State::Partial => Some(1),
        State::Spare => Some(2),
        State::Full => None,
    };
    if let Some(place) = place {
        found.lists[place] += 1;
    }
    if state == State::Spare {
        return;
    }
    found.slabs += 1;
    assert!(!slab.owner().is_null(), "B4: {slab:?} has no owner");
    assert_eq!(slab.block(), block_size(slab.class()), "B4: the block size of {slab:?}");
    assert_eq!(slab.capacity() as usize, slab.len() / slab.block(), "B4: the capacity of {slab:?}");
    let carved = u32::from(slab.hot.carved.get());
    assert!(carved <= slab.capacity(), "B4: {slab:?} has carved {carved} blocks");
    let mut seen = [0; MARKS];
    let remote = match slab.shared.peek(slab.start()) {
        Take::Busy => panic!("R2: {slab:?} is being purged"),
        Take::Purged => {
            found.remote += carved as usize;
            assert_eq!(slab.live(), carved, "B2: {slab:?} was purged with dead blocks of its owner's");
            return;
        }
        Take::List { head, count } => {
            assert_eq!(walk(slab, head, carved, &mut seen), count, "R2: the remote list of {slab:?}");
            count
        }
    };
    let free = walk(slab, slab.hot.free.get(), carved, &mut seen);
    let live = slab.live();
    assert_eq!(live + free, carved, "B2, B3: {slab:?} is {state:?}: live and free");
    assert!(remote <= live, "R2: {slab:?} has {remote} remote blocks of {live}");
    found.remote += remote as usize;
}

/// The length of a list of dead blocks; each lies in the slab, is carved, and is in one list once.
fn walk(slab: SlabRef, head: *mut Block, carved: u32, seen: &mut [u64; MARKS]) -> u32 {
    let (mut at, mut len) = (head, 0);
    while !at.is_null() {
        let offset = at.addr().wrapping_sub(slab.start().addr());
        let index = offset / slab.block();
        assert!(slab.contains(at.addr()) && offset % slab.block() == 0, "B1: {at:p} in a list of {slab:?}");
        assert!(index < carved as usize, "B1: {at:p} in a list of {slab:?} was never carved");
        let mark = 1 << (index % 64);
        assert!(seen[index / 64] & mark == 0, "B1: {at:p} is twice in the lists of {slab:?}");
        seen[index / 64] |= mark;
        len += 1;
        // SAFETY: just checked: a block of this slab, dead by B1.
        at = unsafe { (*at).next.get() };
    }
    len
}

/// Words with a bit for each block of any slab.
const MARKS: usize = {
    let (mut most, mut class) = (0, 0);
    while class < CLASSES {
        let blocks = crate::size_class::slab_len(class) / block_size(class);
        most = if blocks > most { blocks } else { most };
        class += 1;
    }
    most.div_ceil(64)
};
