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

mod arena;
mod free_set;
mod resize;

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
    /// Bytes in use from which newly committed memory is asked for as huge pages; a span counts for eight times its
    /// length.
    pub huge_pages_from: AtomicUsize,
}

/// Of the recent peak of bytes in use, the share that may stay dirty: one part in this.
pub(crate) const DIRTY_SHARE: usize = 6;
/// Of the bytes in use now, the share that may stay dirty: a program that churns at a steady size should find
/// its memory warm.
const CHURN_SHARE: usize = 2;
const ARENAS: usize = 1024;

impl Limits {
    const fn new() -> Self {
        Limits {
            dirty_floor: AtomicUsize::new(16 * Bytes::MIB),
            dirty_fixed: AtomicBool::new(false),
            purge_delay: AtomicU64::new(1000),
            huge_threshold: AtomicUsize::new(16 * Bytes::MIB),
            huge_bound: AtomicUsize::new(64 * Bytes::MIB),
            huge_pages_from: AtomicUsize::new(16 * Bytes::MIB),
        }
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Arena {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) committed: usize,
    /// For what will soon be full: its memory is asked for as huge pages.
    pub(crate) dense: bool,
}

pub(crate) struct State<F: Fit, P: Payload> {
    fit: F,
    pub(crate) dirty: FreeSpans<P>,
    /// By [`Arena::dense`].
    pub(crate) clean: [FreeSpans<P>; 2],
    pub(crate) dirty_bytes: usize,
    pub(crate) oldest: Option<SpanRef<P>>,
    pub(crate) newest: Option<SpanRef<P>>,
    pub(crate) idle: Option<SpanRef<P>>,
    meta: Option<PageRun>,
    /// A table in metadata: in the state it would make the library longer by tens of KiB.
    pub(crate) arenas: &'static mut [Arena],
    pub(crate) arena_count: usize,
    /// Arenas below this index belong to a past that a fork cut off in the middle: nothing of them coalesces
    /// or is taken again.
    pub(crate) frozen: usize,
    pub(crate) in_use: usize,
    /// The largest `in_use` of late.
    pub(crate) peak: usize,
    /// Bytes purged of late because too much was dirty, and not taken again since.
    pub(crate) purged: usize,
    /// Bytes that may stay dirty beyond the usual bound, because what was purged had to be made again.
    pub(crate) regret: usize,
    /// When the two, and the peak, were last halved, by the clock of the page source.
    forgot_at: u64,
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
                clean: [const { FreeSpans::new() }; 2],
                dirty_bytes: 0,
                oldest: None,
                newest: None,
                idle: None,
                meta: None,
                arenas: &mut [],
                arena_count: 0,
                frozen: 0,
                in_use: 0,
                peak: 0,
                purged: 0,
                regret: 0,
                forgot_at: 0,
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
        if !state.arenas.is_empty() {
            return Ok(());
        }
        self.open_map(state)?;
        let table = self.meta_held(state, ARENAS * size_of::<Arena>())?.cast::<Arena>();
        // SAFETY: fresh metadata of this length, aligned to 64, zeroed, which no `Arena` minds, and never given back.
        state.arenas = unsafe { core::slice::from_raw_parts_mut(table.as_ptr(), ARENAS) };
        Ok(())
    }

    fn open_map(&self, state: &mut Held<'_, F, P>) -> Result<(), OutOfPages> {
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
        state.forgot_at = self.pages.now();
        Ok(())
    }

    /// Takes a span of at least `len` bytes whose start is aligned to `align`. `dense` says that all of it will soon be
    /// used, and may be asked for as huge pages.
    ///
    /// # Errors
    ///
    /// [`OutOfPages`] when the system refuses; nothing has changed.
    pub fn take(&self, len: usize, align: Align, kind: Kind, dense: bool) -> Result<Taken<P>, OutOfPages> {
        self.try_take(len, align, kind, dense).or_else(|refused| {
            // Dirty and clean neighbours do not coalesce; once everything is clean, they do.
            if !self.may_fit(len) || self.purge_all() == 0 {
                return Err(refused);
            }
            self.try_take(len, align, kind, dense)
        })
    }

    /// Whether free spans might add up to `len` bytes.
    fn may_fit(&self, len: usize) -> bool {
        let state = self.state.lock();
        state.dirty_bytes > 0 && len <= state.arena_bytes.saturating_sub(state.in_use)
    }

    fn try_take(&self, len: usize, align: Align, kind: Kind, dense: bool) -> Result<Taken<P>, OutOfPages> {
        let mut state = self.state.lock();
        self.open_held(&mut state)?;
        let len = align_up(len.max(1), state.unit).ok_or(OutOfPages)?;
        let slack = align.bytes().saturating_sub(state.unit);
        let room = len.checked_add(slack).filter(|&n| n <= u32::MAX as usize).ok_or(OutOfPages)?;
        self.stock_descriptors(&mut state)?;
        let from = self.limits.huge_pages_from.load(Ordering::Relaxed);
        let dense = dense && state.in_use + 8 * len >= from;
        let span = self.find(&mut state, room, dense)?;
        let skip = span.start().addr().wrapping_neg() & (align.bytes() - 1);
        if let Err(refused) = self.commit_to(&mut state, span, span.start().addr() + skip + len) {
            self.insert(&mut state, span);
            return Err(refused);
        }
        let span = if skip > 0 { self.split(&mut state, span, skip, true) } else { span };
        if span.len() > len {
            self.split(&mut state, span, len, false);
        }
        if !span.dirty.get() {
            state.repent(len);
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
            if state.is_dense(span) {
                // SAFETY: committed and ours; whole, so that it becomes one mapping with what lies beside it.
                unsafe { self.pages.prefer_huge(run_of(span)) };
            }
        }
        self.insert(state, span);
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
        state.clean = [const { FreeSpans::new() }; 2];
        state.dirty_bytes = 0;
        state.oldest = None;
        state.newest = None;
        state.idle = None;
        state.meta = None;
        state.frozen = state.arena_count;
        if state.unit != 0 && state.arena_count == 0 {
            state.unit = 0;
            state.arenas = &mut [];
        }
    }
}

/// The pages of a span.
pub(crate) fn run_of<P: Payload>(span: SpanRef<P>) -> PageRun {
    PageRun { start: NonNull::new(span.start()).unwrap_or(NonNull::dangling()), len: Bytes(span.len()) }
}

impl<F: Fit, P: Payload> State<F, P> {
    /// How many bytes may stay dirty now.
    pub(crate) fn dirty_limit(&self, limits: &Limits) -> usize {
        let floor = limits.dirty_floor.load(Ordering::Relaxed);
        if limits.dirty_fixed.load(Ordering::Relaxed) {
            return floor;
        }
        let churn = self.in_use / CHURN_SHARE + self.regret;
        floor.max(churn).max(self.peak / DIRTY_SHARE)
    }

    /// Whether a span lies in an arena for what will soon be full.
    pub(crate) fn is_dense(&self, span: SpanRef<P>) -> bool {
        self.arenas.get(span.arena.get() as usize).is_some_and(|arena| arena.dense)
    }

    /// `len` bytes had to be taken from clean memory: as far as others were purged shortly before, they should have
    /// stayed.
    fn repent(&mut self, len: usize) {
        let again = len.min(self.purged);
        self.purged -= again;
        self.regret = (self.regret + 2 * again).min(self.peak);
    }

    /// Every `delay` milliseconds the peak comes nearer to what is in use by half, and what was purged before is not
    /// missed any more.
    pub(crate) fn forget(&mut self, now: u64, delay: u64) {
        let times = (now - self.forgot_at.min(now)) / delay.max(1);
        if times > 0 {
            let shift = times.min(u64::from(usize::BITS - 1)) as u32;
            self.forgot_at = now;
            self.peak = self.in_use + (self.peak.saturating_sub(self.in_use) >> shift);
            self.regret = (self.regret >> shift).min(self.peak);
            self.purged = 0;
        }
    }
}
