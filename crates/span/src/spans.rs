//! Spans: taken, given back, split and coalesced.
//!
//! Two sets of free spans: *dirty* ones, freed a short while ago, whose pages are still resident, and *clean*
//! ones, which cost nothing but addresses. Dirty ones are taken first, because a page that is present is worth
//! a hundred system calls. Neighbours coalesce in both directions when they are in the same set and the same
//! arena; purging a dirty span makes it clean. The part of an arena above its watermark has never been
//! committed; it is the last part of a clean span and is committed in steps as spans are cut from it.
//!
//! # Invariants
//! S1  A span in a set has kind `Free`, is in exactly one set, and its first and last granule map to it.
//! S2  Two free spans of one set that touch lie in different arenas (else they would have coalesced).
//! S3  Arena bytes below `committed` are committed, those above never were; only clean spans reach above.
//! S4  A dirty span is in the age list, in the order in which they were put there; a clean one is not.
//! S5  `zeroed` is true only if every byte of the span reads as zero.
//!
//! # Sharing
//! Everything but the atomics of [`Limits`] is behind the span lock (rank 30).
//!
//! # Safety
//!
//! Pages are committed, purged and cut only inside spans that this thread has taken out of every set.

#![allow(unsafe_code)]

use crate::fit::{Fit, FreeSpans};
use crate::page_map::{GRANULE, Near, PageMap};
use crate::span::{Kind, Payload, Span, SpanRef};
use core::ptr::{NonNull, null_mut};
use heapwright_base::counters::{Counter, Tally};
use heapwright_base::lock::{Guard, Ranked};
use heapwright_base::sync::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use heapwright_base::{Align, Bytes, OutOfPages, align_up};
use heapwright_os::linux::Futex;
use heapwright_os::{PageRun, PageSource, Zeros};

/// Where the back end changes its behaviour; each may be set at any time.
#[derive(Debug)]
pub struct Limits {
    /// Dirty bytes that are always allowed to stay.
    pub dirty_floor: AtomicUsize,
    /// The floor is the whole bound: the user has said so.
    pub dirty_fixed: AtomicBool,
    /// Milliseconds after which a dirty span is purged.
    pub purge_delay: AtomicU64,
    /// Size in bytes from which a block gets a mapping of its own; adapts upward.
    pub huge_threshold: AtomicUsize,
    /// Bound of that adaptation; equal to the threshold when the user fixed it.
    pub huge_bound: AtomicUsize,
}

/// Of the recent peak of bytes in use, the share that may stay dirty: one part in this.
pub(crate) const DIRTY_SHARE: usize = 6;
/// Of the bytes in use now, the share that may stay dirty: a program that churns at a steady size should find
/// its memory warm.
const CHURN_SHARE: usize = 2;
/// How many dirty spans are tried for a clean neighbour.
const LOOKS: usize = 16;
/// Addresses of the first arenas, where addresses are not limited.
const ARENA: usize = Bytes::GIB;
/// The same where they are limited.
const SMALL_ARENA: usize = 16 * Bytes::MIB;
const ARENAS: usize = 1024;
const COMMIT_STEP: usize = 256 * Bytes::KIB;
const COMMIT_STEP_MOST: usize = 32 * Bytes::MIB;
/// Metadata is committed in pieces of this size.
const META: usize = 64 * Bytes::KIB;

impl Limits {
    const fn new() -> Self {
        Limits {
            dirty_floor: AtomicUsize::new(16 * Bytes::MIB),
            dirty_fixed: AtomicBool::new(false),
            purge_delay: AtomicU64::new(1000),
            huge_threshold: AtomicUsize::new(Bytes::MIB),
            huge_bound: AtomicUsize::new(32 * Bytes::MIB),
        }
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Arena {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) committed: usize,
}

pub(crate) struct State<F: Fit, P: Payload> {
    fit: F,
    pub(crate) dirty: FreeSpans<P>,
    pub(crate) clean: FreeSpans<P>,
    pub(crate) dirty_bytes: usize,
    pub(crate) oldest: Option<SpanRef<P>>,
    pub(crate) newest: Option<SpanRef<P>>,
    pub(crate) idle: Option<SpanRef<P>>,
    meta: Option<PageRun>,
    pub(crate) arenas: [Arena; ARENAS],
    pub(crate) arena_count: usize,
    /// Arenas below this index belong to a past that a fork cut off in the middle: nothing of them coalesces
    /// or is taken again.
    pub(crate) frozen: usize,
    pub(crate) in_use: usize,
    /// The largest `in_use` of late.
    pub(crate) peak: usize,
    pub(crate) arena_bytes: usize,
    /// Bytes of arenas that became metadata.
    pub(crate) arena_meta: usize,
    /// Spans are multiples of this: the larger of granule and page.
    pub(crate) unit: usize,
}

// SAFETY: the references are to descriptors (D1); the whole state moves between threads under its lock.
unsafe impl<F: Fit, P: Payload> Send for State<F, P> {}

/// A lock guard of the state.
pub(crate) type Held<'a, F, P> = Guard<'a, State<F, P>, Futex, 30>;

/// The back end.
pub struct Spans<S: PageSource, F: Fit, P: Payload> {
    pub(crate) pages: S,
    pub(crate) map: PageMap<Span<P>>,
    /// Where counts are kept.
    pub tally: Tally,
    /// The knobs.
    pub limits: Limits,
    pub(crate) state: Ranked<State<F, P>, Futex, 30>,
}

/// A span just taken.
#[derive(Debug)]
pub struct Taken<P: Payload> {
    /// The span.
    pub span: SpanRef<P>,
    /// Whether all its bytes are known to read as zero.
    pub zeroed: bool,
}

impl<S: PageSource, F: Fit, P: Payload> Spans<S, F, P> {
    /// A back end that has asked for nothing yet.
    pub const fn new(pages: S) -> Self {
        Spans {
            pages,
            map: PageMap::new(),
            tally: Tally::new(),
            limits: Limits::new(),
            state: Ranked::new(State {
                fit: F::INIT,
                dirty: FreeSpans::new(),
                clean: FreeSpans::new(),
                dirty_bytes: 0,
                oldest: None,
                newest: None,
                idle: None,
                meta: None,
                arenas: [Arena { start: 0, end: 0, committed: 0 }; ARENAS],
                arena_count: 0,
                frozen: 0,
                in_use: 0,
                peak: 0,
                arena_bytes: 0,
                arena_meta: 0,
                unit: 0,
            }),
        }
    }

    /// Where pages come from.
    pub fn pages(&self) -> &S {
        &self.pages
    }

    /// Takes the span lock without a guard, for `fork`.
    pub fn hold(&self) {
        self.state.hold();
    }

    /// Whether the calling thread holds the span lock.
    pub fn held_here(&self) -> bool {
        self.state.held_here()
    }

    /// Whether anybody holds it.
    pub fn held(&self) -> bool {
        self.state.held()
    }

    /// Gives back a lock taken by [`hold`](Self::hold), or by a thread that does not exist any more.
    ///
    /// # Safety
    ///
    /// - As for [`Ranked::force_unlock`].
    pub unsafe fn force_unlock(&self) {
        // SAFETY: caller: same contract.
        unsafe { self.state.force_unlock() }
    }

    /// The flat part of the page map, for fast paths. Covers nothing before [`open`](Self::open).
    pub fn near(&self) -> Near<Span<P>> {
        self.map.near()
    }

    /// What the page map says of an address: a descriptor, whose meaning the caller must check.
    #[inline]
    pub fn lookup(&self, addr: usize) -> Option<SpanRef<P>> {
        // SAFETY: P1: entries come from `SpanRef::as_ptr`.
        unsafe { SpanRef::from_ptr(self.map.get(addr)) }
    }

    /// The span whose bytes `addr` lies in, also where the page map has no entry: the middle of a large block.
    /// Slow; for naming a pointer before the end.
    pub fn enclosing(&self, addr: usize) -> Option<SpanRef<P>> {
        const MOST: usize = 1 << 22;
        let mut at = addr & !(GRANULE - 1);
        for _ in 0..MOST {
            if let Some(span) = self.lookup(at) {
                return Some(span).filter(|span| span.contains(addr));
            }
            at = at.checked_sub(GRANULE)?;
        }
        None
    }

    /// Makes the page map and the first arena. Does nothing the second time.
    ///
    /// # Errors
    ///
    /// [`OutOfPages`] when the system refuses; may be tried again.
    pub fn open(&self) -> Result<(), OutOfPages> {
        let mut state = self.state.lock();
        self.open_held(&mut state)
    }

    fn open_held(&self, state: &mut Held<'_, F, P>) -> Result<(), OutOfPages> {
        if state.unit != 0 {
            return Ok(());
        }
        let page = self.pages.page().0;
        // The probe tells where the kernel puts mappings, so that the near table covers the arenas.
        let probe = self.pages.reserve(Bytes(page.max(GRANULE)), Align::ONE, Zeros::No)?;
        let around = probe.addr();
        // SAFETY: the whole of our new reservation, which nobody has seen.
        unsafe { self.pages.release(probe) };
        self.map.open(&self.pages, around)?;
        state.unit = page.max(GRANULE);
        Ok(())
    }

    /// Takes a span of at least `len` bytes whose start is aligned to `align`.
    ///
    /// # Errors
    ///
    /// [`OutOfPages`] when the system refuses; nothing has changed.
    pub fn take(&self, len: usize, align: Align, kind: Kind) -> Result<Taken<P>, OutOfPages> {
        self.try_take(len, align, kind).or_else(|refused| {
            // Dirty and clean neighbours do not coalesce; once everything is clean, they do.
            if !self.may_fit(len) || self.purge_all() == 0 {
                return Err(refused);
            }
            self.try_take(len, align, kind)
        })
    }

    /// Whether free spans might add up to `len` bytes.
    fn may_fit(&self, len: usize) -> bool {
        let state = self.state.lock();
        state.dirty_bytes > 0 && len <= state.arena_bytes.saturating_sub(state.in_use)
    }

    fn try_take(&self, len: usize, align: Align, kind: Kind) -> Result<Taken<P>, OutOfPages> {
        let mut state = self.state.lock();
        self.open_held(&mut state)?;
        let len = align_up(len.max(1), state.unit).ok_or(OutOfPages)?;
        let slack = align.bytes().saturating_sub(state.unit);
        let room = len.checked_add(slack).filter(|&n| n <= u32::MAX as usize).ok_or(OutOfPages)?;
        self.stock_descriptors(&mut state)?;
        let span = self.find(&mut state, room)?;
        let skip = span.start().addr().wrapping_neg() & (align.bytes() - 1);
        if let Err(refused) = self.commit_to(&mut state, span, span.start().addr() + skip + len) {
            self.insert(&mut state, span);
            return Err(refused);
        }
        let span = if skip > 0 { self.split(&mut state, span, skip, true) } else { span };
        if span.len() > len {
            self.split(&mut state, span, len, false);
        }
        let zeroed = span.zeroed.replace(false);
        self.enter(span, kind);
        state.in_use += len;
        state.peak = state.peak.max(state.in_use);
        self.publish(&state);
        Ok(Taken { span, zeroed })
    }

    /// Gives a span that [`take`](Self::take) returned back.
    ///
    /// # Safety
    ///
    /// - The caller owns the span, and nothing refers to its bytes any more.
    pub unsafe fn give(&self, span: SpanRef<P>) {
        let now = self.pages.now();
        let mut state = self.state.lock();
        state.in_use = state.in_use.saturating_sub(span.len());
        self.retire(&mut state, span, now);
        self.publish(&state);
        self.purge_excess(state, now);
    }

    /// Makes a span free: dirty, and coalesced with dirty neighbours.
    fn retire(&self, state: &mut Held<'_, F, P>, span: SpanRef<P>, now: u64) {
        if span.kind() == Kind::Slab {
            self.map.set_all(span.start().addr(), span.len(), null_mut());
        }
        span.zeroed.set(false);
        span.dirty.set(true);
        span.freed_at.set(now);
        if span.remapped.replace(false) {
            // SAFETY: the span is ours, in no set, and its contents are not needed.
            let zeroed = unsafe { self.pages.renew(run_of(span)) };
            span.zeroed.set(zeroed);
            span.dirty.set(!zeroed);
        }
        self.insert(state, span);
    }

    /// Changes the length of a large span where it stands. Growing takes from the free span to its right.
    ///
    /// # Errors
    ///
    /// [`OutOfPages`] when the neighbour is in use or too short; nothing has changed.
    ///
    /// # Safety
    ///
    /// - The caller owns the span, of kind `Large`; when shrinking, nothing refers to the tail.
    pub unsafe fn resize(&self, span: SpanRef<P>, len: usize) -> Result<(), OutOfPages> {
        let now = self.pages.now();
        let mut state = self.state.lock();
        let len = align_up(len.max(1), state.unit).ok_or(OutOfPages)?;
        let old = span.len();
        if len == old {
            return Ok(());
        }
        self.stock_descriptors(&mut state)?;
        if len < old {
            self.map.set(span.end() - GRANULE, null_mut());
            let tail = self.cut(&mut state, span, len);
            tail.remapped.set(span.remapped.get());
            self.enter(span, Kind::Large);
            state.in_use = state.in_use.saturating_sub(old - len);
            self.retire(&mut state, tail, now);
            self.publish(&state);
            self.purge_excess(state, now);
            return Ok(());
        }
        let right = self.lookup(span.end()).filter(|right| {
            right.kind() == Kind::Free
                && right.start().addr() == span.end()
                && right.arena.get() == span.arena.get()
                && right.arena.get() as usize >= state.frozen
                && right.len() >= len - old
        });
        let right = right.ok_or(OutOfPages)?;
        self.remove(&mut state, right);
        if let Err(refused) = self.commit_to(&mut state, right, span.start().addr() + len) {
            self.insert(&mut state, right);
            return Err(refused);
        }
        if right.len() > len - old {
            self.split(&mut state, right, len - old, false);
        }
        self.map.set(right.start().addr(), null_mut());
        self.map.set(span.end() - GRANULE, null_mut());
        span.set_run(span.start(), len);
        self.recycle(&mut state, right);
        self.enter(span, Kind::Large);
        state.in_use += len - old;
        state.peak = state.peak.max(state.in_use);
        self.publish(&state);
        Ok(())
    }

    /// Moves the pages of one taken span to the start of another, longer one, instead of copying them.
    ///
    /// # Errors
    ///
    /// [`OutOfPages`] when the system cannot; nothing has changed. Always for a span whose pages were moved
    /// before: it is two mappings for the kernel, which moves only one.
    ///
    /// # Safety
    ///
    /// - The caller owns both; the contents of `to` are not needed, and `to` is not shorter than `from`.
    pub unsafe fn shift(&self, from: SpanRef<P>, to: SpanRef<P>) -> Result<(), OutOfPages> {
        if from.remapped.get() {
            return Err(OutOfPages);
        }
        let target = PageRun { start: run_of(to).start, len: Bytes(from.len()) };
        // SAFETY: caller: owns both; spans in use are committed (S3) and disjoint.
        unsafe { self.pages.shift(run_of(from), target) }?;
        to.remapped.set(true);
        self.tally.add(Counter::Remaps, 1);
        Ok(())
    }

    /// Memory for the front end's own tables: zeroed, aligned to 64 bytes, never given back.
    ///
    /// # Errors
    ///
    /// [`OutOfPages`] when the system refuses.
    pub fn meta(&self, len: usize) -> Result<NonNull<u8>, OutOfPages> {
        let mut state = self.state.lock();
        self.open_held(&mut state)?;
        self.meta_held(&mut state, len)
    }

    fn meta_held(&self, state: &mut Held<'_, F, P>, len: usize) -> Result<NonNull<u8>, OutOfPages> {
        let len = align_up(len, 64).ok_or(OutOfPages)?;
        if state.meta.is_none_or(|meta| meta.len.0 < len) {
            let size = align_up(len.max(META), state.unit).ok_or(OutOfPages)?;
            let run = self.map_meta(size).or_else(|_| {
                let least = align_up(len, state.unit).ok_or(OutOfPages)?;
                self.meta_from_arena(state, least)
            })?;
            self.tally.add(Counter::MetaBytes, run.len.0 as u64);
            state.meta = Some(run);
        }
        let meta = state.meta.ok_or(OutOfPages)?;
        // SAFETY: `len` bytes are left in the run.
        let rest = unsafe { meta.start.add(len) };
        state.meta = Some(PageRun { start: rest, len: Bytes(meta.len.0 - len) });
        Ok(meta.start)
    }

    fn map_meta(&self, size: usize) -> Result<PageRun, OutOfPages> {
        let run = self.pages.reserve(Bytes(size), Align::ONE, Zeros::No)?;
        // SAFETY: the whole of our new reservation.
        if unsafe { self.pages.commit(run) }.is_err() {
            // SAFETY: as above, and nobody has seen it.
            unsafe { self.pages.release(run) };
            return Err(OutOfPages);
        }
        Ok(run)
    }

    /// Where no new mapping is to be had, metadata comes out of an arena and stays there for ever. A thread's
    /// first block must not fail while another thread has freed memory.
    fn meta_from_arena(&self, state: &mut Held<'_, F, P>, size: usize) -> Result<PageRun, OutOfPages> {
        // The cut needs a descriptor, and this may be the search for one.
        if state.idle.is_none() {
            return Err(OutOfPages);
        }
        let State { fit, dirty, clean, .. } = &mut **state;
        let span = fit.choose(dirty, size).or_else(|| fit.choose(clean, size)).ok_or(OutOfPages)?;
        self.remove(state, span);
        if let Err(refused) = self.commit_to(state, span, span.start().addr() + size) {
            self.insert(state, span);
            return Err(refused);
        }
        if span.len() > size {
            self.split(state, span, size, false);
        }
        // In no set and unknown to the page map: nobody will find it again.
        span.set_kind(Kind::Idle);
        self.map.set(span.start().addr(), null_mut());
        self.map.set(span.end() - GRANULE, null_mut());
        state.arena_meta += span.len();
        let run = run_of(span);
        if !span.zeroed.get() {
            // SAFETY: committed (S3) and ours; metadata begins as zero.
            unsafe { run.start.write_bytes(0, size) };
        }
        Ok(run)
    }

    /// Makes sure that two descriptors are idle: a request needs no more.
    fn stock_descriptors(&self, state: &mut Held<'_, F, P>) -> Result<(), OutOfPages> {
        while state.idle.and_then(|first| first.next.get()).is_none() {
            let at = self.meta_held(state, size_of::<Span<P>>())?.cast::<Span<P>>();
            // SAFETY: fresh metadata of the right size; `meta_held` aligns to 64, as the descriptor asks.
            unsafe { at.write(Span::IDLE) };
            // SAFETY: just written, and metadata lives for ever (D1).
            if let Some(span) = unsafe { SpanRef::from_ptr(at.as_ptr()) } {
                self.recycle(state, span);
            }
        }
        Ok(())
    }

    /// Takes an idle descriptor; `stock_descriptors` has run.
    fn descriptor(&self, state: &mut Held<'_, F, P>) -> Option<SpanRef<P>> {
        let span = state.idle?;
        state.idle = span.next.replace(None);
        Some(span)
    }

    fn recycle(&self, state: &mut Held<'_, F, P>, span: SpanRef<P>) {
        span.set_kind(Kind::Idle);
        span.set_run(null_mut(), 0);
        span.next.set(state.idle);
        span.prev.set(None);
        state.idle = Some(span);
    }

    /// Takes a free span of at least `len` bytes out of its set: a dirty one, a dirty one with a part of its
    /// clean neighbour, a clean one, or a new arena.
    fn find(&self, state: &mut Held<'_, F, P>, len: usize) -> Result<SpanRef<P>, OutOfPages> {
        let State { fit, dirty, .. } = &mut **state;
        if let Some(span) = fit.choose(dirty, len) {
            self.remove(state, span);
            return Ok(span);
        }
        if let Some(span) = self.find_extended(state, len) {
            return Ok(span);
        }
        let State { fit, dirty, clean, .. } = &mut **state;
        let last_resort = || clean.any(len).or_else(|| dirty.any(len));
        if let Some(span) = fit.choose(clean, len).or_else(last_resort) {
            self.remove(state, span);
            return Ok(span);
        }
        self.new_arena(state, len)
    }

    /// The two sets do not coalesce, so a long request could pass by warm memory for ever: joins a dirty span
    /// that is too short with as much of a clean neighbour as is missing.
    fn find_extended(&self, state: &mut Held<'_, F, P>, len: usize) -> Option<SpanRef<P>> {
        let (dirty, clean, to_the_right) =
            state.dirty.shorter(len).take(LOOKS).filter(|dirty| dirty.len() >= len / 4).find_map(
                |dirty| {
                    let fits = |clean: &SpanRef<P>| {
                        clean.kind() == Kind::Free
                            && !clean.dirty.get()
                            && clean.arena.get() == dirty.arena.get()
                            && clean.len() >= len - dirty.len()
                    };
                    let right = self.lookup(dirty.end()).filter(|span| span.start().addr() == dirty.end());
                    if let Some(right) = right.filter(fits) {
                        return Some((dirty, right, true));
                    }
                    let left = self.lookup(dirty.start().addr().wrapping_sub(1));
                    let left = left.filter(|span| span.end() == dirty.start().addr()).filter(fits)?;
                    Some((dirty, left, false))
                },
            )?;
        let missing = len - dirty.len();
        let end = if to_the_right { dirty.end() + missing } else { dirty.start().addr() };
        self.commit_to(state, clean, end).ok()?;
        self.remove(state, dirty);
        self.remove(state, clean);
        if clean.len() > missing {
            if to_the_right {
                self.split(state, clean, missing, false);
            } else {
                let part = self.split(state, clean, clean.len() - missing, true);
                return Some(self.join(state, part, dirty));
            }
        }
        Some(if to_the_right { self.join(state, dirty, clean) } else { self.join(state, clean, dirty) })
    }

    /// Joins a dirty and a clean span that touch and are in no set; the whole counts as dirty.
    fn join(&self, state: &mut Held<'_, F, P>, left: SpanRef<P>, right: SpanRef<P>) -> SpanRef<P> {
        let whole = self.merge(state, left, right);
        whole.zeroed.set(false);
        whole.dirty.set(true);
        whole
    }

    /// Reserves an arena with room for `len` bytes and returns it as one span, in no set.
    fn new_arena(&self, state: &mut Held<'_, F, P>, len: usize) -> Result<SpanRef<P>, OutOfPages> {
        if state.arena_count == ARENAS {
            return Err(OutOfPages);
        }
        let growth = (state.arena_bytes / 4) & !(SMALL_ARENA - 1);
        let (usual, align) = match self.pages.address_limit() {
            Some(limit) => (growth.min((limit.0 / 8) & !(SMALL_ARENA - 1)).max(SMALL_ARENA), state.unit),
            None => (growth.max(ARENA), 2 * Bytes::MIB),
        };
        let align = Align::new(align).ok_or(OutOfPages)?;
        let mut size = usual.max(len);
        let run = loop {
            match self.pages.reserve(Bytes(size), align, Zeros::No) {
                Ok(run) => break run,
                Err(refused) if size <= len => return Err(refused),
                Err(_) => size = ((size / 2) & !(state.unit - 1)).max(len),
            }
        };
        let span = match self.map.reach(&self.pages, run).ok().and_then(|()| self.descriptor(state)) {
            Some(span) => span,
            None => {
                // SAFETY: the whole of our new reservation, which nobody has seen.
                unsafe { self.pages.release(run) };
                return Err(OutOfPages);
            }
        };
        let index = state.arena_count;
        if let Some(arena) = state.arenas.get_mut(index) {
            *arena = Arena { start: run.addr(), end: run.addr() + size, committed: run.addr() };
        }
        state.arena_count += 1;
        state.arena_bytes += size;
        span.set_run(run.start.as_ptr(), size);
        span.arena.set(index as u32);
        span.zeroed.set(true);
        span.dirty.set(false);
        span.remapped.set(false);
        span.set_kind(Kind::Free);
        // A descriptor was used up; the caller may need two more.
        if self.stock_descriptors(state).is_err() {
            self.insert(state, span);
            return Err(OutOfPages);
        }
        Ok(span)
    }

    /// Commits the arena of `span` up to `end`, in a step if the system allows, else exactly.
    fn commit_to(&self, state: &mut Held<'_, F, P>, span: SpanRef<P>, end: usize) -> Result<(), OutOfPages> {
        let step = (state.in_use / 8).clamp(COMMIT_STEP, COMMIT_STEP_MOST);
        let unit = state.unit;
        let arena = state.arenas.get_mut(span.arena.get() as usize).ok_or(OutOfPages)?;
        debug_assert!(arena.start <= span.start().addr() && end <= arena.end);
        if end <= arena.committed {
            return Ok(());
        }
        let from = arena.committed;
        let generous = align_up(end + step, COMMIT_STEP).unwrap_or(end) & !(unit - 1);
        let generous = generous.min(arena.end).max(end);
        for to in [generous, end] {
            // S3: the watermark lies inside this span or at its start, so the address is inside the span.
            let start = span.start().wrapping_add(from.wrapping_sub(span.start().addr()));
            let run = PageRun { start: NonNull::new(start).ok_or(OutOfPages)?, len: Bytes(to - from) };
            // SAFETY: S3: never committed, inside this arena's reservation.
            if unsafe { self.pages.commit(run) }.is_ok() {
                arena.committed = to;
                self.tally.add(Counter::CommittedBytes, (to - from) as u64);
                return Ok(());
            }
        }
        Err(OutOfPages)
    }

    /// Cuts `span`, which is in no set, after `len` bytes; both parts keep its state and are in no set.
    fn cut(&self, state: &mut Held<'_, F, P>, span: SpanRef<P>, len: usize) -> SpanRef<P> {
        let Some(tail) = self.descriptor(state) else {
            unreachable_descriptor();
        };
        let rest = span.len() - len;
        tail.set_run(span.start().wrapping_add(len), rest);
        tail.arena.set(span.arena.get());
        tail.zeroed.set(span.zeroed.get());
        tail.dirty.set(span.dirty.get());
        tail.freed_at.set(span.freed_at.get());
        tail.remapped.set(false);
        span.set_run(span.start(), len);
        tail
    }

    /// Cuts a free span that is in no set and puts the part that is not wanted back: the head when
    /// `keep_tail`, else the tail. Returns the wanted part.
    fn split(&self, state: &mut Held<'_, F, P>, span: SpanRef<P>, at: usize, keep_tail: bool) -> SpanRef<P> {
        let tail = self.cut(state, span, at);
        let (wanted, rest) = if keep_tail { (tail, span) } else { (span, tail) };
        wanted.set_kind(Kind::Idle);
        rest.set_kind(Kind::Idle);
        self.insert(state, rest);
        wanted
    }

    /// Enters a span that is about to be used into the page map.
    fn enter(&self, span: SpanRef<P>, kind: Kind) {
        span.set_kind(kind);
        span.next.set(None);
        span.prev.set(None);
        if kind == Kind::Slab {
            self.map.set_all(span.start().addr(), span.len(), span.as_ptr());
        } else {
            self.enter_ends(span);
        }
    }

    fn enter_ends(&self, span: SpanRef<P>) {
        self.map.set(span.start().addr(), span.as_ptr());
        self.map.set(span.end() - GRANULE, span.as_ptr());
    }

    /// Puts a span into its set, coalesced with its free neighbours of the same set and arena (S2).
    pub(crate) fn insert(&self, state: &mut Held<'_, F, P>, span: SpanRef<P>) {
        if (span.arena.get() as usize) < state.frozen {
            span.set_kind(Kind::Idle);
            if span.dirty.get() {
                // SAFETY: the span is ours and in no set; its addresses are not used again.
                unsafe { self.pages.purge(run_of(span)) };
            }
            return;
        }
        span.set_kind(Kind::Idle);
        let mut whole = span;
        if let Some(left) = self.neighbour(state, whole, whole.start().addr().wrapping_sub(1)) {
            whole = self.merge(state, left, whole);
        }
        if let Some(right) = self.neighbour(state, whole, whole.end()) {
            whole = self.merge(state, whole, right);
        }
        whole.set_kind(Kind::Free);
        self.enter_ends(whole);
        if whole.dirty.get() {
            state.dirty.insert(whole);
            state.dirty_bytes += whole.len();
            self.append_age(state, whole);
        } else {
            state.clean.insert(whole);
        }
    }

    /// The free span that covers `addr` and may coalesce with `span`; taken out of its set.
    fn neighbour(&self, state: &mut Held<'_, F, P>, span: SpanRef<P>, addr: usize) -> Option<SpanRef<P>> {
        let other = self.lookup(addr)?;
        let mergeable = other.kind() == Kind::Free
            && other.contains(addr)
            && other.arena.get() == span.arena.get()
            && other.dirty.get() == span.dirty.get()
            && (other.len() + span.len()) / GRANULE <= u32::MAX as usize;
        if !mergeable {
            return None;
        }
        self.remove(state, other);
        Some(other)
    }

    /// Joins two spans that touch; both are in no set.
    fn merge(&self, state: &mut Held<'_, F, P>, left: SpanRef<P>, right: SpanRef<P>) -> SpanRef<P> {
        self.map.set(left.end() - GRANULE, null_mut());
        self.map.set(right.start().addr(), null_mut());
        left.set_run(left.start(), left.len() + right.len());
        left.zeroed.set(left.zeroed.get() && right.zeroed.get());
        left.freed_at.set(left.freed_at.get().max(right.freed_at.get()));
        left.set_kind(Kind::Idle);
        self.recycle(state, right);
        left
    }

    /// Takes a free span out of its set.
    pub(crate) fn remove(&self, state: &mut Held<'_, F, P>, span: SpanRef<P>) {
        if span.dirty.get() {
            state.dirty.remove(span);
            state.dirty_bytes -= span.len();
            self.remove_age(state, span);
        } else {
            state.clean.remove(span);
        }
    }

    fn append_age(&self, state: &mut Held<'_, F, P>, span: SpanRef<P>) {
        span.newer.set(None);
        span.older.set(state.newest);
        match state.newest {
            Some(newest) => newest.newer.set(Some(span)),
            None => state.oldest = Some(span),
        }
        state.newest = Some(span);
    }

    fn remove_age(&self, state: &mut Held<'_, F, P>, span: SpanRef<P>) {
        let older = span.older.replace(None);
        let newer = span.newer.replace(None);
        match older {
            Some(older) => older.newer.set(newer),
            None => state.oldest = newer,
        }
        match newer {
            Some(newer) => newer.older.set(older),
            None => state.newest = older,
        }
    }

    /// A descriptor for a mapping of its own, taken under the lock.
    pub(crate) fn lone_descriptor(&self) -> Result<SpanRef<P>, OutOfPages> {
        let mut state = self.state.lock();
        self.open_held(&mut state)?;
        self.stock_descriptors(&mut state)?;
        self.descriptor(&mut state).ok_or(OutOfPages)
    }

    /// Makes room in the page map for addresses outside the arenas.
    pub(crate) fn reach(&self, run: PageRun) -> Result<(), OutOfPages> {
        let _state = self.state.lock();
        self.map.reach(&self.pages, run)
    }

    /// Enters a span outside the arenas, or forgets it.
    pub(crate) fn enter_lone(&self, span: SpanRef<P>) {
        span.set_kind(Kind::Huge);
        self.enter_ends(span);
    }

    pub(crate) fn leave_lone(&self, span: SpanRef<P>) {
        self.map.set(span.start().addr(), null_mut());
        self.map.set(span.end() - GRANULE, null_mut());
    }

    pub(crate) fn drop_descriptor(&self, span: SpanRef<P>) {
        let mut state = self.state.lock();
        self.recycle(&mut state, span);
    }

    /// Bytes of addresses are multiples of this.
    pub(crate) fn unit(&self) -> usize {
        self.pages.page().0.max(GRANULE)
    }

    pub(crate) fn publish(&self, state: &Held<'_, F, P>) {
        self.tally.set(Counter::SpanBytes, state.in_use as u64);
        self.tally.raise(Counter::PeakSpanBytes, state.in_use as u64);
        self.tally.set(Counter::DirtyBytes, state.dirty_bytes as u64);
    }

    /// Calls `visit` with every span of the arenas, in address order within each. The lock is held
    /// meanwhile: `visit` may not take or give spans. Answers `false`, and does nothing, when that would mean
    /// waiting: an exiting process must not wait for a thread that may be gone.
    pub fn try_for_each(&self, visit: impl FnMut(SpanRef<P>)) -> bool {
        let Some(state) = self.state.try_lock() else { return false };
        self.visit(&state, visit);
        true
    }

    /// The same, waiting for the lock.
    pub fn for_each(&self, visit: impl FnMut(SpanRef<P>)) {
        self.visit(&self.state.lock(), visit);
    }

    fn visit(&self, state: &Held<'_, F, P>, mut visit: impl FnMut(SpanRef<P>)) {
        for arena in state.arenas.iter().take(state.arena_count) {
            let mut at = arena.start;
            while at < arena.end {
                match self.lookup(at).filter(|span| span.contains(at) && !span.is_empty()) {
                    Some(span) => {
                        visit(span);
                        at = span.end();
                    }
                    // A span that another thread is purging is in no set and not in the map.
                    None => at += state.unit,
                }
            }
        }
    }

    /// After a fork that interrupted another thread under the lock: forgets every free span, because the
    /// sets may be half changed. Live blocks stay valid and may be freed; their addresses are not used again.
    ///
    /// # Safety
    ///
    /// - No other thread runs in this process, and the lock is not held by this one.
    pub unsafe fn start_over(&self) {
        let at = self.state.as_ptr();
        // SAFETY: caller: nobody else looks at the state.
        let state = unsafe { &mut *at };
        state.dirty = FreeSpans::new();
        state.clean = FreeSpans::new();
        state.dirty_bytes = 0;
        state.oldest = None;
        state.newest = None;
        state.idle = None;
        state.meta = None;
        state.frozen = state.arena_count;
        if state.unit != 0 && state.arena_count == 0 {
            state.unit = 0;
        }
    }
}

/// The pages of a span.
pub(crate) fn run_of<P: Payload>(span: SpanRef<P>) -> PageRun {
    PageRun { start: NonNull::new(span.start()).unwrap_or(NonNull::dangling()), len: Bytes(span.len()) }
}

/// `stock_descriptors` runs before every cut; without it this is a defect, and a loop is better than a
/// half-cut span.
#[cold]
fn unreachable_descriptor() -> ! {
    debug_assert!(false, "cut without a stocked descriptor");
    heapwright_os::linux::abort()
}

impl<F: Fit, P: Payload> State<F, P> {
    /// How many bytes may stay dirty now.
    pub(crate) fn dirty_limit(&self, limits: &Limits) -> usize {
        let floor = limits.dirty_floor.load(Ordering::Relaxed);
        if limits.dirty_fixed.load(Ordering::Relaxed) {
            return floor;
        }
        floor.max(self.in_use / CHURN_SHARE).max(self.peak / DIRTY_SHARE)
    }
}
