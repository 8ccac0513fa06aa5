//! The descriptor of a span, and what a span may be.
//!
//! ```text
//!            take                       give
//!   Free ───────────▶ Slab, Large ─────────────▶ Free (dirty) ──purge──▶ Free (clean)
//!   (nothing) ──map──▶ Huge ──unmap──▶ Idle      Idle ◀── merged into a neighbour
//! ```
//!
//! Descriptors lie in memory of their own, away from the blocks, and are recycled but never unmapped: a
//! stale pointer to one reads a valid descriptor of something else, never a hole.
//!
//! # Invariants
//! D1  A descriptor lives for ever and holds the same type for ever.
//! D2  `start`, `units` and `kind` change only under the span lock, or while one thread owns the span.
//! D3  The links belong to whoever owns the span: the back end while it is free, else the front end.
//!
//! # Sharing
//! ```text
//! field               written by                       read by      order
//! kind, start, units  the owner of the span, D2        any thread   Relaxed: a reader re-checks what it needs
//! the rest            the owner of the span            the owner    handed over by the span lock
//! ```
//!
//! # Safety
//!
//! `SpanRef` is a pointer to a descriptor; D1 makes it valid for ever, so dereferencing it is always sound,
//! and only the *meaning* of what is read depends on who owns the span.

#![allow(unsafe_code)]

use crate::page_map::GRANULE;
use core::cell::Cell;
use core::fmt;
use core::ops::Deref;
use core::ptr::{NonNull, null_mut};
use heapwright_base::sync::{AtomicPtr, AtomicU8, AtomicU32, Ordering};

/// What the floor above keeps in a descriptor.
pub trait Payload: 'static {
    /// The part its owner touches on every operation; shares a cache line with the span's address.
    type Hot;
    /// The part that other threads write; on a cache line without `Hot`.
    type Shared;
    /// The hot part of a span that is not used by the floor above.
    const HOT: Self::Hot;
    /// The shared part of such a span.
    const SHARED: Self::Shared;
}

/// What a span is, now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    /// A descriptor without a span.
    Idle = 0,
    /// Free, to be taken.
    Free = 1,
    /// Cut into blocks of one size.
    Slab = 2,
    /// One block, inside an arena.
    Large = 3,
    /// One block with a mapping of its own.
    Huge = 4,
}

/// A run of pages with a purpose.
#[repr(C, align(64))]
pub struct Span<P: Payload> {
    /// The front end's own, touched by the owner.
    pub hot: P::Hot,
    start: AtomicPtr<u8>,
    units: AtomicU32,
    kind: AtomicU8,
    /// All bytes read as zero.
    pub(crate) zeroed: Cell<bool>,
    /// The kernel keeps this range as a mapping of its own since pages were moved into it.
    pub(crate) remapped: Cell<bool>,
    pub(crate) dirty: Cell<bool>,
    /// The front end's own, touched by other threads.
    pub shared: P::Shared,
    /// Next in whatever list the span's owner keeps (D3).
    pub next: Cell<Option<SpanRef<P>>>,
    /// Previous in that list.
    pub prev: Cell<Option<SpanRef<P>>>,
    pub(crate) older: Cell<Option<SpanRef<P>>>,
    pub(crate) newer: Cell<Option<SpanRef<P>>>,
    pub(crate) freed_at: Cell<u64>,
    pub(crate) arena: Cell<u32>,
}

// SAFETY: D2, D3: the plain cells are touched only by the span's owner; ownership moves under locks.
unsafe impl<P: Payload> Sync for Span<P> {}

impl<P: Payload> Span<P> {
    /// A descriptor of nothing: what an empty heap's lists point to.
    #[allow(clippy::declare_interior_mutable_const, reason = "a value to begin with; each use is a new one")]
    pub const IDLE: Self = Span {
        hot: P::HOT,
        start: AtomicPtr::new(null_mut()),
        units: AtomicU32::new(0),
        kind: AtomicU8::new(Kind::Idle as u8),
        zeroed: Cell::new(false),
        remapped: Cell::new(false),
        dirty: Cell::new(false),
        shared: P::SHARED,
        next: Cell::new(None),
        prev: Cell::new(None),
        older: Cell::new(None),
        newer: Cell::new(None),
        freed_at: Cell::new(0),
        arena: Cell::new(0),
    };

    /// The first byte; null when idle.
    #[inline]
    pub fn start(&self) -> *mut u8 {
        self.start.load(Ordering::Relaxed)
    }

    /// Length in bytes.
    #[inline]
    pub fn len(&self) -> usize {
        self.units.load(Ordering::Relaxed) as usize * GRANULE
    }

    /// Whether the descriptor describes nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the span is, now.
    #[inline]
    pub fn kind(&self) -> Kind {
        match self.kind.load(Ordering::Relaxed) {
            1 => Kind::Free,
            2 => Kind::Slab,
            3 => Kind::Large,
            4 => Kind::Huge,
            _ => Kind::Idle,
        }
    }

    pub(crate) fn set_kind(&self, kind: Kind) {
        self.kind.store(kind as u8, Ordering::Relaxed);
    }

    pub(crate) fn set_run(&self, start: *mut u8, len: usize) {
        debug_assert!(len.is_multiple_of(GRANULE));
        self.start.store(start, Ordering::Relaxed);
        self.units.store((len / GRANULE) as u32, Ordering::Relaxed);
    }

    /// Whether `addr` lies in the span.
    pub fn contains(&self, addr: usize) -> bool {
        addr.wrapping_sub(self.start().addr()) < self.len()
    }

    /// The address just after the span.
    pub(crate) fn end(&self) -> usize {
        self.start().addr() + self.len()
    }
}

/// A reference to a descriptor (D1).
pub struct SpanRef<P: Payload>(NonNull<Span<P>>);

impl<P: Payload> SpanRef<P> {
    /// A reference to a descriptor in a static.
    #[must_use]
    pub const fn from_static(span: &'static Span<P>) -> Self {
        // SAFETY: from a reference.
        SpanRef(unsafe { NonNull::new_unchecked(core::ptr::from_ref(span).cast_mut()) })
    }

    /// The reference in `ptr`, or `None` when null.
    ///
    /// # Safety
    ///
    /// - `ptr` is null or came from [`as_ptr`](Self::as_ptr).
    #[inline]
    #[must_use]
    pub unsafe fn from_ptr(ptr: *mut Span<P>) -> Option<Self> {
        NonNull::new(ptr).map(SpanRef)
    }

    /// The descriptor's address.
    #[inline]
    #[must_use]
    pub const fn as_ptr(self) -> *mut Span<P> {
        self.0.as_ptr()
    }
}

impl<P: Payload> Clone for SpanRef<P> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}
impl<P: Payload> Copy for SpanRef<P> {}
impl<P: Payload> PartialEq for SpanRef<P> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<P: Payload> Eq for SpanRef<P> {}
impl<P: Payload> fmt::Debug for SpanRef<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:p}+{:#x}", self.kind(), self.start(), self.len())
    }
}

impl<P: Payload> Deref for SpanRef<P> {
    type Target = Span<P>;
    #[inline]
    fn deref(&self) -> &Span<P> {
        // SAFETY: D1.
        unsafe { self.0.as_ref() }
    }
}

// SAFETY: D1: a reference to a shared descriptor; what may be written is said by D2 and D3.
unsafe impl<P: Payload> Send for SpanRef<P> {}

/// A doubly linked list through [`Span::next`] and [`Span::prev`].
pub struct SpanList<P: Payload> {
    head: Cell<Option<SpanRef<P>>>,
    tail: Cell<Option<SpanRef<P>>>,
}

impl<P: Payload> Default for SpanList<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Payload> SpanList<P> {
    /// An empty list.
    #[must_use]
    pub const fn new() -> Self {
        SpanList { head: Cell::new(None), tail: Cell::new(None) }
    }

    /// The first span.
    #[inline]
    pub fn first(&self) -> Option<SpanRef<P>> {
        self.head.get()
    }

    /// The last span.
    pub fn last(&self) -> Option<SpanRef<P>> {
        self.tail.get()
    }

    /// Puts `span` first.
    pub fn push(&self, span: SpanRef<P>) {
        let next = self.head.replace(Some(span));
        span.next.set(next);
        span.prev.set(None);
        match next {
            Some(next) => next.prev.set(Some(span)),
            None => self.tail.set(Some(span)),
        }
    }

    /// Puts `span` last.
    pub fn append(&self, span: SpanRef<P>) {
        let prev = self.tail.replace(Some(span));
        span.prev.set(prev);
        span.next.set(None);
        match prev {
            Some(prev) => prev.next.set(Some(span)),
            None => self.head.set(Some(span)),
        }
    }

    /// Takes `span`, which is in this list, out.
    pub fn remove(&self, span: SpanRef<P>) {
        let (prev, next) = (span.prev.replace(None), span.next.replace(None));
        match prev {
            Some(prev) => prev.next.set(next),
            None => {
                debug_assert_eq!(self.head.get(), Some(span));
                self.head.set(next);
            }
        }
        match next {
            Some(next) => next.prev.set(prev),
            None => {
                debug_assert_eq!(self.tail.get(), Some(span));
                self.tail.set(prev);
            }
        }
    }

    /// Takes the first span out.
    #[inline]
    pub fn pop(&self) -> Option<SpanRef<P>> {
        let first = self.head.get()?;
        self.remove(first);
        Some(first)
    }

    /// The spans in order; the list may not change meanwhile.
    pub fn iter(&self) -> impl Iterator<Item = SpanRef<P>> + use<P> {
        let mut at = self.head.get();
        core::iter::from_fn(move || {
            let span = at?;
            at = span.next.get();
            Some(span)
        })
    }
}
