//! Scripts of what a program does with its heap, made by property tests and by fuzzers alike.
//!
//! Sizes cluster where allocators break: around multiples of 16, around the boundaries of size classes (eight per
//! doubling), around pages and powers of two; most are small, as in real programs, and a few are impossible.

use crate::rng::mix;
use arbitrary::{Arbitrary, Unstructured};
use proptest::prelude::{Strategy, any, prop_oneof};

/// One step of a script. `i` picks among the blocks alive at that moment; `thread` is a small number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Arbitrary)]
pub enum Op {
    /// Allocate.
    Alloc {
        /// Bytes.
        #[arbitrary(with = any_size)]
        size: usize,
        /// Alignment, a power of two; up to 16 is what every allocation gives.
        #[arbitrary(with = any_align)]
        align: usize,
    },
    /// Allocate bytes that are zero.
    Zeroed {
        /// Bytes.
        #[arbitrary(with = any_size)]
        size: usize,
    },
    /// Free a block, on the thread that holds it.
    Free {
        /// Which.
        i: u16,
    },
    /// Change the size of a block, on the thread that holds it.
    Realloc {
        /// Which.
        i: u16,
        /// Its new size.
        #[arbitrary(with = any_size)]
        size: usize,
    },
    /// Hand a block to another thread, which will free or change it.
    Send {
        /// Which.
        i: u16,
        /// To whom.
        #[arbitrary(with = any_thread)]
        thread: u8,
    },
    /// From here on this thread allocates.
    Turn {
        /// Who.
        #[arbitrary(with = any_thread)]
        thread: u8,
    },
    /// The thread ends; what it holds passes to the thread that allocates. Its number may come to life again.
    Die {
        /// Who.
        #[arbitrary(with = any_thread)]
        thread: u8,
    },
    /// Give back to the system what can be given back.
    Purge,
}

/// How many threads scripts use.
pub const THREADS: u8 = 4;

/// A size from two numbers: `kind` chooses the part of the distribution, `fine` the place in it. Small numbers give
/// small sizes, so that shrinking works.
#[must_use]
pub fn size_from(kind: u8, fine: u32) -> usize {
    let fine = fine as usize;
    let nudge = |size: usize| (size + fine % 3).saturating_sub(1);
    match kind {
        0..=79 => fine % 129,
        80..=119 => nudge(16 * (1 + fine / 3 % 64)),
        120..=159 => {
            let doubling = 7 + fine / 3 % 10;
            nudge((1 << doubling) + (fine / 64 % 8) * (1 << (doubling - 3)))
        }
        160..=204 => fine % 4096,
        205..=229 => fine % 65_536,
        230..=243 => nudge(4096 * (1 + fine / 3 % 64)),
        244..=250 => nudge(65_536 * (1 + fine / 3 % 40)),
        251..=253 => nudge(1 << (20 + fine / 3 % 3)),
        254 => 0,
        255 => match fine % 4 {
            0 => usize::MAX,
            1 => usize::MAX - fine % 70_000,
            2 => isize::MAX as usize + 1,
            _ => isize::MAX as usize + 1 + mix(fine as u64) as usize % (isize::MAX as usize),
        },
    }
}

/// An alignment from a number: nearly always the natural one.
fn align_from(kind: u8) -> usize {
    match kind {
        0..=199 => 16,
        200..=219 => 1 << (kind % 5),
        220..=249 => 1 << (5 + kind % 8),
        _ => 1 << (13 + kind % 5),
    }
}

fn any_size(u: &mut Unstructured<'_>) -> arbitrary::Result<usize> {
    Ok(size_from(u.arbitrary()?, u.arbitrary()?))
}

fn any_align(u: &mut Unstructured<'_>) -> arbitrary::Result<usize> {
    Ok(align_from(u.arbitrary()?))
}

fn any_thread(u: &mut Unstructured<'_>) -> arbitrary::Result<u8> {
    Ok(u.arbitrary::<u8>()? % THREADS)
}

/// A script as a fuzzer makes it: steps until its bytes are used up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Script(pub Vec<Op>);

impl<'a> Arbitrary<'a> for Script {
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Script> {
        let mut ops = Vec::new();
        while !u.is_empty() {
            ops.push(u.arbitrary()?);
        }
        Ok(Script(ops))
    }
}

/// Scripts of up to `len` steps, for property tests: more births than deaths, some threads, few purges.
pub fn ops(len: usize) -> impl Strategy<Value = Vec<Op>> {
    let size = || (any::<u8>(), any::<u32>()).prop_map(|(kind, fine)| size_from(kind, fine));
    let thread = || 0..THREADS;
    let op = prop_oneof![
        30 => (size(), any::<u8>()).prop_map(|(size, kind)| Op::Alloc { size, align: align_from(kind) }),
        8 => size().prop_map(|size| Op::Zeroed { size }),
        30 => any::<u16>().prop_map(|i| Op::Free { i }),
        15 => (any::<u16>(), size()).prop_map(|(i, size)| Op::Realloc { i, size }),
        10 => (any::<u16>(), thread()).prop_map(|(i, thread)| Op::Send { i, thread }),
        4 => thread().prop_map(|thread| Op::Turn { thread }),
        2 => thread().prop_map(|thread| Op::Die { thread }),
        1 => proptest::strategy::Just(Op::Purge),
    ];
    proptest::collection::vec(op, 0..=len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rng;
    use proptest::prelude::*;

    #[test]
    fn sizes_are_mostly_small_with_every_extreme() {
        let mut rng = Rng::new(3);
        let sizes: Vec<_> = (0..20_000).map(|_| size_from(rng.word() as u8, rng.word() as u32)).collect();
        let share = |test: &dyn Fn(usize) -> bool| sizes.iter().filter(|&&size| test(size)).count();
        assert!(share(&|size| size <= 1024) > sizes.len() / 3);
        assert!(share(&|size| size > isize::MAX as usize) > 0);
        assert!(share(&|size| (1 << 20..=isize::MAX as usize).contains(&size)) > sizes.len() / 200);
        assert!(share(&|size| size == 0) > 0);
        assert!(share(&|size| size % 4096 == 1 && size > 4096) > 0);
        assert!(share(&|size| (8 << 20..=isize::MAX as usize).contains(&size)) == 0, "tests stay small");
    }

    #[test]
    fn a_fuzzer_makes_every_kind_of_step() {
        let mut rng = Rng::new(5);
        let bytes: Vec<u8> = (0..20_000).map(|_| rng.word() as u8).collect();
        let Script(ops) = Script::arbitrary_take_rest(Unstructured::new(&bytes)).expect("enough bytes");
        let kinds: std::collections::HashSet<_> = ops.iter().map(std::mem::discriminant).collect();
        assert_eq!(kinds.len(), 8);
    }

    proptest! {
        #[test]
        fn scripts_name_valid_alignments_and_threads(script in ops(50)) {
            for op in script {
                match op {
                    Op::Alloc { align, .. } => prop_assert!(align.is_power_of_two() && align <= 1 << 17),
                    Op::Send { thread, .. } | Op::Turn { thread } | Op::Die { thread } => {
                        prop_assert!(thread < THREADS);
                    }
                    _ => {}
                }
            }
        }
    }
}
