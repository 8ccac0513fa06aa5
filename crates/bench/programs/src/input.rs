//! Inputs and checksums: the same on every machine, whatever the allocator and the hash seeds.

use std::hash::{BuildHasherDefault, Hasher};

/// A sequence of numbers fixed by its seed (splitmix64).
#[derive(Clone, Debug)]
pub struct Sequence(u64);

impl Sequence {
    /// The sequence of `seed`.
    pub fn new(seed: u64) -> Sequence {
        Sequence(seed)
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The next number below `limit`, which is not zero.
    pub fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(limit)) >> 64) as u64
    }

    /// One of `choices`.
    pub fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// A length up to `most`: most are short, a few are long.
    pub fn length(&mut self, most: u64) -> usize {
        let scale = 1 + self.below(most);
        (1 + self.below(scale).min(self.below(scale))) as usize
    }
}

/// A checksum over numbers and texts in their order (FNV-1a, eight bytes at a time).
#[derive(Clone, Debug)]
pub struct Checksum(u64);

impl Default for Checksum {
    fn default() -> Checksum {
        Checksum(0xcbf2_9ce4_8422_2325)
    }
}

impl Checksum {
    /// Adds a number.
    pub fn number(&mut self, value: u64) {
        let mixed = (self.0 ^ value).wrapping_mul(0x0000_0100_0000_01b3);
        self.0 = mixed ^ (mixed >> 32);
    }

    /// Adds bytes and their count.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        for part in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..part.len()].copy_from_slice(part);
            self.number(u64::from_le_bytes(word));
        }
    }

    /// The checksum of all that was added.
    pub fn value(&self) -> u64 {
        self.0
    }
}

impl Hasher for Checksum {
    fn write(&mut self, bytes: &[u8]) {
        self.bytes(bytes);
    }

    fn write_u64(&mut self, value: u64) {
        self.number(value);
    }

    fn finish(&self) -> u64 {
        // The table takes its groups from the low bits and its tags from the high ones.
        self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(26)
    }
}

/// A hash map without a random seed, so that each run meets the same collisions and does the same work.
pub type HashMap<K, V> = std::collections::HashMap<K, V, BuildHasherDefault<Checksum>>;

/// Words to make texts of.
pub const WORDS: [&str; 32] = [
    "amber", "basin", "cedar", "delta", "ember", "fjord", "grove", "harbour", "island", "jasper", "kelp",
    "lagoon", "meadow", "north", "orchard", "prairie", "quarry", "river", "summit", "tundra", "upland",
    "valley", "willow", "xylem", "yonder", "zephyr", "moor", "cliff", "dune", "glacier", "heath", "inlet",
];
