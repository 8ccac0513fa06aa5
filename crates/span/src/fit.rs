//! Which free span to take.
//!
//! Free spans are kept in lists by size: eight lists per doubling, with a bitmap of those that hold
//! something. A [`Fit`] chooses among them: [`BestFit`] takes the smallest that is large enough (Knuth, The
//! Art of Computer Programming 1, 2.5), [`FirstFit`] the lowest address, [`NextFit`] the lowest address after
//! the one it took last.

use crate::page_map::GRANULE;
use crate::span::{Payload, SpanList, SpanRef};

/// Lists per doubling, as a power of two.
const STEPS: u32 = 3;
/// Lists: lengths of 2^22 granules (16 GiB) and more share the last one.
const BINS: usize = 20 << STEPS;
/// How many spans of one list best fit looks at.
const LOOKS: usize = 64;

/// The list for a length in bytes: all spans of a later list are longer than any of an earlier one.
#[must_use]
pub fn bin_of(len: usize) -> usize {
    let units = len / GRANULE;
    if units < 1 << STEPS {
        return units;
    }
    let log = usize::BITS - 1 - units.leading_zeros();
    let step = (units >> (log - STEPS)) & ((1 << STEPS) - 1);
    ((((log - STEPS + 1) as usize) << STEPS) + step).min(BINS - 1)
}

/// Free spans by size.
pub struct FreeSpans<P: Payload> {
    bins: [SpanList<P>; BINS],
    filled: [u64; BINS.div_ceil(64)],
}

impl<P: Payload> Default for FreeSpans<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Payload> FreeSpans<P> {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        FreeSpans { bins: [const { SpanList::new() }; BINS], filled: [0; BINS.div_ceil(64)] }
    }

    /// Adds a span.
    pub fn insert(&mut self, span: SpanRef<P>) {
        let bin = bin_of(span.len());
        self.bins[bin].push(span);
        self.filled[bin / 64] |= 1 << (bin % 64);
    }

    /// Takes a span of this set out.
    pub fn remove(&mut self, span: SpanRef<P>) {
        let bin = bin_of(span.len());
        self.bins[bin].remove(span);
        if self.bins[bin].first().is_none() {
            self.filled[bin / 64] &= !(1 << (bin % 64));
        }
    }

    /// The first list from `bin` on that holds something.
    fn next_filled(&self, bin: usize) -> Option<usize> {
        let mut word = bin / 64;
        let mut bits = self.filled.get(word)? & (u64::MAX << (bin % 64));
        loop {
            if bits != 0 {
                return Some(word * 64 + bits.trailing_zeros() as usize);
            }
            word += 1;
            bits = *self.filled.get(word)?;
        }
    }

    /// Calls `visit` with every span, and checks that each is in the list for its length, that the lists are
    /// whole, and that the map of filled ones is right.
    pub(crate) fn check(&self, mut visit: impl FnMut(SpanRef<P>)) {
        for (bin, list) in self.bins.iter().enumerate() {
            let filled = self.filled[bin / 64] >> (bin % 64) & 1 != 0;
            assert_eq!(filled, list.first().is_some(), "S1: list {bin} is marked wrongly");
            let mut before = None;
            for span in list.iter() {
                assert_eq!(span.prev.get(), before, "S1: {span:?} has a wrong link back");
                assert_eq!(bin_of(span.len()), bin, "S1: {span:?} is in a list for another length");
                before = Some(span);
                visit(span);
            }
            assert_eq!(list.last(), before, "S1: list {bin} ends elsewhere");
        }
    }

    /// Any span of at least `len` bytes, however long the search: the last resort before a new arena.
    pub(crate) fn any(&self, len: usize) -> Option<SpanRef<P>> {
        self.candidates(len).next()
    }

    /// Spans shorter than `len`, about the longest first.
    pub(crate) fn shorter(&self, len: usize) -> impl Iterator<Item = SpanRef<P>> + '_ {
        let mut above = bin_of(len) + 1;
        core::iter::from_fn(move || {
            above = self.last_filled(above)?;
            Some(self.bins.get(above)?.iter())
        })
        .flatten()
        .filter(move |span| span.len() < len)
    }

    /// The last list before `bin` that holds something.
    fn last_filled(&self, bin: usize) -> Option<usize> {
        let mut word = bin / 64;
        let mut bits = self.filled.get(word).copied().unwrap_or(0) & !(u64::MAX << (bin % 64));
        loop {
            if bits != 0 {
                return Some(word * 64 + 63 - bits.leading_zeros() as usize);
            }
            word = word.checked_sub(1)?;
            bits = *self.filled.get(word)?;
        }
    }

    /// Every span whose list may hold one of at least `len` bytes, list by list.
    fn candidates(&self, len: usize) -> impl Iterator<Item = SpanRef<P>> + '_ {
        let mut bin = self.next_filled(bin_of(len));
        core::iter::from_fn(move || {
            let here = bin?;
            bin = self.next_filled(here + 1);
            Some(self.bins.get(here)?.iter())
        })
        .flatten()
        .filter(move |span| span.len() >= len)
    }
}

/// A rule for choosing a free span.
pub trait Fit: Sized + Send + 'static {
    /// The rule before its first choice.
    const INIT: Self;
    /// A span of at least `len` bytes, still in `free`. May miss one in a long list of spans of about that size.
    fn choose<P: Payload>(&mut self, free: &FreeSpans<P>, len: usize) -> Option<SpanRef<P>>;
}

/// The smallest span that is large enough, to within one list's spread when a list is long.
#[derive(Debug)]
pub struct BestFit;

impl Fit for BestFit {
    const INIT: Self = BestFit;

    fn choose<P: Payload>(&mut self, free: &FreeSpans<P>, len: usize) -> Option<SpanRef<P>> {
        let mut next = free.next_filled(bin_of(len));
        while let Some(bin) = next {
            let list = free.bins.get(bin)?;
            let fitting = list.iter().take(LOOKS).filter(|span| span.len() >= len);
            if let Some(best) = fitting.min_by_key(|span| (span.len(), span.start().addr())) {
                return Some(best);
            }
            next = free.next_filled(bin + 1);
        }
        None
    }
}

/// The span with the lowest address that is large enough.
#[derive(Debug)]
pub struct FirstFit;

impl Fit for FirstFit {
    const INIT: Self = FirstFit;

    fn choose<P: Payload>(&mut self, free: &FreeSpans<P>, len: usize) -> Option<SpanRef<P>> {
        free.candidates(len).min_by_key(|span| span.start().addr())
    }
}

/// The first span after the one taken last, in address order, that is large enough; then from the start.
#[derive(Debug)]
pub struct NextFit {
    after: usize,
}

impl Fit for NextFit {
    const INIT: Self = NextFit { after: 0 };

    fn choose<P: Payload>(&mut self, free: &FreeSpans<P>, len: usize) -> Option<SpanRef<P>> {
        let after = self.after;
        let chosen =
            free.candidates(len).min_by_key(|span| (span.start().addr() <= after, span.start().addr()))?;
        self.after = chosen.start().addr();
        Some(chosen)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::span::Span;
    use core::ptr::without_provenance_mut;
    use std::boxed::Box;

    struct Nothing;
    impl Payload for Nothing {
        type Hot = ();
        type Shared = ();
        const HOT: () = ();
        const SHARED: () = ();
    }

    /// Free spans of these first granules and lengths in granules, entered in this order.
    fn free(spans: &[(usize, usize)]) -> FreeSpans<Nothing> {
        let mut free = FreeSpans::new();
        for &(start, len) in spans {
            let span = SpanRef::from_static(Box::leak(Box::new(Span::IDLE)));
            span.set_run(without_provenance_mut(start * GRANULE), len * GRANULE);
            free.insert(span);
        }
        free.check(|_| ());
        free
    }

    /// Where `fit` would take `len` granules, in granules.
    fn chosen(fit: &mut impl Fit, free: &FreeSpans<Nothing>, len: usize) -> Option<usize> {
        fit.choose(free, len * GRANULE).map(|span| span.start().addr() / GRANULE)
    }

    const SPREAD: &[(usize, usize)] = &[(900, 40), (100, 64), (500, 33), (300, 33), (700, 1000), (50, 2)];

    #[test]
    fn best_fit_takes_the_shortest_and_of_those_the_lowest() {
        let free = free(SPREAD);
        for (len, start) in [(1, 50), (3, 300), (33, 300), (34, 900), (41, 100), (65, 700), (1000, 700)] {
            assert_eq!(chosen(&mut BestFit, &free, len), Some(start), "{len} granules");
        }
        assert_eq!(chosen(&mut BestFit, &free, 1001), None);
    }

    #[test]
    fn best_fit_leaves_a_long_list_for_one_of_longer_spans() {
        // The first are all in the list of 64 to 71 granules; the one that fits was entered first, so it is last.
        let mut spans = std::vec![(1, 70)];
        spans.extend((1..LOOKS).map(|i| (i * 100, 64)));
        spans.push((90_000, 300));
        assert_eq!(chosen(&mut BestFit, &free(&spans), 66), Some(1), "within the looks");
        spans.insert(1, (80_000, 64));
        assert_eq!(chosen(&mut BestFit, &free(&spans), 66), Some(90_000), "beyond them");
    }

    #[test]
    fn first_fit_takes_the_lowest_address() {
        let free = free(SPREAD);
        for (len, start) in [(1, 50), (3, 100), (33, 100), (65, 700)] {
            assert_eq!(chosen(&mut FirstFit, &free, len), Some(start), "{len} granules");
        }
        assert_eq!(chosen(&mut FirstFit, &free, 1001), None);
    }

    #[test]
    fn next_fit_moves_on_and_begins_again() {
        let free = free(SPREAD);
        let mut fit = NextFit::INIT;
        let order: std::vec::Vec<_> = (0..7).map(|_| chosen(&mut fit, &free, 3)).collect();
        assert_eq!(order, [100, 300, 500, 700, 900, 100, 300].map(Some));
        assert_eq!(chosen(&mut fit, &free, 1001), None);
        assert_eq!(chosen(&mut fit, &free, 3), Some(500), "a vain search moves nothing");
    }

    #[test]
    fn what_is_removed_is_not_chosen() {
        let mut free = free(SPREAD);
        while let Some(span) = FirstFit.choose(&free, GRANULE) {
            free.remove(span);
            free.check(|other| assert!(other != span));
        }
        assert_eq!(free.next_filled(0), None);
    }

    #[test]
    fn lists_are_ordered_and_eight_per_doubling() {
        let mut last = 0;
        for units in 1..100_000 {
            let bin = bin_of(units * GRANULE);
            assert!(bin == last || bin == last + 1, "{units} units");
            last = bin;
        }
        assert_eq!(bin_of(8 * GRANULE) + 8, bin_of(16 * GRANULE));
        assert_eq!(bin_of(usize::MAX / 2), BINS - 1);
    }
}
