//! The fake keeps the protocol and notices each way of breaking it.

use super::*;
use crate::{FaultPlan, Faulty, page_source_suite};

const PAGE: usize = 4096;

fn part(run: PageRun, first: usize, count: usize) -> PageRun {
    // SAFETY: the tests stay inside the run, or stop before they use what does not.
    PageRun { start: unsafe { run.start.add(first * PAGE) }, len: Bytes(count * PAGE) }
}

fn reserved(pages: &FakePages, count: usize) -> PageRun {
    pages.reserve(Bytes(count * PAGE), Align::ONE, Zeros::No).expect("no limit")
}

fn committed(pages: &FakePages, count: usize) -> PageRun {
    let run = reserved(pages, count);
    // SAFETY: reserved.
    unsafe { pages.commit(run) }.expect("no limit");
    run
}

#[test]
fn every_kind_of_fake_passes_the_suite() {
    let kinds = [
        Options::default(),
        Options { page: 16_384, seed: 1, ..Options::default() },
        Options { page: 65_536, seed: 2, ..Options::default() },
        Options { refuse_purge: true, seed: 3, ..Options::default() },
        Options { remap: false, seed: 4, ..Options::default() },
        Options { touching: 64 << 20, seed: 5, ..Options::default() },
        Options { address_limit: Some(512 << 20), budget: 64 << 20, seed: 6, ..Options::default() },
    ];
    for options in kinds {
        let pages = FakePages::with(options);
        page_source_suite(&pages);
        pages.assert_no_leaks();
        assert_eq!((pages.committed(), pages.reserved()), (0, 0));
    }
}

#[test]
fn a_faulty_source_without_faults_passes_the_suite() {
    page_source_suite(&Faulty::new(FakePages::new(), FaultPlan::none()));
}

#[test]
#[should_panic(expected = "is not zero")]
fn the_suite_notices_a_source_that_forgets_to_zero() {
    struct Dirty(FakePages);
    // SAFETY: breaks the promise on purpose, to be noticed.
    unsafe impl PageSource for Dirty {
        fn page(&self) -> Bytes {
            self.0.page()
        }
        fn reserve(&self, len: Bytes, align: Align, zeros: Zeros) -> Result<PageRun, OutOfPages> {
            self.0.reserve(len, align, zeros)
        }
        unsafe fn commit(&self, run: PageRun) -> Result<(), OutOfPages> {
            // SAFETY: caller.
            unsafe { self.0.commit(run) }?;
            // SAFETY: committed.
            unsafe { run.start.as_ptr().write(1) };
            Ok(())
        }
        unsafe fn purge(&self, run: PageRun) -> bool {
            // SAFETY: caller.
            unsafe { self.0.purge(run) }
        }
        unsafe fn release(&self, run: PageRun) {
            // SAFETY: caller.
            unsafe { self.0.release(run) }
        }
        fn now(&self) -> u64 {
            0
        }
    }
    let pages = FakePages::new();
    page_source_suite(&Dirty(pages));
}

#[test]
fn figures_follow_the_calls() {
    let pages = FakePages::new();
    let run = reserved(&pages, 8);
    // SAFETY: reserved.
    unsafe { pages.commit(part(run, 2, 4)) }.expect("no limit");
    // SAFETY: committed.
    assert!(unsafe { pages.purge(part(run, 3, 1)) });
    assert_eq!((pages.reserved(), pages.committed(), pages.purged()), (8 * PAGE, 4 * PAGE, PAGE));
    let state = |page: usize| pages.page_state(run.addr() + page * PAGE);
    assert_eq!(state(0), Some(PageState::Reserved));
    assert_eq!(state(2), Some(PageState::Committed));
    assert_eq!(state(3), Some(PageState::Purged));
    let leak = Leak { addr: run.addr(), reserved: 8 * PAGE, committed: 4 * PAGE };
    assert_eq!(pages.leaks(), Leaks(vec![leak]));
    // SAFETY: whole and unused.
    unsafe { pages.release(run) };
    assert_eq!(state(0), None);
    assert_eq!((pages.committed(), pages.peak_committed()), (0, 4 * PAGE));
    let verbs: Vec<_> = pages.log().iter().map(|call| call.verb).collect();
    assert_eq!(verbs, [Verb::Reserve, Verb::Commit, Verb::Purge, Verb::Release]);
    pages.assert_no_leaks();
}

#[test]
fn budget_and_limit_refuse_and_change_nothing() {
    let pages =
        FakePages::with(Options { budget: 4 * PAGE, address_limit: Some(10 * PAGE), ..Options::default() });
    assert_eq!(pages.address_limit(), Some(Bytes(10 * PAGE)));
    let run = reserved(&pages, 8);
    assert_eq!(pages.reserve(Bytes(3 * PAGE), Align::ONE, Zeros::No), Err(OutOfPages));
    // SAFETY: reserved.
    assert_eq!(unsafe { pages.commit(part(run, 0, 5)) }, Err(OutOfPages));
    assert_eq!(pages.page_state(run.addr()), Some(PageState::Reserved));
    // SAFETY: reserved.
    assert_eq!(unsafe { pages.commit(part(run, 0, 4)) }, Ok(()));
    pages.set_budget(5 * PAGE);
    // SAFETY: reserved.
    assert_eq!(unsafe { pages.commit(part(run, 4, 1)) }, Ok(()));
    assert_eq!((pages.asked(Verb::Commit), pages.granted(Verb::Commit)), (3, 2));
    // SAFETY: whole and unused.
    unsafe { pages.release(run) };
}

#[test]
fn a_refused_purge_leaves_rubbish() {
    let pages = FakePages::new();
    let run = committed(&pages, 1);
    pages.set_refuse_purge(true);
    // SAFETY: committed.
    assert!(!unsafe { pages.purge(run) });
    // SAFETY: committed.
    assert_ne!(unsafe { run.start.read() }, 0);
    assert_eq!(pages.page_state(run.addr()), Some(PageState::Refused));
    // SAFETY: whole and unused.
    unsafe { pages.release(run) };
}

#[test]
fn time_passes_when_told() {
    let pages = FakePages::new();
    let before = pages.now();
    pages.advance(250);
    assert_eq!(pages.now(), before + 250);
}

#[test]
fn touching_reservations_touch_and_stay_apart() {
    let pages = FakePages::with(Options { touching: 16 * PAGE + (1 << 16), ..Options::default() });
    let (a, b) = (reserved(&pages, 2), reserved(&pages, 2));
    assert_eq!(a.addr() + a.len.0, b.addr());
    // SAFETY: both whole and unused.
    unsafe { pages.release(a) };
    // SAFETY: as above.
    unsafe { pages.release(b) };
    pages.assert_no_leaks();
}

#[test]
fn seeds_differ_in_their_addresses() {
    let shape = |seed| {
        let pages = FakePages::with(Options { seed, ..Options::default() });
        let runs: Vec<_> = (0..12).map(|_| reserved(&pages, 2).addr()).collect();
        let up = runs.windows(2).map(|pair| pair[0] < pair[1]).collect::<Vec<_>>();
        pages.forget_leaks();
        up
    };
    let shapes: std::collections::HashSet<_> = (0..8).map(shape).collect();
    assert!(shapes.len() > 1, "the order of addresses depends on the seed");
}

#[test]
#[should_panic(expected = "Commit of")]
fn a_second_commit_is_noticed() {
    let pages = FakePages::new();
    let run = committed(&pages, 4);
    // SAFETY: forbidden, to be noticed.
    let _ = unsafe { pages.commit(part(run, 3, 1)) };
}

#[test]
#[should_panic(expected = "a page of the run is not committed")]
fn a_purge_of_reserved_pages_is_noticed() {
    let pages = FakePages::new();
    let run = reserved(&pages, 2);
    // SAFETY: forbidden, to be noticed.
    unsafe { pages.purge(run) };
}

#[test]
#[should_panic(expected = "not in one live reservation")]
fn a_run_past_the_end_is_noticed() {
    let pages = FakePages::new();
    let run = reserved(&pages, 2);
    // SAFETY: forbidden, to be noticed.
    let _ = unsafe { pages.commit(PageRun { len: Bytes(3 * PAGE), ..run }) };
}

#[test]
#[should_panic(expected = "not in one live reservation")]
fn a_run_over_two_touching_reservations_is_noticed() {
    let pages = FakePages::with(Options { touching: 1 << 20, ..Options::default() });
    let a = reserved(&pages, 2);
    let _b = reserved(&pages, 2);
    // SAFETY: forbidden, to be noticed.
    let _ = unsafe { pages.commit(PageRun { len: Bytes(4 * PAGE), ..a }) };
}

#[test]
#[should_panic(expected = "not in one live reservation")]
fn a_run_off_the_pages_is_noticed() {
    let pages = FakePages::new();
    let run = reserved(&pages, 2);
    // SAFETY: in the run.
    let start = unsafe { run.start.add(16) };
    // SAFETY: forbidden, to be noticed.
    let _ = unsafe { pages.commit(PageRun { start, len: Bytes(PAGE) }) };
}

#[test]
#[should_panic(expected = "neither a whole reservation nor the tail of one")]
fn a_release_of_the_head_is_noticed() {
    let pages = FakePages::new();
    let run = reserved(&pages, 4);
    // SAFETY: forbidden, to be noticed.
    unsafe { pages.release(part(run, 0, 2)) };
}

#[test]
#[should_panic(expected = "not in one live reservation")]
fn a_second_release_is_noticed() {
    let pages = FakePages::new();
    let run = reserved(&pages, 4);
    // SAFETY: whole and unused.
    unsafe { pages.release(run) };
    // SAFETY: forbidden, to be noticed.
    unsafe { pages.release(run) };
}

#[test]
#[should_panic(expected = "not in one live reservation")]
fn use_of_a_released_tail_is_noticed() {
    let pages = FakePages::new();
    let run = committed(&pages, 4);
    // SAFETY: a tail, unused.
    unsafe { pages.release(part(run, 2, 2)) };
    // SAFETY: forbidden, to be noticed.
    unsafe { pages.purge(run) };
}

#[test]
#[should_panic(expected = "was written before it was committed")]
fn a_write_before_commit_is_noticed() {
    let pages = FakePages::new();
    let run = reserved(&pages, 2);
    // SAFETY: real memory, though forbidden by the protocol.
    unsafe { run.start.add(5000).write(1) };
    // SAFETY: reserved.
    let _ = unsafe { pages.commit(run) };
}

#[test]
#[should_panic(expected = "was written after it was released")]
fn a_write_after_release_is_noticed() {
    let pages = FakePages::new();
    let run = committed(&pages, 2);
    // SAFETY: whole.
    unsafe { pages.release(run) };
    // SAFETY: the memory still exists, though forbidden by the protocol.
    unsafe { run.start.write(1) };
    pages.assert_no_leaks();
}

#[test]
#[should_panic(expected = "was written after it was released")]
fn a_write_after_release_is_noticed_at_the_latest_in_the_end() {
    let pages = FakePages::new();
    let run = committed(&pages, 4);
    // SAFETY: a tail.
    unsafe { pages.release(part(run, 2, 2)) };
    // SAFETY: the memory still exists, though forbidden by the protocol.
    unsafe { run.start.add(3 * PAGE).write(1) };
    drop(pages);
}

#[test]
#[should_panic(expected = "not released")]
fn a_leak_is_noticed() {
    let pages = FakePages::new();
    reserved(&pages, 1);
    pages.assert_no_leaks();
}

#[test]
#[should_panic(expected = "Reserve of 0x64 bytes")]
fn a_broken_length_is_noticed() {
    let _ = FakePages::new().reserve(Bytes(100), Align::ONE, Zeros::No);
}

#[test]
#[should_panic(expected = "Resize of")]
fn a_resize_of_a_part_is_noticed() {
    let pages = FakePages::new();
    let run = committed(&pages, 4);
    // SAFETY: forbidden, to be noticed.
    let _ = unsafe { pages.resize(part(run, 0, 2), Bytes(PAGE)) };
}

#[test]
#[should_panic(expected = "is committed or too short")]
fn a_transfer_onto_committed_pages_is_noticed() {
    let pages = FakePages::new();
    let (run, to) = (committed(&pages, 4), committed(&pages, 4));
    // SAFETY: forbidden, to be noticed.
    let _ = unsafe { pages.transfer(run, to) };
}

#[test]
#[should_panic(expected = "not a whole reservation")]
fn a_transfer_into_a_part_is_noticed() {
    let pages = FakePages::new();
    let (run, to) = (committed(&pages, 4), reserved(&pages, 9));
    // SAFETY: forbidden, to be noticed.
    let _ = unsafe { pages.transfer(run, part(to, 2, 6)) };
}

#[test]
#[should_panic(expected = "differ in length or overlap")]
fn a_shift_onto_itself_is_noticed() {
    let pages = FakePages::new();
    let run = committed(&pages, 4);
    // SAFETY: forbidden, to be noticed.
    let _ = unsafe { pages.shift(part(run, 0, 3), part(run, 1, 3)) };
}

#[test]
fn the_fake_answers_after_a_violation() {
    let pages = FakePages::new();
    let run = reserved(&pages, 1);
    let other = pages.clone();
    let stopped = std::panic::catch_unwind(move || {
        // SAFETY: forbidden, to be noticed.
        unsafe { other.purge(run) };
    });
    assert!(stopped.is_err());
    assert_eq!(pages.leaks().reserved(), PAGE);
    // SAFETY: whole and unused.
    unsafe { pages.release(run) };
}
