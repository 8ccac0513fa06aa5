//! Batches: a thousand blocks are born, then all die, in the opposite order or in the same.

use super::Task;
use crate::block::Block;
use crate::crew::{part, share};
use crate::outcome::Outcome;
use crate::sizes::Mix;
use fastrand::Rng;

/// Blocks of a batch.
const BATCH: usize = 1000;

/// The last born dies first, as a stack of calls frees. Unit: batches.
pub fn lifo(task: &Task) -> Outcome {
    batches(task, |blocks| blocks.drain(..).rev().map(Block::free).fold(0, u64::wrapping_add))
}

/// The first born dies first, as a queue or a phase frees. Unit: batches.
pub fn fifo(task: &Task) -> Outcome {
    batches(task, |blocks| blocks.drain(..).map(Block::free).fold(0, u64::wrapping_add))
}

fn batches(task: &Task, end: impl Fn(&mut Vec<Block>) -> u64 + Sync) -> Outcome {
    let mix = Mix::objects();
    Outcome::of(share(task.threads, |index| {
        let mut rng = Rng::with_seed(index as u64);
        let mut blocks = Vec::with_capacity(BATCH);
        let mut sum = 0_u64;
        for _ in 0..part(task.size, task.threads, index) {
            for _ in 0..BATCH {
                blocks.push(Block::new(mix.draw(&mut rng), rng.u64(..)));
            }
            sum = sum.wrapping_add(end(&mut blocks));
        }
        sum
    }))
}
