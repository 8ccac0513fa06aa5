//! The protocol suite: what any [`PageSource`] must do, the fake and the real one alike.
//!
//! Each check is a function of its own; [`page_source_suite`] runs them all. They panic with what is wrong. A
//! source that cannot resize or shift may refuse: then nothing may have changed.
//!
//! # Safety
//!
//! Every access lies in a run that the check has reserved and committed itself.

#![allow(unsafe_code)]

use crate::pattern::{fill, first_change, first_other, paint};
use heapwright_base::{Align, Bytes};
use heapwright_os::{PageRun, PageSource, Zeros};
use std::sync::atomic::{AtomicU64, Ordering};

/// Runs every check on `source`.
///
/// # Panics
///
/// - When the source breaks the protocol.
pub fn page_source_suite<S: PageSource>(source: &S) {
    page_size(source);
    reservations_are_aligned_and_disjoint(source);
    committed_pages_are_zero_and_writable(source);
    parts_are_committed_in_any_order(source);
    readable_reservations_read_zero(source);
    purge_gives_contents_back(source);
    release_tails(source);
    addresses_come_back(source);
    impossible_requests_are_refused(source);
    resize_keeps_contents(source);
    transfer_takes_contents_along(source);
    shift_moves_contents(source);
    errno_is_kept(source);
    threads_do_not_meet(source);
    clock_and_limit(source);
}

/// One page of `source`, in bytes.
fn page<S: PageSource>(source: &S) -> usize {
    source.page().0
}

fn reserve<S: PageSource>(source: &S, pages: usize, align: usize, zeros: Zeros) -> PageRun {
    let align = Align::new(align).expect("a power of two");
    let len = Bytes(pages * page(source));
    let run = source.reserve(len, align, zeros);
    let run =
        run.unwrap_or_else(|_| panic!("reserving {pages} pages aligned to {} was refused", align.bytes()));
    assert_eq!(run.len, len, "a reservation is as long as asked for");
    run
}

/// Pages `first..first + count` of `run`.
fn part<S: PageSource>(source: &S, run: PageRun, first: usize, count: usize) -> PageRun {
    let page = page(source);
    assert!((first + count) * page <= run.len.0);
    // SAFETY: inside the run.
    PageRun { start: unsafe { run.start.add(first * page) }, len: Bytes(count * page) }
}

fn commit<S: PageSource>(source: &S, run: PageRun) {
    // SAFETY: the checks commit pages of live reservations.
    let done = unsafe { source.commit(run) };
    assert!(done.is_ok(), "committing {:#x}..+{:#x} was refused", run.addr(), run.len.0);
}

fn release<S: PageSource>(source: &S, run: PageRun) {
    // SAFETY: the checks release whole reservations or tails and forget them.
    unsafe { source.release(run) };
}

fn committed<S: PageSource>(source: &S, pages: usize) -> PageRun {
    let run = reserve(source, pages, 1, Zeros::No);
    commit(source, run);
    run
}

fn write(run: PageRun, seed: u64) {
    // SAFETY: the checks write committed runs.
    unsafe { paint(run.start.as_ptr(), run.len.0, seed) };
}

#[track_caller]
fn must_hold(run: PageRun, whole: usize, seed: u64) {
    // SAFETY: the checks read committed runs.
    let change = unsafe { first_change(run.start.as_ptr(), whole, run.len.0, seed) };
    assert_eq!(change, None, "the contents of {:#x}..+{:#x} changed at this offset", run.addr(), run.len.0);
}

#[track_caller]
fn must_be_zero(run: PageRun) {
    // SAFETY: the checks read committed or readable runs.
    let other = unsafe { first_other(run.start.as_ptr(), run.len.0, 0) };
    assert_eq!(other, None, "{:#x}..+{:#x} is not zero at this offset", run.addr(), run.len.0);
}

fn page_size<S: PageSource>(source: &S) {
    let page = page(source);
    assert!(page.is_power_of_two() && (4096..=1 << 20).contains(&page), "a page of {page} bytes");
    assert_eq!(page, self::page(source), "the page size does not change");
}

fn reservations_are_aligned_and_disjoint<S: PageSource>(source: &S) {
    let mut runs = Vec::new();
    for round in 0..3 {
        for shift in [0, 12, 14, 16, 18, 21, 22, 24] {
            let run = reserve(source, 1 + round * 2 + shift % 5, 1 << shift, Zeros::No);
            let align = page(source).max(1 << shift);
            assert_eq!(run.addr() % align, 0, "{:#x} is not aligned to {align:#x}", run.addr());
            runs.push(run);
        }
    }
    runs.sort_by_key(PageRun::addr);
    for pair in runs.windows(2) {
        assert!(pair[0].addr() + pair[0].len.0 <= pair[1].addr(), "{pair:x?} overlap");
    }
    for (seed, run) in runs.iter().enumerate() {
        commit(source, *run);
        write(*run, seed as u64);
    }
    for (seed, run) in runs.iter().enumerate() {
        must_hold(*run, run.len.0, seed as u64);
        release(source, *run);
    }
}

fn committed_pages_are_zero_and_writable<S: PageSource>(source: &S) {
    // Twice: the second time the system may hand out pages that were written and released.
    for _ in 0..2 {
        let run = committed(source, 16);
        must_be_zero(run);
        write(run, 1);
        must_hold(run, run.len.0, 1);
        release(source, run);
    }
}

fn parts_are_committed_in_any_order<S: PageSource>(source: &S) {
    let run = reserve(source, 9, 1, Zeros::No);
    for (seed, first) in [6, 0, 3].into_iter().enumerate() {
        let part = part(source, run, first, 3);
        commit(source, part);
        must_be_zero(part);
        write(part, seed as u64);
    }
    for (seed, first) in [6, 0, 3].into_iter().enumerate() {
        let part = part(source, run, first, 3);
        must_hold(part, part.len.0, seed as u64);
    }
    release(source, run);
}

fn readable_reservations_read_zero<S: PageSource>(source: &S) {
    let run = reserve(source, 64, 1 << 16, Zeros::Readable);
    must_be_zero(run);
    let middle = part(source, run, 20, 4);
    commit(source, middle);
    must_be_zero(middle);
    write(middle, 7);
    must_be_zero(part(source, run, 0, 20));
    must_be_zero(part(source, run, 24, 40));
    must_hold(middle, middle.len.0, 7);
    release(source, run);
}

fn purge_gives_contents_back<S: PageSource>(source: &S) {
    let run = committed(source, 8);
    let (head, middle, tail) = (part(source, run, 0, 2), part(source, run, 2, 4), part(source, run, 6, 2));
    for round in 0..3 {
        for (seed, it) in [head, middle, tail].into_iter().enumerate() {
            write(it, round + seed as u64);
        }
        // SAFETY: committed; nobody needs the contents.
        let zero = unsafe { if round == 1 { source.renew(middle) } else { source.purge(middle) } };
        if zero {
            must_be_zero(middle);
        }
        must_hold(head, head.len.0, round);
        must_hold(tail, tail.len.0, round + 2);
        write(middle, 9);
        must_hold(middle, middle.len.0, 9);
    }
    // Purging what is clean already is allowed.
    for _ in 0..2 {
        // SAFETY: as above.
        if unsafe { source.purge(run) } {
            must_be_zero(run);
        }
    }
    release(source, run);
}

fn release_tails<S: PageSource>(source: &S) {
    let run = reserve(source, 12, 1, Zeros::No);
    commit(source, part(source, run, 0, 8));
    let head = part(source, run, 0, 4);
    write(head, 3);
    release(source, part(source, run, 10, 2));
    // This tail is half committed, half reserved.
    release(source, part(source, run, 4, 6));
    must_hold(head, head.len.0, 3);
    release(source, head);
}

fn addresses_come_back<S: PageSource>(source: &S) {
    // More in all than the limit a test would set: what is released must be had again.
    let rounds = if cfg!(miri) { 20 } else { (300 * 4096 / page(source)).max(20) };
    for round in 0..rounds {
        let run = reserve(source, 64, 1 << 20, Zeros::No);
        commit(source, part(source, run, round % 60, 4));
        release(source, run);
    }
}

fn impossible_requests_are_refused<S: PageSource>(source: &S) {
    let page = page(source);
    let most = isize::MAX as usize / page * page;
    for (len, align) in [(most, 1), (usize::MAX / page * page, 1), (1 << 60, 1 << 30), (page, 1 << 62)] {
        let align = Align::new(align).expect("a power of two");
        let run = source.reserve(Bytes(len), align, Zeros::No);
        assert!(run.is_err(), "{len:#x} bytes aligned to {:#x} were granted", align.bytes());
    }
    let run = committed(source, 1);
    must_be_zero(run);
    release(source, run);
}

fn resize_keeps_contents<S: PageSource>(source: &S) {
    let mut run = committed(source, 6);
    for pages in [6, 3, 4, 20, 20, 200, 1] {
        let before = run;
        write(run, pages as u64);
        // SAFETY: whole and committed.
        match unsafe { source.resize(run, Bytes(pages * page(source))) } {
            Err(_) => must_hold(run, run.len.0, pages as u64),
            Ok(changed) => {
                run = PageRun { len: Bytes(pages * page(source)), ..before };
                assert_eq!(changed, run, "a resized run stays where it is");
                let kept = before.len.0.min(run.len.0) / page(source);
                must_hold(part(source, run, 0, kept), before.len.0, pages as u64);
                must_be_zero_from(source, run, kept);
            }
        }
    }
    release(source, run);
}

fn transfer_takes_contents_along<S: PageSource>(source: &S) {
    for (have, want) in [(4, 4), (3, 9), (300, 600)] {
        let run = committed(source, have);
        let to = reserve(source, want, 1 << 21, Zeros::No);
        write(run, 11);
        // SAFETY: both whole, one committed, the other not; the old addresses are forgotten when it is done.
        if unsafe { source.transfer(run, to) }.is_ok() {
            must_hold(part(source, to, 0, have), run.len.0, 11);
            must_be_zero_from(source, to, have);
            write(to, 12);
            must_hold(to, to.len.0, 12);
        } else {
            must_hold(run, run.len.0, 11);
            release(source, run);
            commit(source, to);
            must_be_zero(to);
        }
        release(source, to);
    }
}

fn must_be_zero_from<S: PageSource>(source: &S, run: PageRun, first: usize) {
    let count = run.len.0 / page(source) - first;
    if count > 0 {
        must_be_zero(part(source, run, first, count));
    }
}

fn shift_moves_contents<S: PageSource>(source: &S) {
    let run = committed(source, 12);
    let other = committed(source, 12);
    let pairs = [
        (part(source, run, 0, 4), part(source, run, 6, 4)),
        (part(source, run, 2, 2), part(source, other, 0, 2)),
    ];
    for (from, to) in pairs {
        write(run, 1);
        write(from, 5);
        // SAFETY: committed, equal, disjoint; `to` is not needed.
        if unsafe { source.shift(from, to) }.is_ok() {
            must_hold(to, to.len.0, 5);
            must_be_zero(from);
            write(from, 6);
            must_hold(to, to.len.0, 5);
            // SAFETY: committed and not needed.
            if unsafe { source.renew(from) } {
                must_be_zero(from);
            }
            write(from, 8);
            must_hold(from, from.len.0, 8);
        } else {
            must_hold(from, from.len.0, 5);
        }
    }
    release(source, run);
    release(source, other);
}

/// Sets `errno` by a call that fails, and requires that `work` leaves it.
fn errno_is_kept<S: PageSource>(source: &S) {
    let keep = |what: &str, work: &mut dyn FnMut()| {
        let failed = std::fs::metadata("/nowhere/at all").map_err(|error| error.raw_os_error()).err();
        let before = std::io::Error::last_os_error().raw_os_error();
        assert_eq!(failed, Some(before), "a failing call sets errno");
        work();
        assert_eq!(std::io::Error::last_os_error().raw_os_error(), before, "{what} changed errno");
    };
    let mut run = None;
    keep("reserve", &mut || run = source.reserve(Bytes(4 * page(source)), Align::ONE, Zeros::No).ok());
    let run = run.expect("four pages");
    let mut done = false;
    // SAFETY: reserved.
    keep("commit", &mut || done = unsafe { source.commit(run) }.is_ok());
    assert!(done, "committing four pages was refused");
    // SAFETY: committed and not needed.
    keep("purge", &mut || done = unsafe { source.purge(run) });
    keep("release", &mut || release(source, run));
}

fn threads_do_not_meet<S: PageSource>(source: &S) {
    let rounds = if cfg!(miri) { 3 } else { 50 };
    let clock = AtomicU64::new(source.now());
    std::thread::scope(|scope| {
        for thread in 0..4u64 {
            let clock = &clock;
            scope.spawn(move || {
                for round in 0..rounds {
                    let run = committed(source, 1 + (round % 7) as usize);
                    must_be_zero(run);
                    write(run, thread << 32 | round);
                    std::thread::yield_now();
                    must_hold(run, run.len.0, thread << 32 | round);
                    release(source, run);
                    clock.fetch_max(source.now(), Ordering::Relaxed);
                }
            });
        }
    });
    assert!(source.now() >= clock.into_inner(), "the clock of one thread is ahead of another's past");
}

fn clock_and_limit<S: PageSource>(source: &S) {
    let mut last = source.now();
    for _ in 0..1000 {
        let now = source.now();
        assert!(now >= last, "the clock went back from {last} to {now}");
        last = now;
    }
    assert_ne!(source.address_limit(), Some(Bytes(0)), "a limit of nothing");
    // A byte of a committed page belongs to nobody else.
    let run = committed(source, 1);
    // SAFETY: committed.
    unsafe { fill(run.start.as_ptr(), run.len.0, 0xee) };
    // SAFETY: as above.
    assert_eq!(unsafe { first_other(run.start.as_ptr(), run.len.0, 0xee) }, None);
    release(source, run);
}
