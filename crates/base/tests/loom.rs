//! The model checker on the lock: one holder at a time, who sees what the holder before wrote, and no sleeper is
//! forgotten.
//!
//! Run with `cargo xtask loom`.

#![cfg(loom)]
#![allow(unsafe_code)]

use heapwright_base::lock::{Ranked, Wait};
use heapwright_base::sync::{AtomicUsize, Ordering};
use loom::cell::UnsafeCell;
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

/// Waits by trying again.
struct Yield;

impl Wait for Yield {
    fn wait(_: &AtomicUsize, _: usize) {
        thread::yield_now();
    }
    fn wake_one(_: &AtomicUsize) {}
}

/// Waits as futex(2) does: looks at the word and falls asleep in one step. Its own order between threads would
/// hide what is missing in the lock's, so the models of the orderings use `Yield`.
struct Sleep;

loom::lazy_static! {
    static ref BED: (Mutex<()>, Condvar) = (Mutex::new(()), Condvar::new());
}

impl Wait for Sleep {
    fn wait(word: &AtomicUsize, value: usize) {
        let bed = BED.0.lock().unwrap();
        if word.load(Ordering::Relaxed) == value {
            drop(BED.1.wait(bed).unwrap());
        }
    }
    fn wake_one(_: &AtomicUsize) {
        drop(BED.0.lock().unwrap());
        BED.1.notify_one();
    }
}

/// A number that the checker watches.
struct Watched(UnsafeCell<u32>);
// SAFETY: the cell is watched by the checker.
unsafe impl Send for Watched {}

fn counts<W: Wait + 'static>(threads: u32) {
    loom::model(move || {
        let lock = Arc::new(Ranked::<_, W, 1>::new(Watched(UnsafeCell::new(0))));
        let count = |lock: &Ranked<Watched, W, 1>| {
            let held = lock.lock();
            // SAFETY: watched.
            held.0.with_mut(|number| unsafe { *number += 1 });
        };
        let others: Vec<_> = (1..threads)
            .map(|_| {
                let lock = lock.clone();
                thread::spawn(move || count(&lock))
            })
            .collect();
        count(&lock);
        others.into_iter().for_each(|other| other.join().unwrap());
        assert!(!lock.held());
        let held = lock.lock();
        // SAFETY: watched.
        assert_eq!(held.0.with(|number| unsafe { *number }), threads);
    });
}

#[test]
fn loom_two_exclude_each_other() {
    counts::<Yield>(2);
}

#[test]
fn loom_sleepers_are_woken() {
    counts::<Sleep>(2);
    counts::<Sleep>(3);
}

/// What a thread sees that took the lock without waiting.
#[test]
fn loom_a_try_is_as_good_as_a_lock() {
    loom::model(|| {
        let lock = Arc::new(Ranked::<_, Yield, 1>::new(Watched(UnsafeCell::new(0))));
        let trier = {
            let lock = lock.clone();
            thread::spawn(move || {
                let held = lock.try_lock()?;
                // SAFETY: watched.
                held.0.with_mut(|number| unsafe { *number += 1 });
                Some(())
            })
        };
        {
            let held = lock.lock();
            // SAFETY: watched.
            held.0.with_mut(|number| unsafe { *number += 1 });
        }
        let expected = 1 + u32::from(trier.join().unwrap().is_some());
        // SAFETY: watched.
        assert_eq!(lock.lock().0.with(|number| unsafe { *number }), expected);
    });
}
