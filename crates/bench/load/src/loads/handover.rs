//! Blocks that die on another thread than they were born on.

use super::Task;
use crate::block::Block;
use crate::crew::{joined, part, share, start};
use crate::outcome::Outcome;
use crate::sizes::Mix;
use fastrand::Rng;
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Messages that wait between two stages at most.
const WAITING: usize = 64;
/// Blocks of a message.
const MESSAGE: usize = 16;

/// A session of the server: what it keeps, and when it ends.
struct Session {
    kept: Vec<Block>,
    ends: u64,
}

/// A server: each request builds and drops some scratch and adds to its session; sessions live short or long, and
/// one in eight is ended by another worker. Unit: requests.
pub fn sessions(task: &Task) -> Outcome {
    let mix = Mix::mixed();
    let strangers: Vec<Mutex<Vec<Session>>> = (0..task.threads).map(|_| Mutex::default()).collect();
    let end = |session: Session| session.kept.into_iter().map(Block::free).fold(0, u64::wrapping_add);
    let mut sum = share(task.threads, |index| {
        let mut rng = Rng::with_seed(index as u64);
        let mut open: VecDeque<Session> = VecDeque::new();
        let mut sum = 0_u64;
        for now in 0..part(task.size, task.threads, index) {
            let scratch: Vec<Block> =
                (0..rng.usize(4..24)).map(|_| Block::new(mix.draw(&mut rng), rng.u64(..))).collect();
            if now % 4 == 0 {
                // Most sessions are short; one in sixteen lasts thirty times as long.
                let lasts = rng.u64(1..400) * if rng.u32(..16) == 0 { 30 } else { 1 };
                open.push_back(Session { kept: Vec::new(), ends: now + lasts });
            }
            let current = rng.usize(..open.len().max(1));
            if let Some(session) = open.get_mut(current) {
                session.kept.extend((0..3).map(|_| Block::new(mix.draw(&mut rng), rng.u64(..))));
            }
            sum = scratch.into_iter().map(Block::free).fold(sum, u64::wrapping_add);
            if now % 64 == 63 {
                let (over, rest): (VecDeque<_>, VecDeque<_>) =
                    open.drain(..).partition(|session| session.ends <= now);
                open = rest;
                for session in over {
                    if task.threads > 1 && rng.u32(..8) == 0 {
                        let other = (index + 1) % task.threads;
                        strangers[other].lock().unwrap_or_else(PoisonError::into_inner).push(session);
                    } else {
                        sum = sum.wrapping_add(end(session));
                    }
                }
                let given =
                    std::mem::take(&mut *strangers[index].lock().unwrap_or_else(PoisonError::into_inner));
                sum = given.into_iter().map(end).fold(sum, u64::wrapping_add);
            }
        }
        open.into_iter().map(end).fold(sum, u64::wrapping_add)
    });
    for left in strangers {
        let left = left.into_inner().unwrap_or_else(PoisonError::into_inner);
        sum = left.into_iter().map(end).fold(sum, u64::wrapping_add);
    }
    Outcome::of(sum)
}

/// Half of the threads make messages, the others free them: every free is remote. Unit: messages.
pub fn producers(task: &Task) -> Outcome {
    let mix = Mix::objects();
    let pairs = (task.threads / 2).max(1);
    let sum = thread::scope(|scope| {
        let mut consumers = Vec::new();
        for pair in 0..pairs {
            let (send, receive) = sync_channel::<Vec<Block>>(WAITING);
            let mix = &mix;
            start(scope, move || {
                let mut rng = Rng::with_seed(pair as u64);
                for _ in 0..part(task.size, pairs, pair) {
                    pass(&send, message(mix, &mut rng));
                }
            });
            consumers.push(start(scope, move || {
                receive.iter().flatten().map(Block::free).fold(0, u64::wrapping_add)
            }));
        }
        consumers.into_iter().map(joined).fold(0, u64::wrapping_add)
    });
    Outcome::of(sum)
}

/// A chain of as many stages as threads (two at least), each freeing half of a message and adding as much of its
/// own: what one stage makes another ends, and the stages differ in what they do. Unit: messages.
pub fn pipeline(task: &Task) -> Outcome {
    let (objects, mixed) = (Mix::objects(), Mix::mixed());
    let stages = task.threads.max(2);
    let sum = thread::scope(|scope| {
        let (send, mut receive) = sync_channel::<Vec<Block>>(WAITING);
        let first = &objects;
        start(scope, move || {
            let mut rng = Rng::with_seed(0);
            for _ in 0..task.size {
                pass(&send, message(first, &mut rng));
            }
        });
        let mut workers = Vec::new();
        for stage in 1..stages {
            let (send, next) = sync_channel::<Vec<Block>>(WAITING);
            let inbox = std::mem::replace(&mut receive, next);
            let mix = if stage % 2 == 0 { &objects } else { &mixed };
            let last = stage + 1 == stages;
            workers.push(start(scope, move || relay(&inbox, (!last).then_some(&send), mix, stage)));
        }
        // Nothing comes behind the last stage.
        drop(receive);
        workers.into_iter().map(joined).fold(0, u64::wrapping_add)
    });
    Outcome::of(sum)
}

fn relay(
    inbox: &Receiver<Vec<Block>>,
    next: Option<&SyncSender<Vec<Block>>>,
    mix: &Mix,
    stage: usize,
) -> u64 {
    let mut rng = Rng::with_seed(stage as u64);
    let mut sum = 0_u64;
    for mut message in inbox {
        let Some(next) = next else {
            sum = message.into_iter().map(Block::free).fold(sum, u64::wrapping_add);
            continue;
        };
        sum = message.drain(..MESSAGE / 2).map(Block::free).fold(sum, u64::wrapping_add);
        message.extend((0..MESSAGE / 2).map(|_| Block::new(mix.draw(&mut rng), rng.u64(..))));
        pass(next, message);
    }
    sum
}

fn message(mix: &Mix, rng: &mut Rng) -> Vec<Block> {
    (0..MESSAGE).map(|_| Block::new(mix.draw(rng), rng.u64(..))).collect()
}

/// The other side lives as long as there are messages.
fn pass(next: &SyncSender<Vec<Block>>, message: Vec<Block>) {
    if next.send(message).is_err() {
        eprintln!("heapwright-load: a stage ended early");
        std::process::exit(3);
    }
}

/// Each thread replaces blocks for a while, then hands all of them to a thread it starts, and ends: blocks outlive
/// the threads of their birth (the idea is Larson and Krishnan's, "Memory allocation for long-running server
/// applications", ISMM 1998). Unit: blocks replaced.
pub fn larson(task: &Task) -> Outcome {
    const LIVE: usize = 1000;
    const GENERATIONS: u64 = 20;
    let mix = Mix::objects();
    Outcome::of(share(task.threads, |index| {
        let mut rng = Rng::with_seed(index as u64);
        let work = part(task.size, task.threads, index);
        let mut blocks: Vec<Block> = (0..LIVE).map(|_| Block::new(mix.draw(&mut rng), rng.u64(..))).collect();
        let mut sum = 0_u64;
        for generation in 0..GENERATIONS {
            let steps = part(work, GENERATIONS as usize, generation as usize);
            let (mix, given) = (&mix, blocks);
            let (back, part_sum, state) = thread::scope(|scope| {
                joined(start(scope, move || {
                    let mut own = given;
                    let mut part_sum = 0_u64;
                    for _ in 0..steps {
                        let place = rng.usize(..LIVE);
                        let born = Block::new(mix.draw(&mut rng), rng.u64(..));
                        part_sum = part_sum.wrapping_add(std::mem::replace(&mut own[place], born).free());
                    }
                    (own, part_sum, rng)
                }))
            });
            (blocks, rng) = (back, state);
            sum = sum.wrapping_add(part_sum);
        }
        blocks.into_iter().map(Block::free).fold(sum, u64::wrapping_add)
    }))
}
