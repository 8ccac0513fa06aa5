//! What is left after a long time: fragmentation, and what goes back to the system.

use super::Task;
use crate::block::Block;
use crate::crew::{joined, part, start};
use crate::outcome::{Outcome, resident};
use crate::sizes::{Mix, between};
use fastrand::Rng;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

/// Sizes that one phase after the other is about, in bytes.
const PHASES: [usize; 8] = [24, 400, 64, 3000, 150, 20_000, 40, 1000];
/// What a phase has live at its height, all threads together.
const HEIGHT: u64 = 16 << 20;

/// Phases of different sizes: each grows to 16 MiB and leaves one block in ten behind; of what earlier phases left,
/// half dies in each. At the end the resident set stands against the bytes still live. Unit: phases.
pub fn phases(task: &Task) -> Outcome {
    resting(task, |index| {
        let mut rng = Rng::with_seed(index as u64);
        let mut survivors: Vec<Block> = Vec::new();
        let mut sum = 0_u64;
        for phase in 0..task.size {
            let size = PHASES[(phase % PHASES.len() as u64) as usize];
            let count = part(HEIGHT, task.threads, index) / size as u64;
            let born: Vec<Block> =
                (0..count).map(|_| Block::new(between(&mut rng, size / 2 + 1, size), rng.u64(..))).collect();
            let mut stay = Vec::new();
            for block in born {
                if rng.u32(..10) == 0 { stay.push(block) } else { sum = sum.wrapping_add(block.free()) }
            }
            let (kept, ended): (Vec<_>, Vec<_>) = survivors.drain(..).partition(|_| rng.bool());
            sum = ended.into_iter().map(Block::free).fold(sum, u64::wrapping_add);
            survivors = kept;
            survivors.extend(stay);
        }
        (sum, survivors)
    })
}

/// A burst of work, after which one block in fifty stays and every thread sleeps: does memory go back by itself?
/// Unit: thousand blocks.
pub fn idle(task: &Task) -> Outcome {
    let mix = Mix::mixed();
    resting(task, |index| {
        let mut rng = Rng::with_seed(index as u64);
        let blocks: Vec<Block> = (0..part(task.size * 1000, task.threads, index))
            .map(|_| Block::new(mix.draw(&mut rng), rng.u64(..)))
            .collect();
        let mut sum = 0_u64;
        let mut kept = Vec::new();
        for block in blocks {
            if rng.u32(..50) == 0 { kept.push(block) } else { sum = sum.wrapping_add(block.free()) }
        }
        (sum, kept)
    })
}

/// Runs `work` on every thread, looks at the resident set while all of them rest with what they kept, waits the
/// task's idle seconds, looks again, and frees the rest.
fn resting(task: &Task, work: impl Fn(usize) -> (u64, Vec<Block>) + Sync) -> Outcome {
    let (worked, looked) = (Barrier::new(task.threads + 1), Barrier::new(task.threads + 1));
    let mut outcome = Outcome::default();
    let ends: Vec<(u64, u64)> = thread::scope(|scope| {
        let (work, worked, looked) = (&work, &worked, &looked);
        let resting = |index| {
            move || {
                let (sum, kept) = work(index);
                let live = kept.iter().map(|block| block.len() as u64).sum();
                worked.wait();
                looked.wait();
                (kept.into_iter().map(Block::free).fold(sum, u64::wrapping_add), live)
            }
        };
        let hands: Vec<_> = (0..task.threads).map(|index| start(scope, resting(index))).collect();
        worked.wait();
        outcome.end_rss = resident();
        if task.idle > 0 {
            // Whoever waits for our work may begin with the next.
            println!("resting");
            thread::sleep(Duration::from_secs(u64::from(task.idle)));
            outcome.idle_rss = resident();
        }
        looked.wait();
        hands.into_iter().map(joined).collect()
    });
    outcome.checksum = ends.iter().fold(0, |sum, (part, _)| sum.wrapping_add(*part));
    outcome.end_live = Some(ends.iter().map(|(_, live)| live).sum());
    outcome
}
