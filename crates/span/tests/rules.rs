//! The rules of the back end one by one: age, bound, neighbours, pages that were moved.
//!
//! # Safety
//!
//! Where the state is given up, nobody else uses it.

#![allow(unsafe_code)]

mod common;

use common::World;
use heapwright_base::counters::Counter;
use heapwright_base::{Align, Bytes};
use heapwright_os::PageSource;
use heapwright_span::{BestFit, FirstFit, Fit, Kind, NextFit};
use heapwright_testkit::{FakePages, Options, PageState, Verb};
use std::sync::atomic::Ordering;

const K64: usize = 64 << 10;
const LIMIT: Option<usize> = Some(1 << 30);

fn small() -> FakePages {
    FakePages::with(Options { address_limit: LIMIT, ..Options::default() })
}

fn addr<S: PageSource, F: Fit>(world: &World<S, F>, i: usize) -> usize {
    world.live[i].span.start().addr()
}

fn take<F: Fit>(world: &mut World<FakePages, F>, len: usize) -> usize {
    world.take(len, 1, Kind::Large).expect("memory");
    world.check();
    addr(world, world.live.len() - 1)
}

fn give<F: Fit>(world: &mut World<FakePages, F>, start: usize) {
    let i = (0..world.live.len()).find(|&i| addr(world, i) == start).expect("a live span");
    world.give(i);
}

#[test]
fn a_dirty_span_is_purged_when_it_is_old_and_not_before() {
    let pages = small();
    let mut world = World::<_, BestFit>::new(pages.clone());
    let first = take(&mut world, K64);
    take(&mut world, K64);
    let second = take(&mut world, K64);
    take(&mut world, K64);
    let last = take(&mut world, K64);
    give(&mut world, first);
    pages.advance(600);
    give(&mut world, second);
    pages.advance(600);
    assert_eq!(world.spans.purge_aged(), K64, "one of the two is older than a second");
    assert_eq!(pages.page_state(first), Some(PageState::Purged));
    assert_eq!(pages.page_state(second), Some(PageState::Committed));
    assert_eq!(world.counter(Counter::DirtyBytes), K64 as u64);
    pages.advance(600);
    // Any free looks at the clock.
    give(&mut world, last);
    world.check();
    assert_eq!(pages.page_state(second), Some(PageState::Purged));
    world.finish();
}

#[test]
fn what_is_dirty_stays_below_its_bound_while_everything_is_freed() {
    let pages = small();
    let mut world = World::<_, BestFit>::new(pages.clone());
    for _ in 0..1000 {
        world.take(K64, 1, Kind::Slab).expect("memory");
    }
    let peak = world.counter(Counter::PeakSpanBytes);
    assert_eq!(peak, 1000 * K64 as u64);
    while let Some(last) = world.live.len().checked_sub(1) {
        // `give` compares the dirty bytes with the bound.
        world.give(last);
    }
    let purges = pages.asked(Verb::Purge);
    assert!((1..200).contains(&purges), "{purges} purges: they come in batches");
    assert!(world.counter(Counter::DirtyBytes) <= 16 << 20);
    // The rest is tables and what is committed ahead.
    assert!(pages.committed() - pages.purged() <= 32 << 20, "what is not purged is resident");
    world.finish();
}

/// Takes 5 MiB beside the first 2, gives them back, and tells how often something was purged meanwhile.
fn breathe(world: &mut World<FakePages, BestFit>, pages: &FakePages) -> usize {
    let before = pages.asked(Verb::Purge);
    while world.live.len() < 112 {
        world.take(K64, 1, Kind::Large).expect("memory");
    }
    while world.live.len() > 32 {
        world.give(world.live.len() - 1);
    }
    pages.asked(Verb::Purge) - before
}

#[test]
fn what_was_purged_too_soon_is_kept_the_next_time() {
    let pages = small();
    let mut world = World::<_, BestFit>::new(pages.clone());
    world.spans.limits.dirty_floor.store(1 << 20, Ordering::Relaxed);
    let purges: Vec<usize> = (0..8).map(|_| breathe(&mut world, &pages)).collect();
    assert!(purges[0] > 0 && purges[7] == 0, "{purges:?}");
    // Time passes, and with it the reason to keep it.
    for _ in 0..8 {
        pages.advance(2000);
        world.give(world.live.len() - 1);
    }
    assert!(world.counter(Counter::DirtyBytes) <= 1 << 20, "{}", world.counter(Counter::DirtyBytes));
    assert!(breathe(&mut world, &pages) > 0, "it must be learned anew");
    world.finish();
}

#[test]
fn huge_pages_are_asked_for_whole_and_by_large_heaps_only() {
    let pages = FakePages::new();
    let mut world = World::<_, BestFit>::new(pages.clone());
    world.spans.limits.huge_pages_from.store(4 << 20, Ordering::Relaxed);
    // A span counts for eight times its length: a large one is a reason by itself.
    while world.counter(Counter::SpanBytes) < (4 << 20) - 8 * K64 as u64 {
        assert_eq!(pages.asked(Verb::PreferHuge), 0, "a small heap would pay for more than it uses");
        world.take(K64, 1, Kind::Large).expect("memory");
    }
    while world.counter(Counter::SpanBytes) < 16 << 20 {
        world.take(K64, 1, Kind::Large).expect("memory");
    }
    let runs: Vec<_> = pages.log().into_iter().filter(|call| call.verb == Verb::PreferHuge).collect();
    let bytes: usize = runs.iter().map(|call| call.len).sum();
    assert!(runs.iter().all(|call| (call.addr | call.len) & ((2 << 20) - 1) == 0), "{runs:x?}");
    assert!((8 << 20..=16 << 20).contains(&bytes), "{bytes:#x} of what came after the first 4 MiB");
    world.finish();
    let pages = FakePages::new();
    let mut world = World::<_, BestFit>::new(pages.clone());
    world.take(K64, 1, Kind::Large).expect("memory");
    assert_eq!(pages.asked(Verb::PreferHuge), 0);
    world.take(2 << 20, 1, Kind::Large).expect("memory");
    assert_eq!(pages.asked(Verb::PreferHuge), 1, "16 MiB are the rule");
    world.finish();
}

#[test]
fn a_growing_huge_block_stays_one_mapping() {
    let pages = FakePages::with(Options { remap: true, ..Options::default() });
    let mut world = World::<_, BestFit>::new(pages.clone());
    world.spans.limits.huge_pages_from.store(1 << 20, Ordering::Relaxed);
    world.map_huge(3 << 20, 1).expect("memory");
    world.resize(0, (5 << 20) + K64).expect("the fake remaps");
    let start = addr(&world, 0);
    let asked: Vec<_> = pages.log().into_iter().filter(|call| call.verb == Verb::PreferHuge).collect();
    assert!(!asked.is_empty() && asked.iter().all(|call| call.addr == start && call.len == (5 << 20) + K64));
    world.finish();
}

#[test]
fn a_child_that_starts_over_before_the_first_arena_can_begin_again() {
    let pages = small();
    let mut world = World::<_, BestFit>::new(pages.clone());
    world.spans.open().expect("memory");
    // SAFETY: nobody else is here.
    unsafe { world.spans.start_over() };
    world.take(K64, 1, Kind::Slab).expect("memory");
    world.check();
    pages.forget_leaks();
}

#[test]
fn a_refused_purge_loses_nothing_but_the_zeros() {
    let pages = FakePages::with(Options { refuse_purge: true, address_limit: LIMIT, ..Options::default() });
    let mut world = World::<_, BestFit>::new(pages.clone());
    take(&mut world, K64);
    world.give(0);
    assert_eq!(world.spans.purge_all(), 0, "nothing went back");
    world.check();
    // The model would notice rubbish that is said to be zero.
    take(&mut world, K64);
    world.finish();
}

#[test]
fn neighbours_of_two_arenas_stay_apart() {
    let pages = FakePages::with(Options { touching: 128 << 20, address_limit: LIMIT, ..Options::default() });
    let mut world = World::<_, FirstFit>::new(pages.clone());
    for _ in 0..40 {
        take(&mut world, 1 << 20);
    }
    let arenas = pages.leaks().0.iter().filter(|leak| leak.reserved == 16 << 20).count();
    assert_eq!(arenas, 3);
    world.finish();
    let mut free = 0;
    world.spans.for_each(|span| {
        assert_eq!(span.len(), 16 << 20);
        free += 1;
    });
    assert_eq!(free, 3);
}

/// The kernel keeps moved pages as a mapping of their own and refuses to move a range of two mappings; until
/// Linux 6.17 with the destination unmapped already.
#[test]
fn pages_that_were_moved_are_not_moved_again() {
    for huge in [false, true] {
        let pages = small();
        let mut world = World::<_, BestFit>::new(pages.clone());
        take(&mut world, 4 * K64);
        world.shift(0, 8 * K64).expect("the first time");
        assert_eq!(pages.asked(Verb::Shift), 1);
        let again = if huge { world.shift_to_huge(0, 16 * K64) } else { world.shift(0, 16 * K64) };
        assert!(again.is_err(), "the caller copies");
        assert_eq!(pages.asked(Verb::Shift), 1);
        world.check();
        // When it is free, the kernel is asked to forget the border, and it may be moved again.
        world.give(0);
        world.check();
        assert_eq!(pages.granted(Verb::Renew), 1);
        take(&mut world, 8 * K64);
        world.shift(0, 8 * K64).expect("as good as new");
        world.finish();
    }
}

#[test]
fn the_huge_threshold_learns_from_frees_up_to_its_bound() {
    let mut world = World::<_, BestFit>::new(small());
    let begin = world.spans.limits.huge_threshold.load(Ordering::Relaxed);
    assert!(world.spans.is_huge(begin) && !world.spans.is_huge(begin - 1));
    let more = begin + (2 << 20);
    world.map_huge(more, 1).expect("memory");
    world.give(0);
    assert!(!world.spans.is_huge(more) && world.spans.is_huge(more + 1));
    let bound = world.spans.limits.huge_bound.load(Ordering::Relaxed);
    world.map_huge(bound + (1 << 20), 1).expect("memory");
    world.give(0);
    assert!(world.spans.is_huge(more + 1), "beyond the bound nothing is learned");
    assert_eq!(world.spans.limits.huge_threshold.load(Ordering::Relaxed), more + 1);
}

#[test]
fn a_system_with_few_addresses_gets_smaller_arenas() {
    // Room for the tables and little more: an arena of 16 MiB does not fit, a span of 1 MiB does.
    let pages = FakePages::with(Options { address_limit: Some(12 << 20), ..Options::default() });
    let mut world = World::<_, BestFit>::new(pages.clone());
    take(&mut world, 1 << 20);
    assert!(world.take(64 << 20, 1, Kind::Large).is_err());
    world.check();
    take(&mut world, K64);
    world.finish();
}

#[test]
fn impossible_lengths_are_refused_and_change_nothing() {
    let mut world = World::<_, BestFit>::new(small());
    take(&mut world, K64);
    for len in [usize::MAX, usize::MAX - 4095, isize::MAX as usize, 1 << 46, u32::MAX as usize + 1] {
        assert!(world.take(len, 1, Kind::Large).is_err(), "{len:#x}");
        assert!(world.map_huge(len, 1).is_err(), "{len:#x}");
        assert!(world.resize(0, len).is_err(), "{len:#x}");
        world.check();
    }
    let wide = Align::new(1 << 62).expect("a power of two");
    assert!(world.spans.take(K64, wide, Kind::Large, false).is_err());
    assert!(world.spans.map_huge(K64, wide).is_err());
    world.finish();
}

#[test]
fn any_address_may_be_looked_up() {
    let mut world = World::<_, NextFit>::new(small());
    for addr in [0, 1, usize::MAX, 1 << 47, 1 << 48, 0xdead_beef] {
        assert_eq!(world.spans.lookup(addr), None, "before anything is open");
    }
    let start = take(&mut world, 3 * K64);
    let span = world.live[0].span;
    assert_eq!(world.spans.lookup(start), Some(span));
    assert_eq!(world.spans.lookup(start + 3 * K64 - 1), Some(span));
    for addr in [0, 1, usize::MAX, 1 << 47, 1 << 48, start + K64, world.spans.near().base] {
        assert_eq!(world.spans.lookup(addr), None, "{addr:#x}");
    }
    world.finish();
}

#[test]
fn metadata_is_aligned_zero_and_apart() {
    let world = World::<_, BestFit>::new(small());
    let mut last: Option<(usize, usize)> = None;
    for len in [1, 64, 100, 5000, 70_000, 200_000] {
        let at = world.spans.meta(len).expect("memory").addr().get();
        assert_eq!(at % 64, 0);
        assert!(last.is_none_or(|(start, end)| at >= end || at + len <= start));
        last = Some((at, at + len));
    }
    assert!(world.counter(Counter::MetaBytes) >= 275_000);
    assert_eq!(world.spans.pages().page(), Bytes(4096));
}
