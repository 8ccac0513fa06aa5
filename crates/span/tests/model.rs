//! Random operations on the back end beside its model, for every rule of choosing and every page size.

mod common;

use common::World;
use heapwright_base::counters::Counter;
use heapwright_span::{BestFit, FirstFit, Fit, GRANULE, Kind, NextFit};
use heapwright_testkit::{FakePages, Options};
use proptest::prelude::*;
use std::sync::atomic::Ordering;

#[derive(Clone, Copy, Debug)]
enum Step {
    Take { len: usize, align: usize, slab: bool },
    Huge { len: usize, align: usize },
    Give { i: usize },
    Resize { i: usize, len: usize },
    Shift { i: usize, more: usize, huge: bool },
    Wait { ms: u64 },
    PurgeAged,
    PurgeAll,
}

fn lengths() -> impl Strategy<Value = usize> {
    prop_oneof![
        4 => (1usize..17).prop_map(|n| n * GRANULE),
        3 => Just(16 * GRANULE),
        2 => (0usize..200_000).prop_map(|n| n + 1),
        1 => (1usize..700).prop_map(|n| n * GRANULE),
    ]
}

fn aligns() -> impl Strategy<Value = usize> {
    prop_oneof![8 => Just(1usize), 2 => (13u32..21).prop_map(|shift| 1 << shift)]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let any_i = 0usize..64;
    let step = prop_oneof![
        30 => (lengths(), aligns(), any::<bool>()).prop_map(|(len, align, slab)| Step::Take { len, align, slab }),
        3 => (lengths(), aligns()).prop_map(|(len, align)| Step::Huge { len, align }),
        26 => any_i.clone().prop_map(|i| Step::Give { i }),
        15 => (any_i.clone(), lengths()).prop_map(|(i, len)| Step::Resize { i, len }),
        6 => (any_i, 0usize..64, any::<bool>()).prop_map(|(i, more, huge)| Step::Shift { i, more, huge }),
        5 => (0u64..1500).prop_map(|ms| Step::Wait { ms }),
        2 => Just(Step::PurgeAged),
        1 => Just(Step::PurgeAll),
    ];
    proptest::collection::vec(step, 0..90)
}

fn systems() -> impl Strategy<Value = (Options, bool)> {
    let page = prop_oneof![Just(4096usize), Just(16_384), Just(65_536)];
    let touching = prop_oneof![Just(0usize), Just(96 << 20)];
    let options = (page, touching, any::<u64>(), 0..8u8, any::<bool>());
    options.prop_map(|(page, touching, seed, rude, fixed)| {
        let (refuse_purge, remap) = (rude == 0, rude != 1);
        let address_limit = Some(1 << 30);
        (Options { page, seed, touching, refuse_purge, remap, address_limit, ..Options::default() }, fixed)
    })
}

fn step<F: Fit>(world: &mut World<FakePages, F>, pages: &FakePages, step: Step) {
    let pick = |i: usize, world: &World<FakePages, F>, kinds: &[Kind]| {
        let fitting = |i: &usize| kinds.contains(&world.live[*i].span.kind());
        let all: Vec<usize> = (0..world.live.len()).filter(fitting).collect();
        (!all.is_empty()).then(|| all[i % all.len()])
    };
    let any = [Kind::Slab, Kind::Large, Kind::Huge];
    match step {
        Step::Take { len, align, slab } => {
            let kind = if slab { Kind::Slab } else { Kind::Large };
            world.take(len, align, kind).expect("the system has memory");
        }
        Step::Huge { len, align } => world.map_huge(len, align).expect("the system has memory"),
        Step::Give { i } => {
            if let Some(i) = pick(i, world, &any) {
                world.give(i);
            }
        }
        Step::Resize { i, len } => {
            if let Some(i) = pick(i, world, &[Kind::Large, Kind::Huge]) {
                let shrinks = len <= world.live[i].span.len();
                let done = world.resize(i, len).is_ok();
                assert!(done || !shrinks, "shrinking needs nothing");
            }
        }
        Step::Shift { i, more, huge } => {
            if let Some(i) = pick(i, world, &[Kind::Large]) {
                let len = world.live[i].span.len() + more * GRANULE + usize::from(huge) * world.unit();
                // Refused where the system cannot remap; the model has looked at the contents in either case.
                let _ = if huge { world.shift_to_huge(i, len) } else { world.shift(i, len) };
            }
        }
        Step::Wait { ms } => pages.advance(ms),
        Step::PurgeAged => {
            pages.advance(1500);
            world.spans.purge_aged();
            assert_eq!(world.counter(Counter::DirtyBytes), 0, "everything is older than the delay");
        }
        Step::PurgeAll => {
            world.spans.purge_all();
            assert_eq!(world.counter(Counter::DirtyBytes), 0);
        }
    }
}

fn follows_the_model<F: Fit>(options: &Options, fixed: bool, steps: &[Step]) {
    let pages = FakePages::with(options.clone());
    let mut world = World::<_, F>::new(pages.clone());
    world.spans.limits.dirty_floor.store(1 << 20, Ordering::Relaxed);
    world.spans.limits.dirty_fixed.store(fixed, Ordering::Relaxed);
    for &it in steps {
        step(&mut world, &pages, it);
        world.check();
    }
    world.hold_all();
    world.finish();
    drop(world);
    pages.forget_leaks();
}

fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn best_fit_follows_the_model((options, fixed) in systems(), steps in steps()) {
        follows_the_model::<BestFit>(&options, fixed, &steps);
    }

    #[test]
    fn first_fit_follows_the_model((options, fixed) in systems(), steps in steps()) {
        follows_the_model::<FirstFit>(&options, fixed, &steps);
    }

    #[test]
    fn next_fit_follows_the_model((options, fixed) in systems(), steps in steps()) {
        follows_the_model::<NextFit>(&options, fixed, &steps);
    }
}
