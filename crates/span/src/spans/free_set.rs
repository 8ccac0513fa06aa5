//! The two sets of free spans: found, cut, put back and coalesced (S1, S2, S4).

use super::{Held, Spans, State, run_of};
use crate::fit::Fit;
use crate::page_map::GRANULE;
use crate::span::{Kind, Payload, SpanRef};
use core::ptr::null_mut;
use heapwright_base::OutOfPages;
use heapwright_os::PageSource;

/// How many dirty spans are tried for a clean neighbour.
const LOOKS: usize = 16;

impl<S: PageSource, F: Fit, P: Payload> Spans<S, F, P> {
    /// Takes a free span of at least `len` bytes out of its set: a dirty one, a dirty one with a part of its
    /// clean neighbour, a clean one of its kind of arena, a new arena, or what else there is.
    pub(super) fn find(
        &self,
        state: &mut Held<'_, F, P>,
        len: usize,
        dense: bool,
    ) -> Result<SpanRef<P>, OutOfPages> {
        let State { fit, dirty, .. } = &mut **state;
        if let Some(span) = fit.choose(dirty, len) {
            self.remove(state, span);
            return Ok(span);
        }
        if let Some(span) = self.find_extended(state, len, dense) {
            return Ok(span);
        }
        let State { fit, dirty, clean, .. } = &mut **state;
        let clean = &mut clean[usize::from(dense)];
        let last_resort = || clean.any(len).or_else(|| dirty.any(len));
        if let Some(span) = fit.choose(clean, len).or_else(last_resort) {
            self.remove(state, span);
            return Ok(span);
        }
        if let Ok(span) = self.new_arena(state, len, dense) {
            return Ok(span);
        }
        // The refusal may have cost a descriptor.
        self.stock_descriptors(state)?;
        let State { fit, clean, .. } = &mut **state;
        let other = &mut clean[usize::from(!dense)];
        if let Some(span) = fit.choose(other, len).or_else(|| other.any(len)) {
            self.remove(state, span);
            return Ok(span);
        }
        if dense { self.new_arena(state, len, false) } else { Err(OutOfPages) }
    }

    /// The two sets do not coalesce, so a long request could pass by warm memory for ever: joins a dirty span
    /// that is too short with as much of a clean neighbour as is missing.
    fn find_extended(&self, state: &mut Held<'_, F, P>, len: usize, dense: bool) -> Option<SpanRef<P>> {
        let (dirty, clean, to_the_right) =
            state.dirty.shorter(len).take(LOOKS).filter(|dirty| dirty.len() >= len / 4).find_map(
                |dirty| {
                    let fits = |clean: &SpanRef<P>| {
                        clean.kind() == Kind::Free
                            && !clean.dirty.get()
                            && clean.arena.get() == dirty.arena.get()
                            && state.is_dense(*clean) == dense
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

    /// Cuts `span`, which is in no set, after `len` bytes; both parts keep its state and are in no set.
    pub(super) fn cut(&self, state: &mut Held<'_, F, P>, span: SpanRef<P>, len: usize) -> SpanRef<P> {
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
    pub(super) fn split(
        &self,
        state: &mut Held<'_, F, P>,
        span: SpanRef<P>,
        at: usize,
        keep_tail: bool,
    ) -> SpanRef<P> {
        let tail = self.cut(state, span, at);
        let (wanted, rest) = if keep_tail { (tail, span) } else { (span, tail) };
        wanted.set_kind(Kind::Idle);
        rest.set_kind(Kind::Idle);
        self.insert(state, rest);
        wanted
    }

    /// Enters a span that is about to be used into the page map.
    pub(super) fn enter(&self, span: SpanRef<P>, kind: Kind) {
        span.set_kind(kind);
        span.next.set(None);
        span.prev.set(None);
        if kind == Kind::Slab {
            self.map.set_all(span.start().addr(), span.len(), span.as_ptr());
        } else {
            self.enter_ends(span);
        }
    }

    pub(super) fn enter_ends(&self, span: SpanRef<P>) {
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
            let dense = state.is_dense(whole);
            state.clean[usize::from(dense)].insert(whole);
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
            let dense = state.is_dense(span);
            state.clean[usize::from(dense)].remove(span);
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
}

/// `stock_descriptors` runs before every cut; without it this is a defect, and a loop is better than a
/// half-cut span.
#[cold]
fn unreachable_descriptor() -> ! {
    debug_assert!(false, "cut without a stocked descriptor");
    heapwright_os::linux::abort()
}
