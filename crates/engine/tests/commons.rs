//! Blocks that belong to no thread in particular: the commons, and guests.
//!
//! # Safety
//!
//! Blocks are freed once.

#![cfg(not(loom))]
#![allow(unsafe_code)]

mod common;

use common::{Faked, Fleet, faked};
use heapwright_base::counters::Counter;
use heapwright_engine::size_class::{SLAB_MAX, SMALL_MAX};
use heapwright_testkit::{FakePages, FaultPlan, Options, Subject};

fn fleet() -> (Fleet<Faked>, FakePages) {
    faked(Options::default(), FaultPlan::none())
}

/// Each by the thread beside it.
fn free_each(fleet: &mut Fleet<Faked>, blocks: impl IntoIterator<Item = (u8, *mut u8)>) {
    // SAFETY: live, and freed once.
    blocks.into_iter().for_each(|(thread, block)| unsafe { fleet.free(thread, block) });
}

fn free_all(fleet: &mut Fleet<Faked>, thread: u8, blocks: Vec<*mut u8>) {
    free_each(fleet, blocks.into_iter().map(|block| (thread, block)));
}

/// Sizes of different classes, small and medium.
fn sizes() -> Vec<usize> {
    let mut sizes: Vec<usize> = (16..=SMALL_MAX).step_by(96).collect();
    sizes.extend((2 * SMALL_MAX..=SLAB_MAX).step_by(2048));
    sizes
}

#[test]
fn many_threads_with_few_blocks_share_slabs() {
    let (mut fleet, pages) = fleet();
    let mut blocks = Vec::new();
    for thread in 0..8 {
        blocks.extend(sizes().into_iter().map(|size| (thread, fleet.malloc(thread, size))));
    }
    let few = fleet.counter(Counter::SpanBytes);
    for thread in 8..100 {
        blocks.extend(sizes().into_iter().map(|size| (thread, fleet.malloc(thread, size))));
    }
    fleet.check();
    let many = fleet.counter(Counter::SpanBytes);
    let live: u64 = sizes().iter().map(|&size| size as u64).sum::<u64>() * 100;
    assert!(many < few + live * 2, "{many} bytes for {live} live ones; the first eight threads had {few}");
    free_each(&mut fleet, blocks);
    fleet.check();
    fleet.expect_nothing_in_use();
    pages.forget_leaks();
}

#[test]
fn a_busy_thread_gets_slabs_of_its_own() {
    let (mut fleet, pages) = fleet();
    for thread in 0..20 {
        fleet.heap(thread).expect("memory");
    }
    // More than the commons give to one thread.
    let blocks: Vec<*mut u8> = (0..3000).map(|_| fleet.malloc(19, 64)).collect();
    let before = fleet.counter(Counter::RemoteFrees);
    let own = blocks.split_at(1500).1.to_vec();
    free_all(&mut fleet, 19, own);
    fleet.trim();
    assert_eq!(fleet.counter(Counter::RemoteFrees), before, "the later blocks are its own");
    free_all(&mut fleet, 19, blocks.split_at(1500).0.to_vec());
    fleet.check();
    fleet.expect_nothing_in_use();
    pages.forget_leaks();
}

#[test]
fn guests_are_dead_and_go_home_with_their_thread() {
    let (mut fleet, pages) = fleet();
    let blocks: Vec<*mut u8> = (0..12).map(|_| fleet.malloc(1, 48)).collect();
    let kept = fleet.malloc(1, 48);
    free_all(&mut fleet, 2, blocks);
    fleet.check();
    // Few enough to stay where they are; for the program they are dead all the same.
    assert_eq!((fleet.counter(Counter::LiveBlocks), fleet.counter(Counter::RemoteFrees)), (1, 0));
    fleet.end(2);
    fleet.check();
    free_all(&mut fleet, 1, vec![kept]);
    fleet.trim();
    assert_eq!(fleet.counter(Counter::RemoteFrees), 12, "the owner has looked");
    fleet.check();
    fleet.expect_nothing_in_use();
    pages.forget_leaks();
}

#[test]
fn what_is_drawn_and_not_used_is_no_free() {
    let (mut fleet, pages) = fleet();
    let mut blocks = Vec::new();
    for thread in 0..60 {
        blocks.extend((0..100).map(|_| (thread, fleet.malloc(thread, 40))));
    }
    // As the program would read it, without settling: what was told so far.
    let (frees, live) = (fleet.counter(Counter::Frees), fleet.counter(Counter::LiveBlocks));
    assert!(frees == 0 && live <= 6000, "{frees} frees and {live} live blocks");
    fleet.check();
    free_each(&mut fleet, blocks);
    fleet.expect_nothing_in_use();
    pages.forget_leaks();
}

#[test]
fn a_thread_that_only_frees_keeps_a_bounded_number() {
    let (mut fleet, pages) = fleet();
    for round in 0..200 {
        let blocks: Vec<*mut u8> = (0..50).map(|_| fleet.malloc(1, 16 + round % 64 * 16)).collect();
        free_all(&mut fleet, 2, blocks);
    }
    fleet.check();
    let (freed, home) = (fleet.counter(Counter::Frees), fleet.counter(Counter::RemoteFrees));
    let waiting = fleet.engine.check().remote as u64;
    assert_eq!(freed + waiting, 10_000, "what waits for its owner is not counted yet");
    assert!(freed - home < 64 * 16, "{} blocks are guests", freed - home);
    fleet.expect_nothing_in_use();
    pages.forget_leaks();
}
