//! Real threads over the preset for speed: blocks travel, threads are born and end, contents are checked.
//!
//! # Safety
//!
//! Blocks are written for the size asked for and freed once, by whoever holds them.

#![cfg(not(loom))]
#![allow(unsafe_code)]

use heapwright_base::counters::Counter;
use heapwright_engine::size_class::SMALL_MAX;
use heapwright_engine::{Engine, Fast, Heap, LocalFree};
use heapwright_testkit::Rng;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

type Fleet = &'static Engine<Fast>;

/// A block on its way, with what it must hold.
struct Parcel {
    block: *mut u8,
    size: usize,
    seed: u8,
}
// SAFETY: whoever holds the parcel holds the block.
unsafe impl Send for Parcel {}

/// The heap of this thread until it ends.
struct Worker {
    engine: Fleet,
    heap: &'static Heap,
}

impl Worker {
    fn new(engine: Fleet) -> Worker {
        Worker { engine, heap: engine.attach().expect("memory for a heap") }
    }

    fn make(&self, size: usize, seed: u8) -> Parcel {
        let small = if size <= SMALL_MAX { self.heap.pop_small(size) } else { std::ptr::null_mut() };
        let block = if small.is_null() { self.engine.allocate(self.heap, size) } else { small };
        assert!(!block.is_null());
        // SAFETY: a new block of at least `size` bytes.
        unsafe { block.write_bytes(seed, size) };
        Parcel { block, size, seed }
    }

    fn unmake(&self, parcel: Parcel) {
        // SAFETY: the parcel's block.
        let bytes = unsafe { std::slice::from_raw_parts(parcel.block, parcel.size) };
        assert!(bytes.iter().all(|&byte| byte == parcel.seed), "{:p} of {} bytes", parcel.block, parcel.size);
        // SAFETY: live, and ours.
        match unsafe { self.heap.push_local(parcel.block) } {
            LocalFree::Done => {}
            LocalFree::Attention(slab) => self.engine.attend(self.heap, slab),
            LocalFree::Elsewhere => {
                // SAFETY: live, and ours.
                let freed = unsafe { self.engine.free_elsewhere(self.heap, parcel.block) };
                freed.expect("ours");
            }
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.engine.orphan(self.heap);
    }
}

fn size(rng: &mut Rng) -> usize {
    match rng.below(100) {
        0..80 => rng.below(300),
        80..97 => rng.below(9000),
        97..99 => rng.below(200_000),
        _ => (1 << 20) + rng.below(200_000),
    }
}

/// Makes blocks, keeps some, hands some over, frees what others hand over.
fn work(engine: Fleet, shelf: &[Mutex<Vec<Parcel>>], seed: u64, steps: usize) {
    let (worker, mut rng) = (Worker::new(engine), Rng::new(seed));
    let mut mine = Vec::new();
    for step in 0..steps {
        let parcel = worker.make(size(&mut rng), step as u8);
        if rng.below(3) == 0 {
            shelf[rng.below(shelf.len())].lock().expect("shelf").push(parcel);
        } else {
            mine.push(parcel);
        }
        if rng.below(2) == 0 && !mine.is_empty() {
            let i = rng.below(mine.len());
            worker.unmake(mine.swap_remove(i));
        }
        if rng.below(8) == 0 {
            let found = std::mem::take(&mut *shelf[rng.below(shelf.len())].lock().expect("shelf"));
            found.into_iter().for_each(|parcel| worker.unmake(parcel));
        }
        if rng.below(1000) == 0 {
            engine.trim(worker.heap);
        }
    }
    // What is left is for others to free: this thread's heap is an orphan then.
    shelf[0].lock().expect("shelf").extend(mine);
}

fn expect_nothing_in_use(engine: Fleet, shelf: Vec<Mutex<Vec<Parcel>>>) {
    let worker = Worker::new(engine);
    let left = shelf.into_iter().flat_map(|parcels| parcels.into_inner().expect("shelf"));
    left.for_each(|parcel| worker.unmake(parcel));
    drop(worker);
    let census = engine.check();
    assert_eq!((census.slabs, census.remote, census.notified), (0, 0, 0));
    engine.for_each_heap(|heap| engine.settle(heap));
    for counter in [Counter::SpanBytes, Counter::LiveBlocks, Counter::LiveBytes, Counter::HugeBytes] {
        assert_eq!(engine.spans.tally.get(counter), 0, "{}", counter.name());
    }
    assert_eq!(engine.spans.tally.get(Counter::Allocations), engine.spans.tally.get(Counter::Frees));
    engine.spans.purge_all();
    engine.spans.check();
}

fn shelf() -> Vec<Mutex<Vec<Parcel>>> {
    (0..4).map(|_| Mutex::new(Vec::new())).collect()
}

#[test]
fn blocks_travel_between_threads() {
    let engine: Fleet = Box::leak(Box::new(Engine::new()));
    let shelf = shelf();
    std::thread::scope(|scope| {
        (0..6).for_each(|seed| {
            let shelf = &shelf;
            scope.spawn(move || work(engine, shelf, seed, 6000));
        });
    });
    assert!(engine.spans.tally.get(Counter::Heaps) <= 6);
    expect_nothing_in_use(engine, shelf);
}

#[test]
fn threads_are_born_and_end_while_their_blocks_live() {
    let engine: Fleet = Box::leak(Box::new(Engine::new()));
    let shelf = shelf();
    std::thread::scope(|scope| {
        (0..4).for_each(|lane| {
            let shelf = &shelf;
            scope.spawn(move || {
                for life in 0..60 {
                    std::thread::scope(|inner| {
                        inner.spawn(|| work(engine, shelf, lane * 1000 + life, 120));
                    });
                }
            });
        });
    });
    assert!(engine.spans.tally.get(Counter::Heaps) < 20, "heaps are adopted");
    assert!(engine.spans.tally.get(Counter::Adoptions) > 200);
    expect_nothing_in_use(engine, shelf);
}

/// One makes, others free: what pushers find is an owner that drains, sleeps, ends and is adopted.
#[test]
fn a_stream_in_one_direction_stays_bounded() {
    let engine: Fleet = Box::leak(Box::new(Engine::new()));
    let shelf = shelf();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let shelf = &shelf;
        let done = &done;
        for lane in &shelf[1..] {
            scope.spawn(move || {
                let worker = Worker::new(engine);
                loop {
                    let last = done.load(Ordering::Acquire);
                    let found = std::mem::take(&mut *lane.lock().expect("shelf"));
                    let none = found.is_empty();
                    found.into_iter().for_each(|parcel| worker.unmake(parcel));
                    if last && none {
                        return;
                    }
                    std::thread::yield_now();
                }
            });
        }
        scope.spawn(move || {
            for life in 0..20 {
                let worker = Worker::new(engine);
                for step in 0..1500 {
                    let lane = 1 + step % 3;
                    // Room for a few hundred blocks, so that memory in use is bounded by design.
                    while shelf[lane].lock().expect("shelf").len() > 300 {
                        std::thread::yield_now();
                    }
                    let parcel = worker.make(16 + step % 700, life);
                    shelf[lane].lock().expect("shelf").push(parcel);
                }
            }
            done.store(true, Ordering::Release);
        });
    });
    let peak = engine.spans.tally.get(Counter::PeakSpanBytes);
    assert!(peak < 24 << 20, "{peak} bytes for a thousand small blocks");
    expect_nothing_in_use(engine, shelf);
}
