//! How large the blocks are: distributions, stated or recorded.
//!
//! The recorded ones are what real programs asked `malloc` for (`../record/README.md` says how, and of which runs);
//! each is a file of lines `size,count`.

use fastrand::Rng;

/// Entries of the table that a mix is sampled from.
const ENTRIES: usize = 4096;

/// A distribution of sizes, ready to be sampled.
pub struct Mix(Vec<u32>);

impl Mix {
    /// Small objects of a dynamic program, stated: half up to 48 bytes, nine in ten up to 256, the rest to 1 KiB.
    pub fn objects() -> Self {
        Mix::weighted(&[
            (16, 18),
            (24, 14),
            (32, 12),
            (48, 12),
            (64, 14),
            (96, 10),
            (128, 8),
            (256, 6),
            (512, 4),
            (1024, 2),
        ])
    }

    /// From objects to buffers, stated: as [`Mix::objects`], with one in ten of 1–32 KiB.
    pub fn mixed() -> Self {
        Mix::weighted(&[
            (16, 14),
            (32, 16),
            (48, 12),
            (64, 14),
            (96, 10),
            (128, 8),
            (256, 8),
            (512, 5),
            (1024, 3),
            (2048, 4),
            (4096, 3),
            (8192, 2),
            (32768, 1),
        ])
    }

    /// What a compiler asked for (cc1plus on templates).
    pub fn compiler() -> Self {
        Mix::recorded(include_str!("../mixes/compiler.csv"))
    }

    /// What a scripting language asked for (python3 without its own small-object allocator).
    pub fn script() -> Self {
        Mix::recorded(include_str!("../mixes/script.csv"))
    }

    /// What a server asked for (redis under load).
    pub fn server() -> Self {
        Mix::recorded(include_str!("../mixes/server.csv"))
    }

    /// A size.
    pub fn draw(&self, rng: &mut Rng) -> usize {
        self.0[rng.usize(..ENTRIES)] as usize
    }

    /// Each range ends at the size named, begins behind the one before, and has the weight named.
    fn weighted(ranges: &[(u32, u32)]) -> Self {
        let mut rng = Rng::with_seed(1);
        let mut lines = Vec::new();
        let mut begin = 1;
        for (end, weight) in ranges {
            // Eight sizes of the range stand for it.
            lines.extend((0..8).map(|_| (rng.u32(begin..=*end), u64::from(*weight))));
            begin = end + 1;
        }
        Mix::table(&lines)
    }

    fn recorded(text: &str) -> Self {
        let number = |line: &str| -> Option<(u32, u64)> {
            let (size, count) = line.split_once(',')?;
            Some((size.trim().parse().ok()?, count.trim().parse().ok()?))
        };
        Mix::table(&text.lines().filter_map(number).collect::<Vec<_>>())
    }

    /// The sizes at evenly spaced quantiles.
    fn table(lines: &[(u32, u64)]) -> Self {
        let total: u64 = lines.iter().map(|(_, count)| count).sum();
        assert!(total > 0, "a mix without sizes");
        let mut table = Vec::with_capacity(ENTRIES);
        let (mut line, mut passed) = (0, lines[0].1);
        for entry in 0..ENTRIES as u64 {
            let place = (2 * entry + 1) * total / (2 * ENTRIES as u64);
            while passed <= place {
                line += 1;
                passed += lines[line].1;
            }
            table.push(lines[line].0);
        }
        Mix(table)
    }
}

/// A size between `low` and `high`, every doubling as likely as the next.
pub fn between(rng: &mut Rng, low: usize, high: usize) -> usize {
    let doublings = (high as f64 / low as f64).log2();
    ((low as f64) * (rng.f64() * doublings).exp2()) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mix_keeps_its_shares() {
        let mix = Mix::recorded("size,count\n16,3\n100,1\n");
        let small = mix.0.iter().filter(|size| **size == 16).count();
        assert_eq!((small, mix.0.len()), (ENTRIES * 3 / 4, ENTRIES));
    }

    #[test]
    fn the_stated_shares_hold() {
        let share =
            |mix: &Mix, most: u32| mix.0.iter().filter(|size| **size <= most).count() as f64 / ENTRIES as f64;
        let objects = Mix::objects();
        assert!((share(&objects, 48) - 0.56).abs() < 0.02);
        assert!(share(&objects, 256) > 0.9 && share(&objects, 1024) == 1.0);
        assert!((share(&Mix::mixed(), 1024) - 0.9).abs() < 0.02);
    }

    #[test]
    fn every_recorded_mix_is_there() {
        for mix in [Mix::compiler(), Mix::script(), Mix::server()] {
            assert!(mix.0.iter().all(|size| *size > 0));
        }
    }
}
