//! A slab: a span cut into blocks of one size, and the count that tells when to look at it.
//!
//! Blocks are carved from the slab's start, a page at a time, so that a page is touched only when its blocks
//! are needed. Dead blocks are linked through themselves, last in first out. The hot path keeps one count,
//! `left`: the frees until something must be done. What must be done depends on the state:
//!
//! ```text
//!            list empty,               `left` frees              `left` frees
//!   Current ───nothing to carve──▶ Full ───────────▶ Partial ─────────────────▶ (empty: released)
//!      ▲                                                │
//!      └────────────────────────────────────────────────┘  chosen by a refill
//! ```
//!
//! Allocation counts nothing: while a slab is current, its list is consumed by its owner alone, and when the
//! list is empty every carved block is live. The number of allocations follows from the frees.
//!
//! # Invariants
//! B1  A listed block is dead, inside the slab, and begins with its link.
//! B2  Full, Partial: live = base + left, where blocks in the remote list count as live.
//! B3  Current: live = carved − |free|, where blocks in the remote list count as live.
//! B4  Only the owner touches the hot part. `block`, `class` and `capacity` are constant while a block lives,
//!     so that whoever holds a live block may read them.
//! B5  `reported` blocks of this slab are in the live counters.
//!
//! # Safety
//!
//! Carving and collecting write links into dead blocks (B1).

#![allow(unsafe_code)]

use crate::heap::Heap;
use crate::remote::{Block, Remote, Take};
use crate::size_class::{block_size, slab_len};
use core::cell::Cell;
use core::ptr::null_mut;
use heapwright_base::sync::{AtomicPtr, Ordering};
use heapwright_span::{GRANULE, Payload, Span, SpanRef};

/// What a slab is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Nothing: not a slab, or an empty one kept for reuse.
    Spare,
    /// Its bin takes blocks from it.
    Current,
    /// Every block is live, or few are dead.
    Full,
    /// In its bin's list of slabs with dead blocks.
    Partial,
}

/// The part of a descriptor that the owner touches.
#[repr(C)]
pub struct Hot {
    /// Dead blocks to hand out.
    pub free: Cell<*mut Block>,
    /// The heap whose thread may touch this part; null when the span is no slab in use.
    pub owner: AtomicPtr<Heap>,
    /// Frees until something must be done.
    pub left: Cell<u32>,
    /// Live blocks that remain when `left` is used up (B2).
    pub(crate) base: Cell<u32>,
    /// What `left` was when it was last set.
    armed: Cell<u32>,
    pub(crate) block: Cell<u32>,
    pub(crate) reported: Cell<u16>,
    pub(crate) carved: Cell<u16>,
    pub(crate) capacity: Cell<u16>,
    pub(crate) class: Cell<u8>,
    state: Cell<State>,
    /// Blocks not carved yet read as zero.
    fresh_zero: Cell<bool>,
}

/// The front end's part of a descriptor.
#[derive(Debug)]
pub struct Blocks;

impl Payload for Blocks {
    type Hot = Hot;
    type Shared = Remote<Span<Blocks>>;
    const HOT: Hot = Hot {
        free: Cell::new(null_mut()),
        owner: AtomicPtr::new(null_mut()),
        left: Cell::new(0),
        base: Cell::new(0),
        armed: Cell::new(0),
        block: Cell::new(0),
        reported: Cell::new(0),
        carved: Cell::new(0),
        capacity: Cell::new(0),
        class: Cell::new(0),
        state: Cell::new(State::Spare),
        fresh_zero: Cell::new(false),
    };
    #[allow(clippy::declare_interior_mutable_const, reason = "a value to begin with; each use is a new one")]
    const SHARED: Self::Shared = Remote::new();
}

/// A reference to a slab's descriptor.
pub type SlabRef = SpanRef<Blocks>;

/// `left` of a current slab: it never means that the slab is empty.
const NEVER: u32 = 1 << 31;

/// Of a full slab's blocks, the share that must be freed before it is used again: one part in this, at least
/// two. A slab that comes back for every single block would make each free a slow path.
const FULL_SHARE: u16 = 8;

/// What an accounting step found, for the counters.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settled {
    /// Frees since the last step.
    pub frees: u64,
    /// Change of live blocks since they were last reported.
    pub live: i64,
}

/// Blocks up to this size in bytes are not moved to save memory.
const SMALLEST_SHRUNK: usize = 64;

/// What is done with slabs by their owner.
pub trait Slab: Copy {
    /// Makes a slab of a span just taken.
    fn open(self, class: usize, owner: *mut Heap, zeroed: bool);
    /// The block size in bytes.
    fn block(self) -> usize;
    /// Whether a block serves for a realloc to `size` bytes: large enough, and not twice as large as needed.
    fn serves(self, size: usize) -> bool;
    /// The size class.
    fn class(self) -> usize;
    /// What the slab is doing.
    fn state(self) -> State;
    /// Number of blocks.
    fn capacity(self) -> u32;
    /// The owning heap, or null.
    fn owner(self) -> *mut Heap;
    /// Pops a dead block, or null.
    fn pop(self) -> *mut Block;
    /// Carves a page of blocks, at least one, into the empty free list. Answers how many.
    fn carve(self) -> u32;
    /// Whether blocks that are carved next read as zero, but for the link at their start.
    fn carves_zero(self) -> bool;
    /// Becomes its bin's current slab.
    fn make_current(self) -> Settled;
    /// Leaves current with an empty free list: full.
    fn make_full(self) -> Settled;
    /// Sets up for `live` blocks and dead ones in the free list.
    fn make_partial(self, live: u32) -> Settled;
    /// Stays current and reports `live` blocks.
    fn report_current(self, live: u32) -> Settled;
    /// Stays full or partial and reports what B2 says.
    fn report(self) -> Settled;
    /// Becomes nothing; all blocks are dead.
    fn make_spare(self) -> Settled;
    /// Live blocks by B2 or B3; walks the free list of a current slab.
    fn live(self) -> u32;
    /// Takes the remote list into the free list. `None` when another thread is purging the slab.
    fn collect(self, unlist: bool) -> Option<u32>;
}

/// The first bytes a carve touches: at most a page of blocks.
fn carve_count(block: usize) -> usize {
    (GRANULE / block.max(1)).max(1)
}

fn arm(slab: SlabRef, base: u32, left: u32, live: u32, state: State) -> Settled {
    let hot = &slab.hot;
    let frees = u64::from(hot.armed.get() - hot.left.get());
    hot.base.set(base);
    hot.left.set(left);
    hot.armed.set(left);
    hot.state.set(state);
    let live_change = i64::from(live) - i64::from(hot.reported.get());
    hot.reported.set(live as u16);
    Settled { frees, live: live_change }
}

impl Slab for SlabRef {
    fn open(self, class: usize, owner: *mut Heap, zeroed: bool) {
        let hot = &self.hot;
        let block = block_size(class);
        hot.free.set(null_mut());
        hot.block.set(block as u32);
        hot.class.set(class as u8);
        hot.carved.set(0);
        hot.capacity.set((slab_len(class) / block.max(1)) as u16);
        hot.reported.set(0);
        hot.armed.set(0);
        hot.left.set(0);
        hot.base.set(0);
        hot.fresh_zero.set(zeroed);
        self.shared.reset();
        // Relaxed: other threads learn of the slab through its blocks, which the program hands over.
        hot.owner.store(owner, Ordering::Relaxed);
    }

    #[inline]
    fn block(self) -> usize {
        self.hot.block.get() as usize
    }

    #[inline]
    fn serves(self, size: usize) -> bool {
        let block = self.block();
        size <= block && (block <= SMALLEST_SHRUNK || size > block / 2)
    }

    #[inline]
    fn class(self) -> usize {
        self.hot.class.get() as usize
    }

    fn state(self) -> State {
        self.hot.state.get()
    }

    fn capacity(self) -> u32 {
        u32::from(self.hot.capacity.get())
    }

    fn owner(self) -> *mut Heap {
        self.hot.owner.load(Ordering::Relaxed)
    }

    #[inline]
    fn pop(self) -> *mut Block {
        let block = self.hot.free.get();
        if !block.is_null() {
            // SAFETY: B1.
            let next = unsafe { (*block).next.get() };
            self.hot.free.set(next);
        }
        block
    }

    fn carve(self) -> u32 {
        let hot = &self.hot;
        let block = self.block();
        let carved = hot.carved.get() as usize;
        let count = carve_count(block).min(hot.capacity.get() as usize - carved);
        if count == 0 {
            return 0;
        }
        debug_assert!(hot.free.get().is_null());
        let first = self.start().wrapping_add(carved * block);
        let mut at = first;
        for _ in 1..count {
            let next = at.wrapping_add(block);
            // SAFETY: B1: inside the slab (`count` blocks are left) and never handed out.
            unsafe { at.cast::<*mut u8>().write(next) };
            at = next;
        }
        if !(hot.fresh_zero.get() && count == 1) {
            // SAFETY: as above: the last block of the batch.
            unsafe { at.cast::<*mut u8>().write(null_mut()) };
        }
        hot.carved.set((carved + count) as u16);
        hot.free.set(first.cast());
        count as u32
    }

    fn carves_zero(self) -> bool {
        self.hot.fresh_zero.get()
    }

    fn make_current(self) -> Settled {
        let reported = u32::from(self.hot.reported.get());
        arm(self, 0, NEVER, reported, State::Current)
    }

    fn make_full(self) -> Settled {
        let live = self.hot.carved.get();
        let wait = (live / FULL_SHARE).max(2).min(live);
        arm(self, u32::from(live - wait), u32::from(wait), u32::from(live), State::Full)
    }

    fn make_partial(self, live: u32) -> Settled {
        arm(self, 0, live, live, State::Partial)
    }

    fn report_current(self, live: u32) -> Settled {
        arm(self, 0, NEVER, live, State::Current)
    }

    fn report(self) -> Settled {
        let hot = &self.hot;
        arm(self, hot.base.get(), hot.left.get(), self.live(), hot.state.get())
    }

    fn make_spare(self) -> Settled {
        let settled = arm(self, 0, 0, 0, State::Spare);
        // Relaxed: no live block, so no other thread has a reason to look.
        self.hot.owner.store(null_mut(), Ordering::Relaxed);
        self.hot.free.set(null_mut());
        settled
    }

    fn live(self) -> u32 {
        let hot = &self.hot;
        if hot.state.get() != State::Current {
            return hot.base.get() + hot.left.get();
        }
        let mut dead = 0;
        let mut at = hot.free.get();
        while !at.is_null() {
            dead += 1;
            // SAFETY: B1.
            at = unsafe { (*at).next.get() };
        }
        u32::from(hot.carved.get()) - dead
    }

    fn collect(self, unlist: bool) -> Option<u32> {
        let hot = &self.hot;
        match self.shared.take(self.start(), unlist) {
            Take::Busy => None,
            Take::Purged => {
                // Every block had come back: the list is empty, and the slab is as if never carved.
                hot.free.set(null_mut());
                let count = hot.carved.replace(0);
                hot.fresh_zero.set(false);
                Some(u32::from(count))
            }
            Take::List { count: 0, .. } => Some(0),
            Take::List { head, count } => {
                let rest = hot.free.get();
                if !rest.is_null() {
                    let mut last = head;
                    // SAFETY: R1: the remote list is made of dead blocks and ends with null.
                    while let next = unsafe { (*last).next.get() }
                        && !next.is_null()
                    {
                        last = next;
                    }
                    // SAFETY: R1: `last` is a dead block.
                    unsafe { (*last).next.set(rest) };
                }
                hot.free.set(head);
                Some(count)
            }
        }
    }
}

const _: () = assert!(size_of::<Span<Blocks>>() == 128, "a descriptor is two cache lines");
