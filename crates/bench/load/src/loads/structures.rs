//! What programs build: trees, maps, strings, vectors, by the collections of the standard library.

use super::Task;
use crate::block::weigh;
use crate::crew::{part, share};
use crate::outcome::Outcome;
use fastrand::Rng;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, DefaultHasher};

/// A hash map without a random key: the same walk every time.
type Fixed<K, V> = HashMap<K, V, BuildHasherDefault<DefaultHasher>>;

/// A node of a binary tree.
struct Node {
    mark: u64,
    children: Option<(Box<Node>, Box<Node>)>,
}

impl Node {
    fn grow(depth: u32, mark: u64) -> Box<Node> {
        let child = |side| Node::grow(depth - 1, weigh(mark, side));
        Box::new(Node { mark, children: (depth > 0).then(|| (child(1), child(2))) })
    }

    fn sum(&self) -> u64 {
        let below = self.children.as_ref().map_or(0, |(left, right)| left.sum().wrapping_add(right.sum()));
        self.mark.wrapping_add(below)
    }
}

/// Binary trees are grown, walked and dropped while one tall tree lives on. Unit: trees of 2¹² nodes.
pub fn trees(task: &Task) -> Outcome {
    let tall = Node::grow(16, 1);
    let sum = share(task.threads, |index| {
        (0..part(task.size, task.threads, index))
            .map(|number| Node::grow(11, weigh(index as u64, number as usize)).sum())
            .fold(0, u64::wrapping_add)
    });
    Outcome::of(sum.wrapping_add(tall.sum()))
}

/// A hash map and an ordered map of strings: inserted, looked up, removed at random. Unit: steps.
pub fn maps(task: &Task) -> Outcome {
    Outcome::of(share(task.threads, |index| {
        let mut rng = Rng::with_seed(index as u64);
        let steps = part(task.size, task.threads, index);
        let keys = (steps / 4).max(16);
        let mut hashed: Fixed<u64, String> = Fixed::default();
        let mut ordered: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
        let mut sum = 0_u64;
        for _ in 0..steps {
            let key = rng.u64(..keys);
            match hashed.remove(&key) {
                Some(text) => sum = sum.wrapping_add(read(key, text.as_bytes())),
                None => drop(hashed.insert(key, "x".repeat(1 + (key % 90) as usize))),
            }
            let key = rng.u64(..keys);
            if key.is_multiple_of(3) {
                sum = sum.wrapping_add(ordered.remove(&key).map_or(0, |bytes| read(key, &bytes)));
            } else {
                ordered.entry(key / 3 * 3).or_default().extend_from_slice(&key.to_le_bytes());
            }
        }
        let texts = hashed.iter().map(|(key, text)| read(*key, text.as_bytes()));
        let bytes = ordered.iter().map(|(key, bytes)| read(*key, bytes));
        texts.chain(bytes).fold(sum, u64::wrapping_add)
    }))
}

/// Hundreds of strings grow side by side, piece by piece, as parsers and templates build them. Unit: pieces.
pub fn strings(task: &Task) -> Outcome {
    const PIECES: [&str; 4] = ["a", "some text ", "a longer piece of text, as in a page; ", "\n"];
    Outcome::of(share(task.threads, |index| {
        let mut rng = Rng::with_seed(index as u64);
        let mut texts = vec![String::new(); 200];
        let mut sum = 0_u64;
        for _ in 0..part(task.size, task.threads, index) {
            let place = rng.usize(..texts.len());
            let text = &mut texts[place];
            text.push_str(PIECES[rng.usize(..PIECES.len())]);
            // One in a thousand pieces ends its text, now short, now of some hundred kilobytes.
            if rng.u32(..1000) == 0 {
                sum = sum.wrapping_add(ended(&std::mem::take(text)));
            }
            // And some are handed on as they are, without the room to spare.
            if rng.u32(..64) == 0 {
                texts[place].shrink_to_fit();
            }
        }
        texts.iter().map(|text| ended(text)).fold(sum, u64::wrapping_add)
    }))
}

fn ended(text: &str) -> u64 {
    read(0, text.as_bytes())
}

/// What a key and all bytes of its value stand for.
fn read(key: u64, bytes: &[u8]) -> u64 {
    weigh(key.wrapping_add(bytes.iter().map(|byte| u64::from(*byte)).sum()), bytes.len())
}

/// A vector grows by doubling to `size` MiB, twice. Unit: MiB.
pub fn vector(task: &Task) -> Outcome {
    Outcome::of(share(task.threads, |index| {
        let numbers = part(task.size << 17, task.threads, index);
        let mut sum = 0_u64;
        for round in 0..2 {
            let mut vector = Vec::new();
            for number in 0..numbers {
                vector.push(number ^ round);
            }
            sum = vector.iter().step_by(512).fold(sum, |sum, number| sum.wrapping_add(weigh(*number, 8)));
        }
        sum
    }))
}
