//! Blocks freed by others: sleeping owners, owners that are gone, heaps that are taken over.
//!
//! # Safety
//!
//! Blocks are freed once.

#![cfg(not(loom))]
#![allow(unsafe_code)]

mod common;

use common::{Faked, Fleet, faked};
use heapwright_base::counters::Counter;
use heapwright_testkit::{FakePages, FaultPlan, Options, Subject, Verb};

const OWNER: u8 = 1;
const OTHER: u8 = 2;

fn fleet() -> (Fleet<Faked>, FakePages) {
    faked(Options::default(), FaultPlan::none())
}

fn blocks(fleet: &mut Fleet<Faked>, count: usize, size: usize) -> Vec<*mut u8> {
    (0..count).map(|_| fleet.malloc(OWNER, size)).inspect(|block| assert!(!block.is_null())).collect()
}

fn free_all(fleet: &mut Fleet<Faked>, thread: u8, blocks: impl IntoIterator<Item = *mut u8>) {
    // SAFETY: live, and freed once.
    blocks.into_iter().for_each(|block| unsafe { fleet.free(thread, block) });
}

#[test]
fn an_owner_that_only_allocates_reuses_what_others_free() {
    let (mut fleet, pages) = fleet();
    for _ in 0..50 {
        let all = blocks(&mut fleet, 4000, 64);
        free_all(&mut fleet, OTHER, all);
        fleet.check();
    }
    assert!(fleet.counter(Counter::PeakSpanBytes) < 2 << 20, "200 rounds of 256 KiB need no more than a few");
    assert!(fleet.counter(Counter::RemoteFrees) > 100_000);
    fleet.expect_nothing_in_use();
    pages.forget_leaks();
}

#[test]
fn a_sleeping_owners_slabs_are_purged_by_those_who_free() {
    let (mut fleet, pages) = fleet();
    let all = blocks(&mut fleet, 32 << 10, 1024);
    let full = pages.committed() - pages.purged();
    free_all(&mut fleet, OTHER, all);
    let census = fleet.engine.check();
    let purged = pages.purged();
    // Eight MiB may wait for an owner that comes back soon.
    assert!(purged > 20 << 20, "{purged} bytes of {full} were purged");
    assert!(pages.asked(Verb::Purge) > 300 && census.remote > 30_000 && census.notified > 400);
    // The owner wakes up: it finds its blocks again, and they hold no stale lists.
    let again = blocks(&mut fleet, 32 << 10, 1024);
    fleet.check();
    assert!(fleet.counter(Counter::PeakSpanBytes) < 40 << 20, "the purged slabs are used again");
    free_all(&mut fleet, OWNER, again);
    fleet.expect_nothing_in_use();
    pages.forget_leaks();
}

#[test]
fn an_orphans_slabs_come_back_by_the_frees_of_others() {
    let (mut fleet, pages) = fleet();
    let all = blocks(&mut fleet, 8 << 10, 1024);
    fleet.heap(OTHER).expect("memory");
    fleet.end(OWNER);
    fleet.check();
    let before = fleet.counter(Counter::SpanBytes);
    free_all(&mut fleet, OTHER, all);
    fleet.check();
    assert_eq!(fleet.counter(Counter::SpanBytes), 0, "of {before} bytes nothing stays with the orphan");
    fleet.expect_nothing_in_use();
    pages.forget_leaks();
}

#[test]
fn frees_before_an_end_are_taken_in_at_the_end() {
    let (mut fleet, pages) = fleet();
    let all = blocks(&mut fleet, 3000, 500);
    free_all(&mut fleet, OTHER, all);
    assert!(fleet.engine.check().remote > 0);
    fleet.end(OWNER);
    assert_eq!(fleet.engine.check().remote, 0);
    assert_eq!(fleet.counter(Counter::SpanBytes), 0);
    fleet.expect_nothing_in_use();
    pages.forget_leaks();
}

#[test]
fn a_new_thread_takes_an_orphan_over_with_its_slabs() {
    let (mut fleet, pages) = fleet();
    let mut all = blocks(&mut fleet, 1000, 48);
    free_all(&mut fleet, OWNER, all.split_off(500));
    let first: *const _ = fleet.heap(OWNER).expect("memory");
    fleet.end(OWNER);
    let second: *const _ = fleet.heap(7).expect("memory");
    assert_eq!(first, second);
    assert_eq!((fleet.counter(Counter::Heaps), fleet.counter(Counter::Adoptions)), (1, 1));
    let held = fleet.counter(Counter::SpanBytes);
    let more: Vec<_> = (0..400).map(|_| fleet.malloc(7, 48)).collect();
    assert_eq!(fleet.counter(Counter::SpanBytes), held, "the orphan's dead blocks are used first");
    free_all(&mut fleet, 7, all);
    free_all(&mut fleet, 7, more);
    fleet.check();
    fleet.expect_nothing_in_use();
    pages.forget_leaks();
}

#[test]
fn a_living_heap_takes_slabs_of_an_orphan_before_it_asks_for_memory() {
    let (mut fleet, pages) = fleet();
    fleet.heap(OTHER).expect("memory");
    let mut all = blocks(&mut fleet, 1000, 48);
    free_all(&mut fleet, OWNER, all.split_off(500));
    fleet.end(OWNER);
    let held = fleet.counter(Counter::SpanBytes);
    let more: Vec<_> = (0..400).map(|_| fleet.malloc(OTHER, 48)).collect();
    assert_eq!(fleet.counter(Counter::SpanBytes), held, "an orphan had dead blocks");
    fleet.check();
    // A block of the stolen slab, freed by a third, comes to its new owner.
    free_all(&mut fleet, 3, all);
    fleet.check();
    free_all(&mut fleet, OTHER, more);
    fleet.expect_nothing_in_use();
    pages.forget_leaks();
}

#[test]
fn wrong_pointers_are_named() {
    use heapwright_engine::BadFree::{Foreign, Interior, Twice};
    let (mut fleet, pages) = fleet();
    let heap = fleet.heap(OWNER).expect("memory");
    let (small, large) = (fleet.malloc(OWNER, 100), fleet.malloc(OWNER, 200_000));
    let on_stack = 0u64;
    let wild = [
        (std::ptr::null_mut(), Foreign),
        ((&raw const on_stack).cast_mut().cast(), Foreign),
        (small.wrapping_add(8), Interior),
        (large.wrapping_add(16), Interior),
        (large.wrapping_add(190_000), Foreign),
        (std::ptr::without_provenance_mut(usize::MAX), Foreign),
    ];
    for (pointer, expected) in wild {
        // SAFETY: none of them is a block.
        let answer = unsafe { fleet.engine.free_elsewhere(heap, pointer) };
        assert!(answer == Err(expected) || answer == Err(Interior), "{pointer:p}: {answer:?}");
        assert!(fleet.engine.usable(pointer).is_err());
    }
    free_all(&mut fleet, OWNER, [small, large]);
    // SAFETY: `large` is no slab's block.
    assert_eq!(unsafe { fleet.engine.free_elsewhere(heap, large) }, Err(Twice));
    fleet.expect_nothing_in_use();
    pages.forget_leaks();
}
