//! The interpreter passes good heaps and stops at each kind of broken one.

use super::*;
use crate::{GlobalSubject, ops};
use proptest::prelude::*;
use std::alloc::System;

static SYSTEM: System = System;

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_system_allocator_passes(script in ops(200)) {
        let outcome = run_checked(&script, &mut GlobalSubject::new(&SYSTEM), 16);
        prop_assert_eq!(outcome.refused, 0);
    }
}

/// What a broken heap does wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    Nothing,
    Overlaps,
    Misaligns,
    ForgetsZero,
    LosesBytes,
    WritesOnFree,
    GrantsTheImpossible,
    LosesOnRefusal,
    UsableTooSmall,
}

/// Hands out a lent array from the bottom up and never reuses it.
struct Bump {
    room: Vec<u64>,
    next: usize,
    fault: Fault,
    sizes: std::collections::HashMap<usize, usize>,
    ended: Vec<u8>,
    frees: Vec<u8>,
}

impl Bump {
    fn new(fault: Fault) -> Bump {
        let room = vec![0x5555_5555_5555_5555; 1 << 17];
        let (sizes, ended, frees) = Default::default();
        Bump { room, next: 0, fault, sizes, ended, frees }
    }

    fn at(&mut self, offset: usize) -> *mut u8 {
        self.room.as_mut_ptr().cast::<u8>().wrapping_add(offset)
    }

    fn take(&mut self, size: usize, align: usize) -> *mut u8 {
        if size > isize::MAX as usize && self.fault == Fault::GrantsTheImpossible {
            return self.at(0);
        }
        if size > self.room.len() * 8 - self.next - align - 4096 {
            return std::ptr::null_mut();
        }
        let base = self.at(0).addr();
        let mut offset = (base + self.next).next_multiple_of(align) - base;
        self.next = offset + size.max(1);
        match self.fault {
            Fault::Overlaps if offset >= 16 => offset -= 16,
            Fault::Misaligns => offset += 1,
            _ => {}
        }
        let block = self.at(offset);
        self.sizes.insert(block.addr(), size);
        block
    }
}

// SAFETY: all blocks lie in the room (the deliberate faults too).
unsafe impl Subject for Bump {
    fn malloc(&mut self, _: u8, size: usize) -> *mut u8 {
        self.take(size, 16)
    }

    fn zeroed(&mut self, _: u8, size: usize) -> *mut u8 {
        let block = self.take(size, 16);
        if !block.is_null() && self.fault != Fault::ForgetsZero {
            // SAFETY: in the room.
            unsafe { block.write_bytes(0, size) };
        }
        block
    }

    fn aligned(&mut self, _: u8, align: usize, size: usize) -> *mut u8 {
        self.take(size, align)
    }

    unsafe fn free(&mut self, thread: u8, block: *mut u8) {
        self.frees.push(thread);
        if self.fault == Fault::WritesOnFree {
            // Into the block that follows, as a wrong free list link would.
            // SAFETY: in the room.
            unsafe { block.add(64).write(0xff) };
        }
    }

    unsafe fn realloc(&mut self, _: u8, block: *mut u8, size: usize) -> *mut u8 {
        let old = self.sizes[&block.addr()];
        let new = self.take(size, 16);
        if new.is_null() {
            if self.fault == Fault::LosesOnRefusal {
                // SAFETY: in the room.
                unsafe { block.write_bytes(0, old) };
            }
        } else if self.fault != Fault::LosesBytes {
            // SAFETY: both in the room.
            unsafe { std::ptr::copy(block, new, old.min(size)) };
        }
        new
    }

    unsafe fn usable_size(&mut self, block: *mut u8) -> Option<usize> {
        (self.fault == Fault::UsableTooSmall).then(|| self.sizes[&block.addr()] - 1)
    }

    fn end(&mut self, thread: u8) {
        self.ended.push(thread);
    }
}

const TWO: [Op; 2] = [Op::Alloc { size: 64, align: 16 }, Op::Alloc { size: 64, align: 16 }];

fn run_all(fault: Fault, more: &[Op]) -> Bump {
    let mut bump = Bump::new(fault);
    run_checked(&[&TWO, more].concat(), &mut bump, 1);
    bump
}

#[test]
fn steps_reach_the_thread_that_holds_the_block() {
    let script = [
        Op::Send { i: 0, thread: 2 },
        Op::Free { i: 0 },
        Op::Turn { thread: 1 },
        Op::Alloc { size: 10, align: 16 },
        Op::Send { i: 0, thread: 3 },
        Op::Die { thread: 3 },
    ];
    let bump = run_all(Fault::Nothing, &script);
    assert_eq!(bump.ended, [3]);
    assert_eq!(bump.frees, [2, 1, 1], "what thread 3 held passes to the one whose turn it is");
}

#[test]
fn out_of_memory_is_an_answer() {
    let outcome = run(&[Op::Alloc { size: 1 << 30, align: 16 }, TWO[0]], &mut Bump::new(Fault::Nothing));
    assert_eq!(outcome, Outcome { allocated: 1, refused: 1, peak: 64 });
}

#[test]
#[should_panic(expected = "overlaps the live block")]
fn an_overlap_is_noticed() {
    run_all(Fault::Overlaps, &[]);
}

#[test]
#[should_panic(expected = "is not aligned")]
fn a_misaligned_block_is_noticed() {
    run_all(Fault::Misaligns, &[]);
}

#[test]
#[should_panic(expected = "is not zero at offset 0")]
fn forgotten_zeroing_is_noticed() {
    run_all(Fault::ForgetsZero, &[Op::Zeroed { size: 32 }]);
}

#[test]
#[should_panic(expected = "lost the byte")]
fn lost_bytes_are_noticed() {
    run_all(Fault::LosesBytes, &[Op::Realloc { i: 0, size: 200 }]);
}

#[test]
#[should_panic(expected = "changed at offset 0")]
fn a_write_into_another_block_is_noticed() {
    run_all(Fault::WritesOnFree, &[Op::Free { i: 0 }]);
}

#[test]
#[should_panic(expected = "nothing can be that large")]
fn an_impossible_grant_is_noticed() {
    run_all(Fault::GrantsTheImpossible, &[Op::Alloc { size: usize::MAX, align: 16 }]);
}

#[test]
#[should_panic(expected = "changed at offset")]
fn a_refused_realloc_that_loses_the_block_is_noticed() {
    run_all(Fault::LosesOnRefusal, &[Op::Realloc { i: 1, size: 1 << 30 }]);
}

#[test]
#[should_panic(expected = "usable bytes")]
fn a_block_smaller_than_asked_is_noticed() {
    run_all(Fault::UsableTooSmall, &[]);
}
