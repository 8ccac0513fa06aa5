//! Scripts of a program's requests against the engine and a model of the heap.

#![cfg(not(loom))]

mod common;

use common::{Fleet, faked};
use heapwright_engine::{Engine, Fast};
use heapwright_testkit::{FaultPlan, Op, Options, ops, run_checked};
use proptest::prelude::*;

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

fn systems() -> impl Strategy<Value = Options> {
    let page = prop_oneof![3 => Just(4096usize), 1 => Just(16_384), 1 => Just(65_536)];
    // Reservations that touch lie near the probe, so that the fast path of free finds their slabs.
    let touching = prop_oneof![1 => Just(0usize), 3 => Just(192 << 20)];
    (page, touching, any::<u64>(), 0..8u8).prop_map(|(page, touching, seed, rude)| Options {
        page,
        touching,
        seed,
        refuse_purge: rude == 0,
        remap: rude != 1,
        ..Options::default()
    })
}

fn follows_the_model(options: Options, script: &[Op], every: usize) {
    let (mut fleet, pages) = faked(options, FaultPlan::none());
    run_checked(script, &mut fleet, every);
    fleet.expect_nothing_in_use();
    fleet.trim();
    pages.forget_leaks();
}

proptest! {
    #![proptest_config(config(48))]

    #[test]
    fn every_step_leaves_everything_in_order(options in systems(), script in ops(60)) {
        follows_the_model(options, &script, 1);
    }
}

proptest! {
    #![proptest_config(config(12))]

    #[test]
    fn long_scripts_end_with_nothing_in_use(options in systems(), script in ops(900)) {
        follows_the_model(options, &script, 150);
    }

    #[test]
    fn the_preset_for_speed_passes_on_the_real_system(script in ops(400)) {
        let engine: &'static Engine<Fast> = Box::leak(Box::new(Engine::new()));
        let mut fleet = Fleet::new(engine);
        run_checked(&script, &mut fleet, 400);
        fleet.expect_nothing_in_use();
        fleet.trim();
    }
}
