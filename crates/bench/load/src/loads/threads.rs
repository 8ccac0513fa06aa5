//! Threads and processes that come, go, or sleep.

use super::Task;
use crate::block::Block;
use crate::crew::{joined, part, share, start};
use crate::outcome::{Outcome, resident};
use crate::sizes::Mix;
use fastrand::Rng;
use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::thread;

/// Threads are born, do little, and end; each lane starts one after the other. Unit: threads.
pub fn storm(task: &Task) -> Outcome {
    let mix = Mix::mixed();
    Outcome::of(share(task.threads, |lane| {
        let (mix, born) = (&mix, part(task.size, task.threads, lane));
        (0..born)
            .map(|number| thread::scope(|scope| joined(start(scope, || brief(mix, lane as u64, number)))))
            .fold(0, u64::wrapping_add)
    }))
}

/// The life of one thread of the storm: fifty blocks.
fn brief(mix: &Mix, lane: u64, number: u64) -> u64 {
    let mut rng = Rng::with_seed(lane << 32 | number);
    let blocks: Vec<Block> = (0..50).map(|_| Block::new(mix.draw(&mut rng), rng.u64(..))).collect();
    blocks.into_iter().map(Block::free).fold(0, u64::wrapping_add)
}

/// As many threads as named do some work, keep twenty blocks each and sleep: the resident set is looked at then.
/// Unit: blocks replaced by each thread.
pub fn sleepers(task: &Task) -> Outcome {
    const KEPT: usize = 20;
    let mix = Mix::mixed();
    let (worked, looked) = (Barrier::new(task.threads + 1), Barrier::new(task.threads + 1));
    let mut end_rss = None;
    let live: Vec<(u64, u64)> = thread::scope(|scope| {
        let (mix, worked, looked) = (&mix, &worked, &looked);
        let sleeper = |index: usize| {
            move || {
                let mut rng = Rng::with_seed(index as u64);
                let mut blocks: Vec<Block> =
                    (0..KEPT).map(|_| Block::new(mix.draw(&mut rng), rng.u64(..))).collect();
                let mut sum = 0_u64;
                for _ in 0..task.size {
                    let born = Block::new(mix.draw(&mut rng), rng.u64(..));
                    sum = sum.wrapping_add(std::mem::replace(&mut blocks[rng.usize(..KEPT)], born).free());
                }
                let live: u64 = blocks.iter().map(|block| block.len() as u64).sum();
                worked.wait();
                looked.wait();
                (blocks.into_iter().map(Block::free).fold(sum, u64::wrapping_add), live)
            }
        };
        let hands: Vec<_> = (0..task.threads).map(|index| start(scope, sleeper(index))).collect();
        worked.wait();
        end_rss = resident();
        looked.wait();
        hands.into_iter().map(joined).collect()
    });
    let checksum = live.iter().fold(0_u64, |sum, (part, _)| sum.wrapping_add(*part));
    Outcome {
        checksum,
        end_rss,
        end_live: Some(live.iter().map(|(_, bytes)| bytes).sum()),
        ..Outcome::default()
    }
}

/// The argument that makes this program a small one.
pub const SMALL_PROGRAM: &str = "small-program";

/// All that the small program does: fifty blocks. What they came to.
pub fn small_program() -> u64 {
    brief(&Mix::objects(), 0, 0)
}

/// Small programs, as a shell script starts them: one after the other, each with next to nothing to do. Who serves
/// them is who serves this process, from which they have their environment. Unit: processes.
pub fn starts(task: &Task) -> Outcome {
    let own = std::env::current_exe().unwrap_or_else(|error| {
        eprintln!("heapwright-load: its own path is unknown: {error}");
        std::process::exit(3);
    });
    Outcome::of(share(task.threads, |index| {
        let mut sum = 0_u64;
        for _ in 0..part(task.size, task.threads, index) {
            let child = Command::new(&own).arg(SMALL_PROGRAM).stdin(Stdio::null()).output();
            let text = child.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
            sum = sum.wrapping_add(text.ok().and_then(|text| text.trim().parse::<u64>().ok()).unwrap_or(1));
        }
        sum
    }))
}
