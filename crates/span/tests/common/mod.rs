//! A back end beside a model of it: which bytes are taken, and what they hold.
//!
//! # Safety
//!
//! The model writes to spans that the back end has handed out and that it has not given back.

#![allow(unsafe_code, dead_code)]

use heapwright_base::counters::Counter;
use heapwright_base::{Align, OutOfPages};
use heapwright_os::PageSource;
use heapwright_span::{Fit, GRANULE, Kind, Payload, SpanRef, Spans};
use std::collections::BTreeMap;

/// A front end that keeps nothing in a descriptor.
#[derive(Debug)]
pub struct Nothing;

impl Payload for Nothing {
    type Hot = ();
    type Shared = ();
    const HOT: () = ();
    const SHARED: () = ();
}

/// A span that the model holds.
#[derive(Clone, Copy, Debug)]
pub struct Live {
    pub span: SpanRef<Nothing>,
    seed: u64,
    /// Bytes whose contents are known.
    known: usize,
}

/// The back end, and what it must remember.
pub struct World<S: PageSource, F: Fit> {
    pub spans: Box<Spans<S, F, Nothing>>,
    pub live: Vec<Live>,
    taken: BTreeMap<usize, usize>,
    seeds: u64,
}

/// Bytes at which contents are compared: the ends of each granule.
fn places(len: usize) -> impl Iterator<Item = usize> {
    (0..len).step_by(GRANULE).flat_map(|at| [at, at + GRANULE - 8])
}

impl<S: PageSource, F: Fit> World<S, F> {
    pub fn new(pages: S) -> Self {
        let spans = Box::new(Spans::new(pages));
        World { spans, live: Vec::new(), taken: BTreeMap::new(), seeds: 0 }
    }

    pub fn unit(&self) -> usize {
        self.spans.pages().page().0.max(GRANULE)
    }

    pub fn counter(&self, counter: Counter) -> u64 {
        self.spans.tally.get(counter)
    }

    /// Everything that must hold between two operations.
    #[track_caller]
    pub fn check(&self) {
        self.spans.check();
        let arenas = self.live.iter().filter(|live| live.span.kind() != Kind::Huge);
        let in_use: usize = arenas.map(|live| live.span.len()).sum();
        assert_eq!(self.counter(Counter::SpanBytes), in_use as u64, "bytes in use");
        let huge = self.live.iter().filter(|live| live.span.kind() == Kind::Huge);
        let (blocks, bytes) = huge.fold((0, 0), |(n, sum), live| (n + 1, sum + live.span.len() as u64));
        assert_eq!((self.counter(Counter::HugeBlocks), self.counter(Counter::HugeBytes)), (blocks, bytes));
    }

    fn mark(&mut self, i: usize) {
        self.seeds += 1;
        let live = &mut self.live[i];
        (live.seed, live.known) = (self.seeds << 32, live.span.len());
        for at in places(live.known) {
            // SAFETY: ours, and inside.
            unsafe { live.span.start().add(at).cast::<u64>().write(live.seed + at as u64) };
        }
    }

    /// The contents of a span are what was written.
    #[track_caller]
    pub fn holds(&self, i: usize) {
        let live = &self.live[i];
        for at in places(live.known) {
            // SAFETY: ours, and inside.
            let word = unsafe { live.span.start().add(at).cast::<u64>().read() };
            assert_eq!(word, live.seed + at as u64, "{live:?} changed at {at:#x}");
        }
    }

    #[track_caller]
    pub fn hold_all(&self) {
        (0..self.live.len()).for_each(|i| self.holds(i));
    }

    /// Enters a span into the model; it may overlap no other.
    #[track_caller]
    fn occupy(&mut self, span: SpanRef<Nothing>) {
        let (start, end) = (span.start().addr(), span.start().addr() + span.len());
        let whole = start.is_multiple_of(self.unit()) && span.len().is_multiple_of(self.unit());
        assert!(!span.is_empty() && whole);
        if let Some((&other, &len)) = self.taken.range(..end).next_back() {
            assert!(other + len <= start, "{span:?} overlaps {other:#x}+{len:#x}");
        }
        self.taken.insert(start, span.len());
    }

    fn vacate(&mut self, span: SpanRef<Nothing>) {
        assert_eq!(self.taken.remove(&span.start().addr()), Some(span.len()));
    }

    #[track_caller]
    fn begin(&mut self, span: SpanRef<Nothing>, len: usize, align: Align, zeroed: bool) {
        assert!(span.len() >= len && span.len() - len < self.unit(), "{span:?} for {len:#x} bytes");
        assert_eq!(span.start().addr() % align.bytes(), 0, "{span:?} is not aligned to {align:?}");
        self.occupy(span);
        if zeroed {
            // SAFETY: ours, and inside; committed.
            let bytes = unsafe { std::slice::from_raw_parts(span.start(), span.len()) };
            let zero = [0u8; GRANULE];
            assert!(bytes.chunks(GRANULE).all(|piece| piece == zero), "{span:?} was said to be zero");
        }
        self.live.push(Live { span, seed: 0, known: 0 });
        self.mark(self.live.len() - 1);
    }

    #[track_caller]
    pub fn take(&mut self, len: usize, align: usize, kind: Kind) -> Result<(), OutOfPages> {
        let align = Align::new(align).expect("a power of two");
        let taken = self.spans.take(len, align, kind, kind == Kind::Large)?;
        assert_eq!(taken.span.kind(), kind);
        self.begin(taken.span, len, align, taken.zeroed);
        Ok(())
    }

    #[track_caller]
    pub fn map_huge(&mut self, len: usize, align: usize) -> Result<(), OutOfPages> {
        let align = Align::new(align).expect("a power of two");
        let span = self.spans.map_huge(len, align)?;
        assert_eq!(span.kind(), Kind::Huge);
        self.begin(span, len, align, true);
        Ok(())
    }

    /// Gives a span of any kind back.
    #[track_caller]
    pub fn give(&mut self, i: usize) {
        self.holds(i);
        let span = self.live.swap_remove(i).span;
        self.vacate(span);
        if span.kind() == Kind::Huge {
            // SAFETY: ours, and forgotten.
            unsafe { self.spans.unmap_huge(span) };
            return;
        }
        // SAFETY: ours, and forgotten.
        unsafe { self.spans.give(span) };
        let bound = self.spans.dirty_bound() as u64;
        let dirty = self.counter(Counter::DirtyBytes);
        assert!(dirty <= bound, "{dirty} dirty bytes, {bound} are allowed");
    }

    /// Changes the length of a large or huge span.
    #[track_caller]
    pub fn resize(&mut self, i: usize, len: usize) -> Result<(), OutOfPages> {
        let span = self.live[i].span;
        let (start, old) = (span.start().addr(), span.len());
        let one = Align::new(self.unit()).expect("a power of two");
        let done = match span.kind() {
            // SAFETY: ours; the tail is forgotten.
            Kind::Large => unsafe { self.spans.resize(span, len) },
            // SAFETY: as above; only the new address is used.
            Kind::Huge => unsafe { self.spans.resize_huge(span, len, one) },
            kind => panic!("{kind:?} is not resized"),
        };
        if done.is_err() {
            assert_eq!((span.start().addr(), span.len()), (start, old), "a refused resize changes nothing");
            self.holds(i);
            return done;
        }
        assert_eq!(self.taken.remove(&start), Some(old));
        assert!(span.kind() == Kind::Huge || span.start().addr() == start);
        assert!(span.len() >= len && span.len() - len < self.unit());
        self.occupy(span);
        self.live[i].known = old.min(span.len());
        self.holds(i);
        self.mark(i);
        Ok(())
    }

    /// Moves the pages of a large span to a longer one, and gives the old one back.
    #[track_caller]
    pub fn shift(&mut self, i: usize, len: usize) -> Result<(), OutOfPages> {
        let from = self.live[i];
        let to = self.spans.take(len, Align::ONE, Kind::Large, true)?.span;
        self.occupy(to);
        // SAFETY: both are ours, `to` is not shorter and holds nothing.
        let moved = unsafe { self.spans.shift(from.span, to) };
        let kept = if moved.is_ok() { to } else { from.span };
        self.live[i].span = kept;
        self.holds(i);
        let other = if moved.is_ok() { from.span } else { to };
        self.vacate(other);
        // SAFETY: ours, and forgotten.
        unsafe { self.spans.give(other) };
        self.mark(i);
        moved
    }

    /// Makes a huge span of a large one.
    #[track_caller]
    pub fn shift_to_huge(&mut self, i: usize, len: usize) -> Result<(), OutOfPages> {
        let from = self.live[i].span;
        // SAFETY: ours, and shorter.
        let to = unsafe { self.spans.shift_to_huge(from, len) };
        let Ok(to) = to else {
            self.holds(i);
            return Err(OutOfPages);
        };
        self.vacate(from);
        // SAFETY: ours, and forgotten.
        unsafe { self.spans.give(from) };
        self.occupy(to);
        self.live[i].span = to;
        self.holds(i);
        self.mark(i);
        Ok(())
    }

    /// Gives everything back: no byte may be missing from what is free.
    #[track_caller]
    pub fn finish(&mut self) {
        while !self.live.is_empty() {
            self.give(self.live.len() - 1);
            self.check();
        }
        self.spans.purge_all();
        self.check();
        assert_eq!(self.counter(Counter::DirtyBytes), 0);
        // With S2, which `check` has seen to hold, this makes each arena one free span.
        self.spans.for_each(|span| assert_eq!(span.kind(), Kind::Free, "{span:?} is lost"));
    }
}
