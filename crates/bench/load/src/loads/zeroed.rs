//! `calloc`: of memory that was never used, and of memory that was.

use super::Task;
use crate::block::Block;
use crate::crew::{part, share};
use crate::outcome::Outcome;
use crate::sizes::{Mix, between};
use fastrand::Rng;

/// Tables of 16 KiB to 1 MiB, born together and used once; an allocator that knows fresh pages need not clear them.
/// Unit: tables.
pub fn fresh(task: &Task) -> Outcome {
    Outcome::of(share(task.threads, |index| {
        let mut rng = Rng::with_seed(index as u64);
        let mut dirty = 0;
        let tables: Vec<Block> = (0..part(task.size, task.threads, index))
            .map(|_| {
                let (block, dirt) = Block::zeroed(between(&mut rng, 16 << 10, 1 << 20), rng.u64(..));
                dirty += dirt;
                block
            })
            .collect();
        tables.into_iter().map(Block::free).fold(dirty, u64::wrapping_add)
    }))
}

/// Small and middling blocks replaced at random, each cleared on its way. Unit: blocks replaced.
pub fn reused(task: &Task) -> Outcome {
    let mix = Mix::mixed();
    Outcome::of(share(task.threads, |index| {
        let mut rng = Rng::with_seed(index as u64);
        let mut sum = 0_u64;
        let mut blocks: Vec<Option<Block>> = Vec::new();
        blocks.resize_with(part(4000, task.threads, index).max(1) as usize, || None);
        for _ in 0..part(task.size, task.threads, index) {
            let (block, dirt) = Block::zeroed(mix.draw(&mut rng), rng.u64(..));
            let place = rng.usize(..blocks.len());
            let value = blocks[place].replace(block).map_or(0, Block::free);
            sum = sum.wrapping_add(value).wrapping_add(dirt);
        }
        blocks.into_iter().flatten().map(Block::free).fold(sum, u64::wrapping_add)
    }))
}
