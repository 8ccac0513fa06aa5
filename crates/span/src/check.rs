//! Walks the whole back end and names the invariant that does not hold.
//!
//! For tests: it takes time in proportion to all addresses of the arenas, and it reads what S5 says is zero.
//!
//! # Safety
//!
//! Reads only free bytes below an arena's watermark, under the span lock (S3).

#![allow(unsafe_code)]

use crate::fit::Fit;
use crate::page_map::GRANULE;
use crate::span::{Kind, Payload, SpanRef};
use crate::spans::{Arena, Held, Spans};
use heapwright_os::PageSource;

impl<S: PageSource, F: Fit, P: Payload> Spans<S, F, P> {
    /// Checks S1 to S5, P1, D2 and the sums. No other thread may use the back end meanwhile.
    ///
    /// # Panics
    ///
    /// - When an invariant does not hold; the message begins with its name.
    pub fn check(&self) {
        let state = self.state.lock();
        let listed = self.check_sets(&state);
        self.check_ages(&state);
        self.check_idle(&state);
        let (mut free, mut in_use, mut unknown, mut addresses) = (0, 0, 0, 0);
        for (index, arena) in state.arenas.iter().enumerate().take(state.arena_count) {
            addresses += arena.end - arena.start;
            assert!(arena.start <= arena.committed && arena.committed <= arena.end, "S3: arena {index}");
            if index >= state.frozen {
                let found = self.check_arena(&state, arena, index);
                free += found.free;
                in_use += found.in_use;
                unknown += found.unknown;
            }
        }
        assert_eq!(free, listed, "S1: free spans in the arenas and spans in the sets");
        assert_eq!(addresses, state.arena_bytes, "the bytes of all arenas");
        if state.frozen == 0 {
            assert_eq!(in_use, state.in_use, "the bytes in use");
            assert_eq!(unknown, state.arena_meta, "the bytes of arenas that nothing is known of");
        }
        assert!(state.peak >= state.in_use, "the peak is below what is in use");
    }

    /// How many bytes may stay dirty now.
    pub fn dirty_bound(&self) -> usize {
        self.state.lock().dirty_limit(&self.limits)
    }

    /// S1 of both sets; answers how many spans they hold.
    fn check_sets(&self, state: &Held<'_, F, P>) -> usize {
        let (mut count, mut dirty_bytes) = (0, 0);
        let [sparse, dense] = &state.clean;
        for (set, dirty) in [(&state.dirty, true), (sparse, false), (dense, false)] {
            set.check(|span| {
                assert_eq!(span.kind(), Kind::Free, "S1: {span:?} is in a set");
                assert_eq!(span.dirty.get(), dirty, "S1: {span:?} is in the wrong set");
                count += 1;
                dirty_bytes += if dirty { span.len() } else { 0 };
            });
        }
        assert_eq!(dirty_bytes, state.dirty_bytes, "S1: the sum of dirty bytes");
        count
    }

    /// S4.
    fn check_ages(&self, state: &Held<'_, F, P>) {
        let (mut bytes, mut at, mut before) = (0, state.oldest, None);
        while let Some(span) = at {
            assert!(span.kind() == Kind::Free && span.dirty.get(), "S4: {span:?} is in the age list");
            assert_eq!(span.older.get(), before, "S4: {span:?} has a wrong link back");
            bytes += span.len();
            before = at;
            at = span.newer.get();
        }
        assert_eq!(state.newest, before, "S4: the age list ends elsewhere");
        assert_eq!(bytes, state.dirty_bytes, "S4: a dirty span is not in the age list");
    }

    fn check_idle(&self, state: &Held<'_, F, P>) {
        let mut at = state.idle;
        while let Some(span) = at {
            assert!(span.kind() == Kind::Idle && span.is_empty(), "D2: {span:?} is among the idle");
            at = span.next.get();
        }
    }

    /// Walks the spans of one arena.
    fn check_arena(&self, state: &Held<'_, F, P>, arena: &Arena, index: usize) -> Found {
        let (mut found, mut at) = (Found::default(), arena.start);
        let mut before: Option<SpanRef<P>> = None;
        while at < arena.end {
            let Some(span) = self.lookup(at) else {
                found.unknown += state.unit;
                at += state.unit;
                before = None;
                continue;
            };
            assert_eq!(span.start().addr(), at, "S1: {span:?} is entered at {at:#x}");
            assert!(!span.is_empty() && span.len().is_multiple_of(state.unit), "D2: the length of {span:?}");
            assert_eq!(span.arena.get() as usize, index, "D2: the arena of {span:?}");
            assert!(span.end() <= arena.end, "D2: {span:?} leaves its arena");
            self.check_entries(span);
            if span.kind() == Kind::Free {
                found.free += 1;
                let apart = before.is_none_or(|left| left.dirty.get() != span.dirty.get());
                assert!(apart, "S2: {before:?} and {span:?} touch");
                assert!(
                    span.end() <= arena.committed || !span.dirty.get(),
                    "S3: {span:?} was never committed"
                );
                check_zeroed(span, arena.committed);
            } else {
                assert!(matches!(span.kind(), Kind::Slab | Kind::Large), "S1: {span:?} is in an arena");
                assert!(span.end() <= arena.committed, "S3: {span:?} is in use and was never committed");
                found.in_use += span.len();
            }
            before = (span.kind() == Kind::Free).then_some(span);
            at = span.end();
        }
        found
    }

    /// P1: a slab is entered for each granule, any other span for its first and last.
    fn check_entries(&self, span: SpanRef<P>) {
        let (first, last) = (span.start().addr(), span.end() - GRANULE);
        for addr in (first..=last).step_by(GRANULE) {
            let expected = span.kind() == Kind::Slab || addr == first || addr == last;
            let entry = self.lookup(addr);
            assert_eq!(entry, expected.then_some(span), "P1: the entry for {addr:#x} inside {span:?}");
        }
    }
}

/// What an arena holds.
#[derive(Default)]
struct Found {
    /// Free spans.
    free: usize,
    /// Bytes of spans in use.
    in_use: usize,
    /// Bytes that no span covers.
    unknown: usize,
}

/// S5, at the ends of each granule.
fn check_zeroed<P: Payload>(span: SpanRef<P>, committed: usize) {
    let readable = span.len().min(committed.saturating_sub(span.start().addr()));
    if !span.zeroed.get() || readable == 0 {
        return;
    }
    for granule in (0..readable).step_by(GRANULE) {
        for at in [granule, granule + GRANULE - size_of::<u64>()] {
            // SAFETY: inside the span and below the watermark.
            let word = unsafe { span.start().wrapping_add(at).cast::<u64>().read() };
            assert_eq!(word, 0, "S5: {span:?} does not read as zero at {at:#x}");
        }
    }
}
