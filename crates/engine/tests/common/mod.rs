//! An engine over fake pages, as the subject of scripts: a number for each thread, a heap for each number.
//!
//! # Safety
//!
//! Blocks go back to the engine that handed them out, once.

#![allow(unsafe_code, dead_code)]

use heapwright_base::counters::Counter;
use heapwright_base::{Align, Bytes, OutOfPages};
use heapwright_engine::size_class::SMALL_MAX;
use heapwright_engine::{Config, Engine, Heap, LocalFree};
use heapwright_os::{PageRun, PageSource, Zeros};
use heapwright_span::BestFit;
use heapwright_testkit::{FakePages, FaultPlan, Faulty, Options, Subject};
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::Ordering;

/// A source that is chosen after the engine was made: presets are types, fakes are values.
#[derive(Debug)]
pub struct Late(OnceLock<Faulty<FakePages>>);

impl Late {
    fn inner(&self) -> &Faulty<FakePages> {
        self.0.get().expect("a test sets the source first")
    }
}

// SAFETY: every promise is kept by the source behind.
unsafe impl PageSource for Late {
    fn page(&self) -> Bytes {
        self.inner().page()
    }
    fn reserve(&self, len: Bytes, align: Align, zeros: Zeros) -> Result<PageRun, OutOfPages> {
        self.inner().reserve(len, align, zeros)
    }
    unsafe fn commit(&self, run: PageRun) -> Result<(), OutOfPages> {
        // SAFETY: caller: same contract.
        unsafe { self.inner().commit(run) }
    }
    unsafe fn purge(&self, run: PageRun) -> bool {
        // SAFETY: caller: same contract.
        unsafe { self.inner().purge(run) }
    }
    unsafe fn release(&self, run: PageRun) {
        // SAFETY: caller: same contract.
        unsafe { self.inner().release(run) }
    }
    unsafe fn resize(&self, run: PageRun, len: Bytes) -> Result<PageRun, OutOfPages> {
        // SAFETY: caller: same contract.
        unsafe { self.inner().resize(run, len) }
    }
    unsafe fn transfer(&self, run: PageRun, to: PageRun) -> Result<(), OutOfPages> {
        // SAFETY: caller: same contract.
        unsafe { self.inner().transfer(run, to) }
    }
    unsafe fn shift(&self, from: PageRun, to: PageRun) -> Result<(), OutOfPages> {
        // SAFETY: caller: same contract.
        unsafe { self.inner().shift(from, to) }
    }
    unsafe fn renew(&self, run: PageRun) -> bool {
        // SAFETY: caller: same contract.
        unsafe { self.inner().renew(run) }
    }
    fn now(&self) -> u64 {
        self.inner().now()
    }
    fn address_limit(&self) -> Option<Bytes> {
        self.inner().address_limit()
    }
}

/// The preset of the tests.
#[derive(Debug)]
pub struct Faked;

impl Config for Faked {
    type Pages = Late;
    type Fit = BestFit;
    const PAGES: Late = Late(OnceLock::new());
}

/// An engine whose users are numbers.
pub struct Fleet<C: Config> {
    pub engine: &'static Engine<C>,
    heaps: BTreeMap<u8, &'static Heap>,
    live: usize,
}

/// A fleet on fake pages, with few addresses, so that arenas are small and walks are short.
pub fn faked(options: Options, plan: FaultPlan) -> (Fleet<Faked>, FakePages) {
    let options = Options { address_limit: options.address_limit.or(Some(1 << 30)), ..options };
    let pages = FakePages::with(options);
    let engine: &'static Engine<Faked> = Box::leak(Box::new(Engine::new()));
    engine.spans.pages().0.set(Faulty::new(pages.clone(), plan)).expect("set once");
    // Low, so that few bytes reach the paths of huge blocks.
    engine.spans.limits.huge_threshold.store(1 << 20, Ordering::Relaxed);
    (Fleet::new(engine), pages)
}

impl<C: Config> Fleet<C> {
    pub fn new(engine: &'static Engine<C>) -> Self {
        Fleet { engine, heaps: BTreeMap::new(), live: 0 }
    }

    /// The heap of a thread, attached when first needed.
    pub fn heap(&mut self, thread: u8) -> Result<&'static Heap, OutOfPages> {
        if let Some(heap) = self.heaps.get(&thread) {
            return Ok(heap);
        }
        let heap = self.engine.attach()?;
        self.heaps.insert(thread, heap);
        Ok(heap)
    }

    fn born(&mut self, block: *mut u8) -> *mut u8 {
        self.live += usize::from(!block.is_null());
        block
    }

    pub fn counter(&self, counter: Counter) -> u64 {
        self.engine.spans.tally.get(counter)
    }

    /// Every free block of every heap back to the system.
    pub fn trim(&mut self) {
        for heap in self.heaps.values() {
            self.engine.trim(heap);
        }
        if self.heaps.is_empty() {
            self.engine.spans.purge_all();
        }
    }

    /// No block is live: nothing may be in use, whoever owned it.
    #[track_caller]
    pub fn expect_nothing_in_use(&mut self) {
        let threads: Vec<u8> = self.heaps.keys().copied().collect();
        // The commons keep the slab that they are at.
        self.trim();
        threads.into_iter().for_each(|thread| self.end(thread));
        self.engine.check();
        for counter in [Counter::SpanBytes, Counter::LiveBlocks, Counter::LiveBytes, Counter::HugeBytes] {
            assert_eq!(self.counter(counter), 0, "{}", counter.name());
        }
    }
}

// SAFETY: passes on what the engine gives.
unsafe impl<C: Config> Subject for Fleet<C> {
    fn malloc(&mut self, thread: u8, size: usize) -> *mut u8 {
        let Ok(heap) = self.heap(thread) else { return std::ptr::null_mut() };
        let small = if size <= SMALL_MAX { heap.pop_small(size) } else { std::ptr::null_mut() };
        let block = if small.is_null() { self.engine.allocate(heap, size) } else { small };
        self.born(block)
    }

    fn zeroed(&mut self, thread: u8, size: usize) -> *mut u8 {
        let Ok(heap) = self.heap(thread) else { return std::ptr::null_mut() };
        let block = self.engine.allocate_zeroed(heap, size);
        self.born(block)
    }

    fn aligned(&mut self, thread: u8, align: usize, size: usize) -> *mut u8 {
        let Ok(heap) = self.heap(thread) else { return std::ptr::null_mut() };
        let align = Align::new(align).expect("scripts name powers of two");
        let block = self.engine.allocate_aligned(heap, size, align);
        self.born(block)
    }

    unsafe fn free(&mut self, thread: u8, block: *mut u8) {
        let heap = self.heap(thread).expect("a thread that frees has a heap");
        self.live -= 1;
        // SAFETY: caller: live.
        match unsafe { heap.push_local(block) } {
            LocalFree::Done => {}
            LocalFree::Attention(slab) => self.engine.attend(heap, slab),
            // SAFETY: caller: live.
            LocalFree::Elsewhere => unsafe { self.engine.free_elsewhere(heap, block) }.expect("our block"),
        }
    }

    unsafe fn realloc(&mut self, thread: u8, block: *mut u8, size: usize) -> *mut u8 {
        let Ok(heap) = self.heap(thread) else { return std::ptr::null_mut() };
        let align = Align::new(16).expect("a power of two");
        // SAFETY: caller: live.
        unsafe { self.engine.reallocate(heap, block, size, align) }.expect("our block")
    }

    unsafe fn usable_size(&mut self, block: *mut u8) -> Option<usize> {
        Some(self.engine.usable(block).expect("our block"))
    }

    fn purge(&mut self, thread: u8) {
        if let Ok(heap) = self.heap(thread) {
            self.engine.trim(heap);
        }
    }

    fn end(&mut self, thread: u8) {
        if let Some(heap) = self.heaps.remove(&thread) {
            self.engine.orphan(heap);
        }
    }

    fn check(&mut self) {
        let census = self.engine.check();
        self.engine.for_each_heap(|heap| self.engine.settle(heap));
        let [made, freed, live] =
            [Counter::Allocations, Counter::Frees, Counter::LiveBlocks].map(|it| self.counter(it));
        assert_eq!(made, freed + live, "allocations, and frees plus live blocks");
        assert_eq!(live, (self.live + census.remote) as u64, "live blocks");
        assert!(self.counter(Counter::PeakLiveBytes) >= self.counter(Counter::LiveBytes));
    }
}
