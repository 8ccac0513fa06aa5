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

    /// Every span whose list may hold one of at least `len` bytes, list by list.
    fn candidates(&self, len: usize) -> impl Iterator<Item = SpanRef<P>> + '_ {
        let mut bin = self.next_filled(bin_of(len));
        core::iter::from_fn(move || {
            let here = bin?;
            bin = self.next_filled(here + 1);
            Some(self.bins[here].iter())
        })
        .flatten()
        .filter(move |span| span.len() >= len)
    }
}

/// A rule for choosing a free span.
pub trait Fit: Sized + Send + 'static {
    /// The rule before its first choice.
    const INIT: Self;
    /// A span of at least `len` bytes, still in `free`.
    fn choose<P: Payload>(&mut self, free: &FreeSpans<P>, len: usize) -> Option<SpanRef<P>>;
}

/// The smallest span that is large enough, to within one list's spread when a list is long.
#[derive(Debug)]
pub struct BestFit;

impl Fit for BestFit {
    const INIT: Self = BestFit;

    fn choose<P: Payload>(&mut self, free: &FreeSpans<P>, len: usize) -> Option<SpanRef<P>> {
        let mut bin = free.next_filled(bin_of(len))?;
        loop {
            let fitting = free.bins[bin].iter().take(LOOKS).filter(|span| span.len() >= len);
            if let Some(best) = fitting.min_by_key(|span| (span.len(), span.start().addr())) {
                return Some(best);
            }
            // Only the first list can hold spans that are too short, and only if we did not look far enough.
            if let Some(late) = free.bins[bin].iter().skip(LOOKS).find(|span| span.len() >= len) {
                return Some(late);
            }
            bin = free.next_filled(bin + 1)?;
        }
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
    use super::*;

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
