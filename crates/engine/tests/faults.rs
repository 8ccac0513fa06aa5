//! Every request to the system refused in turn, under everything the engine offers.
//!
//! # Safety
//!
//! Blocks are written for the size asked for and freed once.

#![cfg(not(loom))]
#![allow(unsafe_code)]

mod common;

use common::{Faked, Fleet, faked};
use heapwright_base::counters::Counter;
use heapwright_testkit::{FakePages, FaultPlan, Op, Options, Subject, each_fault, run_checked};

const K: usize = 1 << 10;
const MIB: usize = 1 << 20;

type Request = fn(&mut Fleet<Faked>, *mut u8) -> *mut u8;

fn grow(fleet: &mut Fleet<Faked>, old: *mut u8, size: usize) -> *mut u8 {
    // SAFETY: `old` is the live block of the request before.
    unsafe { fleet.realloc(1, old, size) }
}

/// Requests that each need something new of the system; the block of one is what the next may change.
const REQUESTS: &[Request] = &[
    |fleet, _| fleet.malloc(1, 40),
    |fleet, old| grow(fleet, old, 900),
    |fleet, old| grow(fleet, old, 40 * K),
    |fleet, old| grow(fleet, old, 300 * K),
    |fleet, old| grow(fleet, old, 700 * K),
    |fleet, old| grow(fleet, old, 900 * K),
    |fleet, old| grow(fleet, old, MIB + 200 * K),
    |fleet, old| grow(fleet, old, 2 * MIB),
    |fleet, old| grow(fleet, old, 100 * K),
    |fleet, old| grow(fleet, old, 60),
    |fleet, _| fleet.malloc(2, 1000),
    |fleet, _| fleet.zeroed(2, 3000),
    |fleet, _| fleet.zeroed(3, MIB + 1),
    |fleet, _| fleet.aligned(3, 64 * K, 100),
    |fleet, _| fleet.aligned(4, 2 * MIB, 5000),
];

fn write(block: *mut u8, size: usize, seed: u8) {
    // SAFETY: a live block of at least `size` bytes.
    unsafe { block.write_bytes(seed, size) };
}

fn holds(block: *mut u8, size: usize, seed: u8) -> bool {
    // SAFETY: a live block of at least `size` bytes.
    unsafe { std::slice::from_raw_parts(block, size) }.iter().all(|&byte| byte == seed)
}

fn survives(plan: &FaultPlan) {
    let (mut fleet, pages): (_, FakePages) = faked(Options::default(), plan.clone());
    let mut blocks: Vec<*mut u8> = Vec::new();
    for (number, request) in REQUESTS.iter().enumerate() {
        let changes = (1..=9).contains(&number);
        let old = if changes { *blocks.last().expect("a block") } else { std::ptr::null_mut() };
        if changes {
            write(old, 40, number as u8);
        }
        let mut new = request(&mut fleet, old);
        fleet.check();
        if new.is_null() {
            assert!(plan.struck(), "request {number} was refused without a reason");
            assert!(!changes || holds(old, 40, number as u8), "request {number} lost the block it keeps");
            plan.heal();
            new = request(&mut fleet, old);
            assert!(!new.is_null(), "request {number} fails with memory at hand");
        }
        assert!(!changes || holds(new, 40, number as u8), "request {number} lost the contents");
        if changes {
            blocks.pop();
        }
        blocks.push(new);
        fleet.check();
    }
    plan.heal();
    // SAFETY: live, and freed once.
    blocks.into_iter().for_each(|block| unsafe { fleet.free(5, block) });
    fleet.check();
    fleet.expect_nothing_in_use();
    fleet.trim();
    pages.forget_leaks();
}

#[test]
fn one_refusal_at_any_point_is_survived() {
    let faults = each_fault(200, survives);
    assert!(faults > 15, "{faults} calls could fail");
}

#[test]
fn memory_that_is_out_for_good_is_survived_until_it_is_back() {
    for n in 0..30 {
        survives(&FaultPlan::from(n));
    }
}

#[test]
fn refused_heaps_are_made_later() {
    let plan = FaultPlan::none();
    let (mut fleet, pages) = faked(Options::default(), plan.clone());
    plan.strike();
    assert!(fleet.heap(1).is_err() && fleet.malloc(1, 10).is_null());
    plan.heal();
    let block = fleet.malloc(1, 10);
    assert!(!block.is_null());
    // SAFETY: live.
    unsafe { fleet.free(1, block) };
    fleet.expect_nothing_in_use();
    pages.forget_leaks();
}

#[test]
fn impossible_sizes_are_refused() {
    let (mut fleet, pages) = faked(Options::default(), FaultPlan::none());
    let block = fleet.malloc(1, 100);
    write(block, 100, 9);
    for size in
        [usize::MAX, usize::MAX - 15, usize::MAX - 70_000, isize::MAX as usize + 1, isize::MAX as usize]
    {
        assert!(fleet.malloc(1, size).is_null() && fleet.zeroed(1, size).is_null(), "{size:#x}");
        for shift in [5, 12, 16, 30, 62] {
            assert!(fleet.aligned(1, 1 << shift, size).is_null(), "{size:#x} aligned to 2^{shift}");
        }
        // SAFETY: live; the size is not zero.
        assert!(unsafe { fleet.realloc(1, block, size) }.is_null() && holds(block, 100, 9), "{size:#x}");
        fleet.check();
    }
    assert!(fleet.aligned(1, 1 << 62, 10).is_null());
    // SAFETY: live.
    unsafe { fleet.free(1, block) };
    fleet.expect_nothing_in_use();
    pages.forget_leaks();
}

#[test]
fn a_budget_that_is_met_again_and_again_loses_nothing() {
    let (mut fleet, pages) = faked(Options { budget: 9 * MIB, ..Options::default() }, FaultPlan::none());
    let mut refused = 0;
    for round in 0..40u32 {
        let script: Vec<Op> = (0..60)
            .map(|i| match (i + round) % 5 {
                0 => Op::Free { i: (i * 7) as u16 },
                1 => Op::Realloc { i: i as u16, size: 1 << (4 + (i + round) % 17) },
                2 => Op::Zeroed { size: (i as usize) << 12 },
                _ => Op::Alloc { size: 3000 << (i % 8), align: 16 },
            })
            .collect();
        refused += run_checked(&script, &mut fleet, 20).refused;
    }
    assert!(refused > 0, "the budget was never met");
    assert_eq!(fleet.counter(Counter::LiveBlocks), 0);
    fleet.expect_nothing_in_use();
    fleet.trim();
    pages.forget_leaks();
}
