//! The real source and its fake keep one protocol; and what only the real one can get wrong.
//!
//! # Safety
//!
//! Every access lies in a run that the test has reserved and committed itself.

#![cfg(target_os = "linux")]
#![allow(unsafe_code)]

use heapwright_base::{Align, Bytes};
use heapwright_os::linux::Mmap;
use heapwright_os::{PageRun, PageSource, Zeros};
use heapwright_testkit::{FakePages, Options, page_source_suite};

#[test]
fn linux_passes_the_suite() {
    page_source_suite(&Mmap::new());
}

#[test]
fn the_fake_passes_the_suite_with_every_page_size() {
    for page in [4096, 16_384, 65_536] {
        let pages = FakePages::with(Options { page, seed: page as u64, ..Options::default() });
        page_source_suite(&pages);
        pages.assert_no_leaks();
    }
}

fn page() -> usize {
    Mmap.page().0
}

fn reserved(pages: usize) -> PageRun {
    Mmap.reserve(Bytes(pages * page()), Align::ONE, Zeros::No).expect("a few pages of addresses")
}

fn committed(pages: usize) -> PageRun {
    let run = reserved(pages);
    // SAFETY: just reserved.
    unsafe { Mmap.commit(run) }.expect("a few pages");
    run
}

/// Pages `first..first + count` of a run.
fn part(run: PageRun, first: usize, count: usize) -> PageRun {
    assert!((first + count) * page() <= run.len.0);
    // SAFETY: inside the run.
    PageRun { start: unsafe { run.start.add(first * page()) }, len: Bytes(count * page()) }
}

/// Writes a number into every page.
fn mark(run: PageRun, seed: u64) {
    for at in (0..run.len.0).step_by(page()) {
        // SAFETY: the tests mark committed runs.
        unsafe { run.start.add(at).cast::<u64>().write(seed + at as u64) };
    }
}

/// Which pages of a run do not hold what `mark` wrote.
fn changed(run: PageRun, seed: u64) -> Vec<usize> {
    let holds = |at: usize| {
        // SAFETY: the tests read committed runs.
        let word = unsafe { run.start.add(at).cast::<u64>().read() };
        word == seed + at as u64
    };
    (0..run.len.0).step_by(page()).filter(|&at| !holds(at)).map(|at| at / page()).collect()
}

fn is_zero(run: PageRun) -> bool {
    // SAFETY: the tests read committed runs.
    let bytes = unsafe { core::slice::from_raw_parts(run.start.as_ptr(), run.len.0) };
    bytes.iter().all(|&byte| byte == 0)
}

/// Whether every page of a run is mapped: mincore(2) refuses a hole.
fn is_mapped(run: PageRun) -> bool {
    let mut resident = vec![0u8; run.len.0 / page()];
    // SAFETY: the vector has a byte for each page.
    unsafe { libc::mincore(run.start.as_ptr().cast(), run.len.0, resident.as_mut_ptr()) == 0 }
}

fn resident(run: PageRun) -> usize {
    let mut resident = vec![0u8; run.len.0 / page()];
    // SAFETY: the vector has a byte for each page.
    let done = unsafe { libc::mincore(run.start.as_ptr().cast(), run.len.0, resident.as_mut_ptr()) };
    assert_eq!(done, 0, "a hole in {:#x}", run.addr());
    resident.iter().filter(|&&flags| flags & 1 != 0).count()
}

fn release(run: PageRun) {
    // SAFETY: the tests release whole reservations and forget them.
    unsafe { Mmap.release(run) };
}

#[test]
fn a_purge_and_a_renewal_give_pages_back_at_once() {
    let run = committed(64);
    for renew in [false, true] {
        mark(run, 1);
        assert_eq!(resident(run), 64);
        let middle = part(run, 16, 32);
        // SAFETY: committed and not needed.
        let zero = unsafe { if renew { Mmap.renew(middle) } else { Mmap.purge(middle) } };
        assert!(zero && resident(run) == 32 && is_zero(middle));
        assert_eq!(changed(part(run, 0, 16), 1), []);
    }
    release(run);
}

#[test]
fn a_run_grows_in_place_only_into_nothing() {
    let run = committed(16);
    let (head, tail) = (part(run, 0, 8), part(run, 8, 8));
    mark(run, 3);
    // SAFETY: whole in its mapping as far as it matters: the neighbour must stop it.
    let refused = unsafe { Mmap.resize(head, Bytes(12 * page())) };
    assert!(refused.is_err() && changed(run, 3).is_empty());
    release(tail);
    // SAFETY: whole and committed.
    let grown = unsafe { Mmap.resize(head, Bytes(12 * page())) }.expect("the addresses behind are free");
    assert_eq!(grown.start, head.start);
    assert!(changed(head, 3).is_empty() && is_zero(part(grown, 8, 4)));
    // SAFETY: as above.
    let shrunk = unsafe { Mmap.resize(grown, Bytes(2 * page())) }.expect("shrinking");
    assert!(changed(shrunk, 3).is_empty() && !is_mapped(part(grown, 2, 10)));
    release(shrunk);
}

#[test]
fn a_transfer_is_one_mapping_that_grows_again() {
    let (run, to) = (committed(8), reserved(32));
    mark(run, 5);
    // SAFETY: both whole; the old addresses are not used again.
    unsafe { Mmap.transfer(run, to) }.expect("room for the pages at the new place");
    assert!(changed(part(to, 0, 8), 5).is_empty() && is_zero(part(to, 8, 24)));
    assert!(!is_mapped(run));
    let again = reserved(64);
    // SAFETY: as above.
    unsafe { Mmap.transfer(to, again) }.expect("one mapping moves as one");
    assert!(changed(part(again, 0, 8), 5).is_empty());
    release(again);
}

#[test]
fn a_shift_leaves_its_source_usable() {
    let run = committed(32);
    let (from, to) = (part(run, 2, 8), part(run, 20, 8));
    mark(run, 7);
    mark(from, 9);
    // SAFETY: committed, equal, disjoint; `to` is not needed.
    unsafe { Mmap.shift(from, to) }.expect("pages of one mapping move");
    assert_eq!(resident(from), 0);
    assert!(changed(to, 9).is_empty() && is_zero(from));
    assert!(changed(part(run, 0, 2), 7).is_empty());
    mark(from, 11);
    assert!(changed(to, 9).is_empty());
    // SAFETY: committed and not needed.
    assert!(unsafe { Mmap.renew(to) } && is_zero(to));
    release(run);
}

/// Pages that were moved form a mapping of their own for the kernel, and it refuses to move a range that is two
/// mappings, at least in some versions: with the destination unmapped already (mremap(2), `MREMAP_FIXED`).
#[test]
fn a_refused_shift_leaves_both_runs_as_they_were() {
    let run = committed(64);
    let (from, middle, to) = (part(run, 0, 8), part(run, 16, 16), part(run, 40, 16));
    mark(from, 13);
    mark(part(middle, 8, 8), 15);
    mark(to, 17);
    // SAFETY: committed, equal, disjoint.
    unsafe { Mmap.shift(from, part(middle, 0, 8)) }.expect("pages of one mapping move");
    // SAFETY: as above.
    let moved = unsafe { Mmap.shift(middle, to) }.is_ok();
    assert!(is_mapped(to) && is_mapped(middle), "a hole is left (moved: {moved})");
    let place = if moved { to } else { middle };
    assert_eq!(changed(part(place, 0, 8), 13), []);
    assert_eq!(changed(part(place, 8, 8), 15), []);
    if moved {
        assert!(is_zero(middle));
    } else {
        assert_eq!(changed(to, 17), []);
    }
    mark(to, 19);
    release(run);
}
