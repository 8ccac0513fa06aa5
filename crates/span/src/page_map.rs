//! Address → span: the only door from wild to tame.
//!
//! Two views of one table. The *root* names a leaf for each GiB of addresses, so that any address at all can
//! be looked up. The leaves of the addresses around our first arena lie side by side (the *near* table), so
//! that the fast path finds a span with one subtraction, one compare and one load:
//!
//! ```text
//!   root    [ ... | leaf | leaf | leaf | ... | leaf | ... ]      one entry per GiB
//!                    │      │      │            └──▶ a leaf on its own
//!                    ▼      ▼      ▼
//!   near    base ▶[ leaf ][ leaf ][ leaf ]                       one entry per granule, flat
//! ```
//!
//! Entries of a slab are set for each of its granules; of any other span for its first and last granule only,
//! which is what coalescing needs. All others are null. An entry is a pointer, never an integer in disguise.
//!
//! # Invariants
//! P1  An entry is null or points to a descriptor (D1: valid for ever).
//! P2  `near` readable ⇒ every entry of it may be read; a root entry non-null ⇒ its leaf may be written.
//!
//! # Sharing
//! ```text
//! field      written by                    read by      order
//! root       holder of the span lock       any thread   Release publishes the leaf to the Acquire in `leaf`
//! entries    owner of the span             any thread   Release in `set`; Acquire in `get`; Relaxed in the fast path,
//!                                                        where the pointer being freed carries the order
//! near_*     once, before any heap exists  any thread   copied into heaps, which are published later
//! ```
//!
//! # Safety
//!
//! Pointer arithmetic inside the two tables; bounds are checked before each access.

#![allow(unsafe_code)]

use core::ptr::{NonNull, null_mut};
use heapwright_base::sync::{AtomicPtr, AtomicUsize, Ordering};
use heapwright_base::{Align, Bytes, OutOfPages};
use heapwright_os::{PageRun, PageSource, Zeros};

/// The granule of the map in bytes: spans start and end on its multiples, whatever the page size.
pub const GRANULE: usize = 1 << GRANULE_SHIFT;
/// Its logarithm.
pub const GRANULE_SHIFT: u32 = 12;
/// Addresses per leaf: 1 GiB.
const LEAF_SHIFT: u32 = 30;
const LEAF_ENTRIES: usize = 1 << (LEAF_SHIFT - GRANULE_SHIFT);
const LEAF_BYTES: usize = LEAF_ENTRIES * size_of::<usize>();
/// User addresses on the systems we know stay below this.
const ADDRESS_SHIFT: u32 = 48;
const ROOT_ENTRIES: usize = 1 << (ADDRESS_SHIFT - LEAF_SHIFT);
/// Leaves in the near table, most of them below the first arena: the kernel hands out addresses downward.
const NEAR_LEAVES: usize = 64;
/// The least, where the process may use few addresses.
const FEW_LEAVES: usize = 2;

/// One entry.
pub type Entry<T> = AtomicPtr<T>;

/// What a fast path needs to look an address up.
#[derive(Debug)]
pub struct Near<T> {
    /// First address covered.
    pub base: usize,
    /// Number of granules covered.
    pub len: usize,
    /// Their entries.
    pub table: *const Entry<T>,
}

impl<T> Near<T> {
    /// Covers nothing.
    pub const NOTHING: Self = Near { base: 0, len: 0, table: core::ptr::null() };
}

impl<T> Clone for Near<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Near<T> {}

/// The map.
pub struct PageMap<T> {
    root: AtomicPtr<AtomicPtr<Entry<T>>>,
    near_base: AtomicUsize,
    near_len: AtomicUsize,
    near: AtomicPtr<Entry<T>>,
}

impl<T> Default for PageMap<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> PageMap<T> {
    /// A map that knows nothing.
    #[must_use]
    pub const fn new() -> Self {
        PageMap {
            root: AtomicPtr::new(null_mut()),
            near_base: AtomicUsize::new(0),
            near_len: AtomicUsize::new(0),
            near: AtomicPtr::new(null_mut()),
        }
    }

    /// Makes the tables, centred on `around`. Without room for a near table there is none.
    ///
    /// # Errors
    ///
    /// [`OutOfPages`] when there is no room for the root.
    pub fn open(&self, pages: &impl PageSource, around: usize) -> Result<(), OutOfPages> {
        let page = Align::new(pages.page().0).ok_or(OutOfPages)?;
        let root_bytes = Bytes(ROOT_ENTRIES * size_of::<usize>());
        let root = pages.reserve(root_bytes, page, Zeros::Readable)?;
        // SAFETY: the whole of our new reservation.
        if unsafe { pages.commit(root) }.is_err() {
            // SAFETY: as above, and nobody has seen it.
            unsafe { pages.release(root) };
            return Err(OutOfPages);
        }
        let leaves = match pages.address_limit() {
            Some(limit) => (limit.0 >> LEAF_SHIFT).clamp(FEW_LEAVES, NEAR_LEAVES),
            None => NEAR_LEAVES,
        };
        let below = leaves - leaves.div_ceil(8);
        if let Ok(near) = pages.reserve(Bytes(leaves * LEAF_BYTES), page, Zeros::Readable) {
            let first = (around >> LEAF_SHIFT).saturating_sub(below);
            self.near_base.store(first << LEAF_SHIFT, Ordering::Relaxed);
            self.near_len.store(leaves * LEAF_ENTRIES, Ordering::Relaxed);
            self.near.store(near.start.as_ptr().cast(), Ordering::Relaxed);
        }
        // Release: publishes the zeroed root and the near table to the Acquire in `leaf`.
        self.root.store(root.start.as_ptr().cast(), Ordering::Release);
        Ok(())
    }

    /// What the fast path needs.
    pub fn near(&self) -> Near<T> {
        Near {
            base: self.near_base.load(Ordering::Relaxed),
            len: self.near_len.load(Ordering::Relaxed),
            table: self.near.load(Ordering::Relaxed),
        }
    }

    fn root_entry(&self, addr: usize) -> Option<&AtomicPtr<Entry<T>>> {
        let index = addr >> LEAF_SHIFT;
        // Acquire: pairs with the Release in `open`.
        let root = NonNull::new(self.root.load(Ordering::Acquire))?;
        // SAFETY: the index is checked; the root has ROOT_ENTRIES entries and lives for ever.
        (index < ROOT_ENTRIES).then(|| unsafe { root.add(index).as_ref() })
    }

    fn entry(&self, addr: usize) -> Option<&Entry<T>> {
        // Acquire: pairs with the Release in `reach`.
        let leaf = NonNull::new(self.root_entry(addr)?.load(Ordering::Acquire))?;
        let index = (addr >> GRANULE_SHIFT) & (LEAF_ENTRIES - 1);
        // SAFETY: P2, and the mask keeps the index inside the leaf.
        Some(unsafe { leaf.add(index).as_ref() })
    }

    /// What the map says of any address; null when it does not know it.
    pub fn get(&self, addr: usize) -> *mut T {
        // Acquire: pairs with the Release in `set`.
        self.entry(addr).map_or(null_mut(), |entry| entry.load(Ordering::Acquire))
    }

    /// Makes sure that the addresses of `run` can be entered. Called under the span lock.
    ///
    /// # Errors
    ///
    /// [`OutOfPages`] when there is no room for a leaf, or the addresses are beyond the map.
    pub fn reach(&self, pages: &impl PageSource, run: PageRun) -> Result<(), OutOfPages> {
        let mut addr = run.addr() >> LEAF_SHIFT << LEAF_SHIFT;
        while addr < run.addr() + run.len.0 {
            let root_entry = self.root_entry(addr).ok_or(OutOfPages)?;
            if root_entry.load(Ordering::Relaxed).is_null() {
                let leaf = self.make_leaf(pages, addr)?;
                // Release: publishes the zeroed leaf to the Acquire in `entry`.
                root_entry.store(leaf, Ordering::Release);
            }
            addr += 1 << LEAF_SHIFT;
        }
        Ok(())
    }

    fn make_leaf(&self, pages: &impl PageSource, addr: usize) -> Result<*mut Entry<T>, OutOfPages> {
        let near = self.near();
        let granule = addr.wrapping_sub(near.base) >> GRANULE_SHIFT;
        let run = if granule < near.len {
            // SAFETY: checked: the leaf lies inside the near table.
            let start = unsafe { near.table.add(granule) };
            PageRun {
                start: NonNull::new(start.cast_mut().cast()).ok_or(OutOfPages)?,
                len: Bytes(LEAF_BYTES),
            }
        } else {
            pages.reserve(Bytes(LEAF_BYTES), Align::ONE, Zeros::Readable)?
        };
        // SAFETY: a leaf of the near table, or the whole of our new reservation; not committed before.
        if unsafe { pages.commit(run) }.is_err() {
            if granule >= near.len {
                // SAFETY: the whole of our new reservation, which nobody has seen.
                unsafe { pages.release(run) };
            }
            return Err(OutOfPages);
        }
        Ok(run.start.as_ptr().cast())
    }

    /// Enters `span` for the granule of `addr`, which [`reach`](Self::reach) has made room for.
    pub fn set(&self, addr: usize, span: *mut T) {
        match self.entry(addr) {
            // Release: publishes the descriptor's fields to the Acquire in `get`.
            Some(entry) => entry.store(span, Ordering::Release),
            None => debug_assert!(false, "set before reach"),
        }
    }

    /// Enters `span` for every granule of a run.
    pub fn set_all(&self, start: usize, len: usize, span: *mut T) {
        let mut addr = start;
        while addr < start + len {
            self.set(addr, span);
            addr += GRANULE;
        }
    }
}
