//! Every request to the system refused in turn: an operation that fails leaves things as they were, and works
//! when it is tried again.

mod common;

use common::World;
use heapwright_base::OutOfPages;
use heapwright_base::counters::Counter;
use heapwright_span::{BestFit, FirstFit, Fit, Kind, NextFit};
use heapwright_testkit::{FakePages, FaultPlan, Faulty, Options, Verb, each_fault};

const K64: usize = 64 << 10;
const MIB: usize = 1 << 20;

type Step<F> = fn(&mut World<Faulty<FakePages>, F>) -> Result<(), OutOfPages>;

/// So few addresses that arenas are small: little memory has to be filled, and the second comes soon.
fn cramped(remap: bool) -> FakePages {
    FakePages::with(Options { address_limit: Some(22 * MIB), remap, ..Options::default() })
}

/// What a front end does; each step needs something that the steps before it did not.
fn steps<F: Fit>() -> Vec<Step<F>> {
    vec![
        |world| world.spans.open(),
        |world| world.take(K64, 1, Kind::Slab),
        |world| world.take(4 * K64, 1, Kind::Large),
        // Beyond the first step of committed memory.
        |world| world.take(104 * K64, 1, Kind::Large),
        // Beyond the first arena, aligned.
        |world| world.take(2 * MIB, MIB, Kind::Large),
        |world| world.map_huge(3 * K64, MIB),
        |world| world.resize(4, 5 * K64),
        |world| world.resize(4, 2 * K64),
        |world| world.resize(4, 7 * K64),
        // Grows into memory that was never committed.
        |world| world.resize(3, 2 * MIB + K64),
        |world| world.spans.meta(100_000).map(|_| ()),
        |world| world.take(8 * K64, 1, Kind::Large),
        |world| world.take(3 * K64, 1, Kind::Large),
    ]
}

/// The step that needs the right neighbour.
const GROWS: usize = 9;

/// Moving pages may be refused for good, and is not tried again by itself.
fn moves<F: Fit>() -> Vec<Step<F>> {
    vec![|world| world.shift(1, 8 * K64), |world| world.shift_to_huge(6, 6 * K64)]
}

fn before<F: Fit>(world: &World<Faulty<FakePages>, F>) -> (usize, u64, u64) {
    (world.live.len(), world.counter(Counter::SpanBytes), world.counter(Counter::HugeBytes))
}

fn fails_cleanly<F: Fit>(plan: &FaultPlan, remap: bool) {
    let pages = cramped(remap);
    let mut world = World::<_, F>::new(Faulty::new(pages.clone(), plan.clone()));
    for (number, step) in steps().into_iter().chain(moves()).enumerate() {
        let kept = before(&world);
        if step(&mut world).is_err() {
            assert_eq!(before(&world), kept, "step {number} failed and changed something");
            world.check();
            world.hold_all();
            plan.heal();
            let refusals = || pages.asked(Verb::Reserve) - pages.granted(Verb::Reserve);
            let by_the_system = refusals();
            let again = step(&mut world);
            // After a refusal the arenas are other ones: the neighbour may be in use, or addresses short.
            let may_refuse = !remap || number == GROWS || refusals() > by_the_system;
            assert!(again.is_ok() || may_refuse, "step {number} fails with memory at hand");
            if again.is_err() && refusals() > by_the_system {
                // A span is missing that the steps behind this one change.
                break;
            }
        }
        world.check();
        world.hold_all();
    }
    world.finish();
    drop(world);
    // What the back end keeps for ever: metadata, tables, arenas. No mapping of a huge block.
    assert!(pages.leaks().0.iter().all(|leak| (2..8).all(|n| leak.reserved != n * K64)));
    pages.forget_leaks();
}

#[test]
fn one_refusal_at_any_point_is_survived() {
    for remap in [true, false] {
        let faults = [
            each_fault(200, |plan| fails_cleanly::<BestFit>(plan, remap)),
            each_fault(200, |plan| fails_cleanly::<FirstFit>(plan, remap)),
            each_fault(200, |plan| fails_cleanly::<NextFit>(plan, remap)),
        ];
        assert!(faults.iter().all(|&n| n >= 18), "{faults:?} calls could fail");
    }
}

#[test]
fn memory_that_is_out_for_good_is_survived_until_it_is_back() {
    for n in 0..60 {
        fails_cleanly::<BestFit>(&FaultPlan::from(n), true);
    }
}

#[test]
fn dirty_memory_serves_when_the_system_gives_nothing() {
    let plan = FaultPlan::none();
    let pages = FakePages::with(Options { address_limit: Some(1 << 30), ..Options::default() });
    let mut world = World::<_, BestFit>::new(Faulty::new(pages.clone(), plan.clone()));
    for _ in 0..200 {
        world.take(K64, 1, Kind::Slab).expect("memory");
    }
    (0..100).for_each(|i| world.give(i));
    world.check();
    plan.strike();
    // Each of these is cut from one of the others, until the descriptors have to come out of an arena too.
    for i in 0..1000 {
        assert!(world.take(4096, 1, Kind::Slab).is_ok(), "span {i} of a thousand");
    }
    world.spans.meta(5000).expect("metadata out of an arena");
    assert!(plan.struck());
    world.check();
    world.hold_all();
    world.finish();
}
