//! Random churn: a steady number of live blocks, of which a random one dies and is replaced.

use super::Task;
use crate::block::Block;
use crate::crew::{part, share};
use crate::outcome::Outcome;
use crate::sizes::{Mix, between};
use fastrand::Rng;

/// Live small blocks, shared out to the threads.
const LIVE: u64 = 40_000;
/// Live large buffers, likewise; each thread has one at least.
const BUFFERS: u64 = 16;

/// Small objects, stated sizes. Unit: blocks replaced.
pub fn objects(task: &Task) -> Outcome {
    small(task, &Mix::objects())
}

/// From objects to buffers, stated sizes. Unit: blocks replaced.
pub fn mixed(task: &Task) -> Outcome {
    small(task, &Mix::mixed())
}

/// The sizes of a scripting language. Unit: blocks replaced.
pub fn script(task: &Task) -> Outcome {
    small(task, &Mix::script())
}

/// The sizes of a compiler. Unit: blocks replaced.
pub fn compiler(task: &Task) -> Outcome {
    small(task, &Mix::compiler())
}

/// The sizes of a server. Unit: blocks replaced.
pub fn server(task: &Task) -> Outcome {
    small(task, &Mix::server())
}

fn small(task: &Task, mix: &Mix) -> Outcome {
    churn(task, LIVE, |rng, mark| Block::new(mix.draw(rng), mark))
}

/// Blocks of 16 bytes to 8 KiB at multiples of 16 bytes to 4 KiB. Unit: blocks replaced.
pub fn aligned(task: &Task) -> Outcome {
    churn(task, LIVE / 16, |rng, mark| {
        let align = 16 << rng.usize(..9);
        Block::aligned(between(rng, 16, 8192), align, mark)
    })
}

/// Blocks of 32 bytes to 64 KiB change their size at random, mostly a little. Unit: resizings.
pub fn resized(task: &Task) -> Outcome {
    Outcome::of(share(task.threads, |index| {
        let mut rng = Rng::with_seed(index as u64);
        let slots = part(LIVE / 32, task.threads, index).max(1);
        let born = |rng: &mut Rng| Block::new(between(rng, 32, 64 << 10), rng.u64(..));
        let mut blocks: Vec<Block> = (0..slots).map(|_| born(&mut rng)).collect();
        let mut sum = 0_u64;
        for _ in 0..part(task.size, task.threads, index) {
            let place = rng.usize(..blocks.len());
            let len = match rng.u32(..8) {
                0 => between(&mut rng, 32, 64 << 10),
                1 | 2 => blocks[place].len() / 2 + 16,
                _ => blocks[place].len() * 9 / 8,
            };
            let other = born(&mut rng);
            let block = std::mem::replace(&mut blocks[place], other).resized(len.min(256 << 10));
            sum = sum.wrapping_add(std::mem::replace(&mut blocks[place], block).free());
        }
        blocks.into_iter().map(Block::free).fold(sum, u64::wrapping_add)
    }))
}

/// Buffers of 64 KiB to 8 MiB, each page written. Unit: buffers replaced.
pub fn large(task: &Task) -> Outcome {
    churn(task, BUFFERS, |rng, mark| Block::new(between(rng, 64 << 10, 8 << 20), mark))
}

fn churn(task: &Task, live: u64, birth: impl Fn(&mut Rng, u64) -> Block + Sync) -> Outcome {
    Outcome::of(share(task.threads, |index| {
        let mut rng = Rng::with_seed(index as u64);
        let slots = part(live, task.threads, index).max(1);
        let born = |rng: &mut Rng| {
            let mark = rng.u64(..);
            birth(rng, mark)
        };
        let mut blocks: Vec<Block> = (0..slots).map(|_| born(&mut rng)).collect();
        let mut sum = 0_u64;
        for _ in 0..part(task.size, task.threads, index) {
            let place = rng.usize(..blocks.len());
            let dead = std::mem::replace(&mut blocks[place], born(&mut rng));
            sum = sum.wrapping_add(dead.free());
        }
        blocks.into_iter().map(Block::free).fold(sum, u64::wrapping_add)
    }))
}
