//! Blocks that belong to no thread in particular: guests, and the commons.
//!
//! A thread that needs a few blocks of many sizes would touch a page for each size in slabs of its own. So the first
//! blocks of a class come out of the *commons*: heaps without a thread, shared by all, which a thread borrows
//! for a moment to take a handful of blocks. What it takes are guests in its own heap. The first few heaps of a
//! process take nothing from there: so many may touch their own pages.
//!
//! # Safety
//!
//! As in the module above.

use super::{Busy, Engine};
use crate::config::Config;
use crate::guests::{GUEST_CLASSES, Guests};
use crate::heap::{Heap, Role};
use crate::remote::Block;
use crate::size_class::block_size;
use crate::slab::{Blocks, Slab, SlabRef};
use crate::standing::BORROWED;
use core::cell::Cell;
use heapwright_base::sync::{AtomicPtr, Ordering};
use heapwright_span::Span;

/// Heaps that are made for threads before one takes its first blocks out of the commons: where threads are few, each
/// may touch its own pages.
pub(super) const EARLY: usize = 8;
/// Commons of an engine.
pub(super) const COMMONS: usize = 2;
/// How often a thread lets others run when both are being worked on.
const PATIENCE: usize = 8;
/// How many blocks of a class a heap takes out of the commons before it opens slabs of its own: who needs so many
/// is busy, and better off without company.
const SHARE: u16 = 512;
/// The most that are taken at once, in blocks, and in bytes.
const HANDFUL: usize = 32;
const HANDFUL_BYTES: usize = 2048;

impl<C: Config> Engine<C> {
    /// A block of this class out of the commons; more of them become guests. `None` when this heap has had its
    /// share, or the commons have nothing to give.
    pub(super) fn take_common(&'static self, heap: &'static Heap, class: usize) -> Option<*mut Block> {
        if !Self::draws(heap, class) {
            return None;
        }
        let drawn = heap.drawn.get(class)?;
        let block = block_size(class);
        let common = self.borrow_common(heap)?;
        let first: *mut Block = self.allocate(common, block).cast();
        let mut taken = u16::from(!first.is_null());
        if taken > 0
            && let Some(guests) = self.guests(heap, class)
        {
            // Slowly at first: most classes of most threads never need more than one or two.
            let most = usize::from(drawn.get()).min(HANDFUL).min(HANDFUL_BYTES / block);
            for _ in 1..most {
                let more = common.pop(class).cast::<Block>();
                if more.is_null() {
                    break;
                }
                taken += 1;
                // What the push counts as a free is none.
                heap.counts.frees.set(heap.counts.frees.get().wrapping_sub(1));
                // SAFETY: a new block of the common's current slab, which nobody else knows of.
                let _ = unsafe { guests.push(more, common.bin(class).current.get()) };
            }
            self.settle_guests(heap, guests);
        }
        self.return_common(common);
        drawn.set(drawn.get() + taken);
        (!first.is_null()).then_some(first)
    }

    /// Whether a heap takes blocks of this class out of the commons.
    fn draws(heap: &Heap, class: usize) -> bool {
        let drawn = heap.drawn.get(class).map_or(SHARE, Cell::get);
        heap.role.get() == Role::Thread && drawn < SHARE && heap.current(class).is_none()
    }

    /// A common that nobody else works on, for the caller to work on and give up. Heaps begin their search at
    /// different ones.
    fn borrow_common(&'static self, heap: &Heap) -> Option<&'static Heap> {
        let begin = (&raw const *heap).addr() / size_of::<Heap>();
        for _ in 0..PATIENCE {
            let found = (0..COMMONS).find_map(|step| {
                let place = self.commons.get((begin + step) % COMMONS)?;
                // Acquire: pairs with the Release below.
                // SAFETY: heaps live for ever.
                match unsafe { place.load(Ordering::Acquire).as_ref() } {
                    Some(common) => {
                        let state = &common.shared.state;
                        (state.is_orphan() && state.claim(BORROWED)).then_some(common)
                    }
                    None => self.make_common(place),
                }
            });
            if found.is_some() {
                return found;
            }
            // Whoever works on them may have been stopped in the middle.
            heapwright_os::linux::yield_now();
        }
        None
    }

    /// The end of a borrow.
    fn return_common(&'static self, common: &Heap) {
        common.shared.state.give_up();
        // A remote free may have found the common borrowed, and left its slab to us.
        self.help(common);
    }

    /// Makes a common, borrowed by the caller.
    #[cold]
    fn make_common(&'static self, place: &AtomicPtr<Heap>) -> Option<&'static Heap> {
        let common = self.new_heap().ok()?;
        common.role.set(Role::Common);
        let at = (&raw const *common).cast_mut();
        // Release: publishes the heap to the Acquire above.
        match place.compare_exchange(core::ptr::null_mut(), at, Ordering::Release, Ordering::Relaxed) {
            // The state that a new heap has keeps others away as a borrow does.
            Ok(_) => Some(common),
            Err(_) => {
                // Another thread was faster; as an orphan it is of use to somebody.
                common.role.set(Role::Thread);
                self.registry.orphan(common);
                None
            }
        }
    }

    /// A slab of this class with dead blocks out of the commons, for good.
    pub(super) fn steal_common(&'static self, heap: &'static Heap, class: usize) -> Option<SlabRef> {
        if heap.role.get() != Role::Thread {
            return None;
        }
        let common = self.borrow_common(heap)?;
        let slab = Self::hand_over(common, heap, class);
        self.return_common(common);
        slab
    }

    /// Works on each common that nobody else works on.
    pub(super) fn for_each_common(&'static self, mut work: impl FnMut(&'static Heap)) {
        for place in &self.commons {
            // Acquire: pairs with the Release in `make_common`.
            // SAFETY: heaps live for ever.
            let Some(common) = (unsafe { place.load(Ordering::Acquire).as_ref() }) else { continue };
            if common.shared.state.claim(BORROWED) {
                work(common);
                self.return_common(common);
            }
        }
    }

    /// In a child after fork: a common that another thread was working on is left to itself.
    pub fn leave_borrowed_commons(&self) {
        for place in &self.commons {
            // SAFETY: heaps live for ever.
            let common = unsafe { place.load(Ordering::Relaxed).as_ref() };
            if common.is_some_and(|common| !common.shared.state.is_orphan()) {
                place.store(core::ptr::null_mut(), Ordering::Relaxed);
            }
        }
    }

    /// The heap's guests of a class; the list is made when first needed.
    pub(super) fn guests(&self, heap: &Heap, class: usize) -> Option<Guests> {
        let place = heap.guests.get(class)?;
        if let Some(guests) = place.get() {
            return Some(guests);
        }
        let at = self.spans.meta(size_of::<Span<Blocks>>()).ok()?.cast::<Span<Blocks>>();
        // SAFETY: fresh metadata of the right size, aligned to 64 as a descriptor is.
        unsafe { at.write(Span::IDLE) };
        // SAFETY: just written, and metadata lives for ever (D1).
        let guests =
            Guests::open(unsafe { SlabRef::from_ptr(at.as_ptr()) }?, class, heap.role.get() == Role::Thread);
        // A fork snapshot must not see the list before what it is made of.
        core::sync::atomic::compiler_fence(Ordering::Release);
        place.set(Some(guests));
        Some(guests)
    }

    /// Keeps a block of another heap's slab for this one. Answers whether it could.
    ///
    /// # Safety
    ///
    /// - `block` is a live block of `slab`, and the caller's to free.
    pub(super) unsafe fn keep_guest(
        &'static self,
        heap: &'static Heap,
        slab: SlabRef,
        block: *mut u8,
    ) -> bool {
        if heap.is_placeholder() {
            return false;
        }
        let Some(guests) = self.guests(heap, slab.class()) else { return false };
        // SAFETY: caller.
        if unsafe { guests.push(block.cast(), slab) } {
            self.crowded(heap, guests);
        }
        true
    }

    /// A list of guests has become long.
    #[cold]
    pub fn crowded(&'static self, heap: &'static Heap, guests: Guests) {
        let class = usize::from(guests.0.hot.class.get());
        let keep = if Self::draws(heap, class) { guests.worth_keeping() } else { 0 };
        self.send_home(heap, guests, keep);
    }

    /// Takes a guest of the class, if there is one, and lets the fast path take the others.
    pub(super) fn take_guest(&self, heap: &Heap, class: usize) -> Option<*mut Block> {
        if !Self::draws(heap, class) {
            return None;
        }
        let guests = heap.guests.get(class)?.get().filter(|guests| !guests.is_empty())?;
        heap.serve(class, guests.0);
        Some(guests.0.pop())
    }

    /// Gives guests back to the slabs that they belong to, all but `keep`.
    #[cold]
    pub(super) fn send_home(&'static self, heap: &Heap, guests: Guests, keep: u32) {
        let _busy = Busy::enter(heap);
        let mut at = guests.older(keep);
        let mut sent = 0u64;
        while let Some(first) = core::ptr::NonNull::new(at) {
            let Some(slab) = self.spans.lookup(first.as_ptr().addr()) else { break };
            let (mut last, mut count) = (first, 1u32);
            at = loop {
                // SAFETY: G1: a dead block.
                let next = unsafe { last.as_ref() }.next.get();
                match core::ptr::NonNull::new(next) {
                    Some(more) if slab.contains(next.addr()) => (last, count) = (more, count + 1),
                    _ => break next,
                }
            };
            sent += u64::from(count);
            // SAFETY: G1: a chain of dead blocks of this slab, which nobody else knows of.
            unsafe { self.push_home(heap, slab, first.as_ptr(), last.as_ptr(), count) };
        }
        // Its owner will count what came home.
        heap.counts.frees.set(heap.counts.frees.get().wrapping_sub(sent));
        self.settle_guests(heap, guests);
    }

    /// Makes the counters exact for a list of guests.
    pub(super) fn settle_guests(&self, heap: &Heap, guests: Guests) {
        self.count(heap, guests.0, guests.settle());
    }

    /// Gives all guests of a heap back.
    pub(super) fn send_all_home(&'static self, heap: &Heap) {
        for class in 0..GUEST_CLASSES {
            if let Some(guests) = heap.guests.get(class).and_then(Cell::get) {
                self.send_home(heap, guests, 0);
            }
        }
    }
}
