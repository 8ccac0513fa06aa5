//! Where spans come from: arenas, committed in steps, and the memory of the tables themselves.
//!
//! # Safety
//!
//! As in the module above: pages are committed only above an arena's watermark (S3), and metadata is handed out
//! once.

use super::{ARENAS, Arena, Held, Spans, State, run_of};
use crate::fit::Fit;
use crate::page_map::GRANULE;
use crate::span::{Kind, Payload, Span, SpanRef};
use core::ptr::{NonNull, null_mut};
use heapwright_base::counters::Counter;
use heapwright_base::{Align, Bytes, OutOfPages, align_up};
use heapwright_os::{PageRun, PageSource, Zeros};

/// Addresses of the first arenas, where addresses are not limited.
const ARENA: usize = Bytes::GIB;
/// The same where they are limited.
const SMALL_ARENA: usize = 16 * Bytes::MIB;
const COMMIT_STEP: usize = 256 * Bytes::KIB;
const COMMIT_STEP_MOST: usize = 32 * Bytes::MIB;
/// What a huge page is on the systems we know with base pages of 4 KiB.
const HUGE_PAGE: usize = 2 * Bytes::MIB;
/// Metadata is committed in pieces of this size.
const META: usize = 64 * Bytes::KIB;

impl<S: PageSource, F: Fit, P: Payload> Spans<S, F, P> {
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

    pub(super) fn meta_held(
        &self,
        state: &mut Held<'_, F, P>,
        len: usize,
    ) -> Result<NonNull<u8>, OutOfPages> {
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
        let [sparse, dense] = clean;
        let span = fit.choose(dirty, size).or_else(|| fit.choose(sparse, size));
        let span = span.or_else(|| fit.choose(dense, size)).ok_or(OutOfPages)?;
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
    pub(super) fn stock_descriptors(&self, state: &mut Held<'_, F, P>) -> Result<(), OutOfPages> {
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
    pub(super) fn descriptor(&self, state: &mut Held<'_, F, P>) -> Option<SpanRef<P>> {
        let span = state.idle?;
        state.idle = span.next.replace(None);
        Some(span)
    }

    pub(super) fn recycle(&self, state: &mut Held<'_, F, P>, span: SpanRef<P>) {
        span.set_kind(Kind::Idle);
        span.set_run(null_mut(), 0);
        span.next.set(state.idle);
        span.prev.set(None);
        state.idle = Some(span);
    }

    /// Reserves an arena with room for `len` bytes and returns it as one span, in no set.
    pub(super) fn new_arena(
        &self,
        state: &mut Held<'_, F, P>,
        len: usize,
        dense: bool,
    ) -> Result<SpanRef<P>, OutOfPages> {
        if state.arena_count == ARENAS {
            return Err(OutOfPages);
        }
        let growth = (state.arena_bytes / 4) & !(SMALL_ARENA - 1);
        let (usual, align) = match self.pages.address_limit() {
            // Not two kinds of arenas where there is hardly room for one.
            Some(_) if dense => return Err(OutOfPages),
            Some(limit) => (growth.min((limit.0 / 8) & !(SMALL_ARENA - 1)).max(SMALL_ARENA), state.unit),
            None => (growth.max(ARENA), 2 * Bytes::MIB),
        };
        let align = Align::new(align).ok_or(OutOfPages)?;
        let mut size = usual.max(len);
        let (run, span) = loop {
            // An arena that takes the last addresses leaves none for the table's part about itself: then a smaller
            // one is tried too.
            if let Ok(run) = self.pages.reserve(Bytes(size), align, Zeros::No) {
                if let Some(span) =
                    self.map.reach(&self.pages, run).ok().and_then(|()| self.descriptor(state))
                {
                    break (run, span);
                }
                // SAFETY: the whole of our new reservation, which nobody has seen.
                unsafe { self.pages.release(run) };
            }
            if size <= len {
                return Err(OutOfPages);
            }
            size = ((size / 2) & !(state.unit - 1)).max(len);
        };
        let index = state.arena_count;
        if let Some(arena) = state.arenas.get_mut(index) {
            *arena = Arena { start: run.addr(), end: run.addr() + size, committed: run.addr(), dense };
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
    pub(super) fn commit_to(
        &self,
        state: &mut Held<'_, F, P>,
        span: SpanRef<P>,
        end: usize,
    ) -> Result<(), OutOfPages> {
        let step = (state.in_use / 8).clamp(COMMIT_STEP, COMMIT_STEP_MOST);
        let unit = state.unit;
        let arena = state.arenas.get_mut(span.arena.get() as usize).ok_or(OutOfPages)?;
        debug_assert!(arena.start <= span.start().addr() && end <= arena.end);
        if end <= arena.committed {
            return Ok(());
        }
        let from = arena.committed;
        let step_unit = if arena.dense { HUGE_PAGE } else { COMMIT_STEP };
        let generous = align_up(end + step, step_unit).unwrap_or(end) & !(unit - 1);
        let generous = generous.min(arena.end).max(end);
        for to in [generous, end] {
            // S3: the watermark lies inside this span or at its start, so the address is inside the span.
            let start = span.start().wrapping_add(from.wrapping_sub(span.start().addr()));
            let run = PageRun { start: NonNull::new(start).ok_or(OutOfPages)?, len: Bytes(to - from) };
            // SAFETY: S3: never committed, inside this arena's reservation.
            if unsafe { self.pages.commit(run) }.is_ok() {
                arena.committed = to;
                if arena.dense {
                    self.prefer_huge(run);
                }
                self.tally.add(Counter::CommittedBytes, (to - from) as u64);
                return Ok(());
            }
        }
        Err(OutOfPages)
    }

    /// Asks for huge pages where whole ones fit into a committed run of a dense arena.
    fn prefer_huge(&self, run: PageRun) {
        let end = (run.addr() + run.len.0) & !(HUGE_PAGE - 1);
        let skip = run.addr().wrapping_neg() & (HUGE_PAGE - 1);
        let Some(len) = end.checked_sub(run.addr() + skip).filter(|&len| len > 0) else { return };
        // SAFETY: whole huge pages lie between here and the end of the run.
        let start = unsafe { run.start.add(skip) };
        // SAFETY: a part of the caller's run.
        unsafe { self.pages.prefer_huge(PageRun { start, len: Bytes(len) }) };
    }
}
