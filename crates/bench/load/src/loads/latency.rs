//! How long single calls take.

use super::Task;
use crate::block::Block;
use crate::crew::{joined, part, start};
use crate::outcome::Outcome;
use crate::sizes::{Mix, between};
use fastrand::Rng;
use hdrhistogram::Histogram;
use std::thread;
use std::time::Instant;

/// The longest time told apart: one second, in nanoseconds.
const LONGEST: u64 = 1_000_000_000;

/// Churn of small blocks with a large one now and then; each call is timed, and nothing but the call: the times
/// contain one reading of the clock, not the first touch of fresh pages. Unit: blocks replaced.
pub fn churn(task: &Task) -> Outcome {
    let mix = Mix::mixed();
    let parts: Vec<(u64, Histogram<u64>, Histogram<u64>)> = thread::scope(|scope| {
        let mix = &mix;
        let hands: Vec<_> =
            (0..task.threads).map(|index| start(scope, move || timed(task, mix, index))).collect();
        hands.into_iter().map(joined).collect()
    });
    let mut checksum = 0_u64;
    let (mut malloc, mut free) = (histogram(), histogram());
    for (sum, own_malloc, own_free) in &parts {
        checksum = checksum.wrapping_add(*sum);
        // The bounds are the same: adding cannot fail.
        let _ = (malloc.add(own_malloc), free.add(own_free));
    }
    Outcome { checksum, latency: Some((malloc, free)), ..Outcome::default() }
}

fn timed(task: &Task, mix: &Mix, index: usize) -> (u64, Histogram<u64>, Histogram<u64>) {
    let (mut malloc, mut free) = (histogram(), histogram());
    let mut rng = Rng::with_seed(index as u64);
    let live = part(20_000, task.threads, index).max(1) as usize;
    let mut blocks: Vec<Option<Block>> = Vec::new();
    blocks.resize_with(live, || None);
    let mut sum = 0_u64;
    for _ in 0..part(task.size, task.threads, index) {
        let size =
            if rng.u32(..1000) == 0 { between(&mut rng, 32 << 10, 512 << 10) } else { mix.draw(&mut rng) };
        let (place, mark) = (rng.usize(..live), rng.u64(..));
        if let Some(block) = blocks[place].take() {
            sum = sum.wrapping_add(block.value());
            let began = Instant::now();
            drop(block);
            free.saturating_record(nanoseconds(began));
        }
        let began = Instant::now();
        let block = Block::bare(size);
        malloc.saturating_record(nanoseconds(began));
        block.mark(mark);
        blocks[place] = Some(block);
    }
    let sum = blocks.into_iter().flatten().map(Block::free).fold(sum, u64::wrapping_add);
    (sum, malloc, free)
}

fn nanoseconds(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_nanos()).unwrap_or(LONGEST)
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST, 3).expect("bounds that hdrhistogram takes")
}
