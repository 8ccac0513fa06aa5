//! A lock of one word that knows its holder.
//!
//! The word is zero when free, else the holder's thread number with `WAITED` set while somebody may sleep.
//! A thread that meets a held lock spins a little, then sleeps through [`Wait`], which the floor above
//! implements with a futex (Drepper, "Futexes are tricky", mutex 2) and tests implement with a yield.
//!
//! Knowing the holder serves `fork`: a child (or a signal handler) can tell a lock that its own thread holds
//! from one whose holder does not exist any more.
//!
//! # Invariants
//! L1  The value is touched only by the holder of the word.
//! L2  Ranks are taken upward: a thread that holds a lock of rank r takes only ranks above r.
//!
//! # Sharing
//! ```text
//! field   written by                     read by      order
//! word    any thread (compare exchange)  any thread   Acquire to take, Release to give back
//! value   the holder                     the holder   by `word`
//! ```
//!
//! # Safety
//!
//! One `UnsafeCell`, handed out by reference only through a guard that proves L1.

#![allow(unsafe_code)]

use crate::sync::{AtomicUsize, Ordering, spin_hint};
use crate::thread;
use core::cell::UnsafeCell;
use core::ops::{Deref, DerefMut};

/// Set in the word while somebody may be asleep on it; thread numbers are multiples of four.
const WAITED: usize = 1;
/// Set in the word while it is held across a fork: its holder may then take it again.
const FORKING: usize = 2;
const FLAGS: usize = WAITED | FORKING;
/// How long to spin before sleeping: about as long as the longest critical section takes.
const SPINS: u32 = if cfg!(loom) { 1 } else { 100 };

/// How a thread waits for a word to change.
pub trait Wait {
    /// Sleeps while `word` holds `value`; may wake for no reason.
    fn wait(word: &AtomicUsize, value: usize);
    /// Wakes one sleeper.
    fn wake_one(word: &AtomicUsize);
}

/// A lock around a value, with its place in the order of locks.
///
/// Ranks: registry 10, span 30, page map growth 40.
pub struct Ranked<T, W, const RANK: u32> {
    word: AtomicUsize,
    value: UnsafeCell<T>,
    wait: core::marker::PhantomData<fn() -> W>,
}

// SAFETY: L1: the value moves between threads only with the word, as in a mutex.
unsafe impl<T: Send, W, const RANK: u32> Sync for Ranked<T, W, RANK> {}

impl<T, W: Wait, const RANK: u32> Ranked<T, W, RANK> {
    /// A free lock around `value`.
    #[cfg(not(loom))]
    pub const fn new(value: T) -> Self {
        Ranked { word: AtomicUsize::new(0), value: UnsafeCell::new(value), wait: core::marker::PhantomData }
    }

    /// A free lock around `value`.
    #[cfg(loom)]
    pub fn new(value: T) -> Self {
        Ranked { word: AtomicUsize::new(0), value: UnsafeCell::new(value), wait: core::marker::PhantomData }
    }

    /// Waits for the lock and takes it.
    ///
    /// A thread that already holds it waits for ever; see [`Ranked::held_here`]. The exception is a thread that
    /// holds it across a fork: other libraries' fork handlers may allocate meanwhile.
    #[inline]
    pub fn lock(&self) -> Guard<'_, T, W, RANK> {
        let me = thread::current();
        // Acquire: pairs with the Release in `unlock`; the previous holder's writes are seen.
        let taken = self.word.compare_exchange(0, me, Ordering::Acquire, Ordering::Relaxed).is_ok();
        let taken = taken || self.lock_slow(me);
        Guard { lock: self, taken }
    }

    /// Takes the lock if that needs no waiting to speak of.
    pub fn try_lock(&self) -> Option<Guard<'_, T, W, RANK>> {
        let me = thread::current();
        for _ in 0..SPINS {
            // Acquire: as in `lock`.
            if self.word.compare_exchange(0, me, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                return Some(Guard { lock: self, taken: true });
            }
            spin_hint();
        }
        None
    }

    /// Answers whether the lock was taken; `false` when this thread holds it across a fork.
    #[cold]
    fn lock_slow(&self, me: usize) -> bool {
        if self.word.load(Ordering::Relaxed) & !WAITED == me | FORKING {
            return false;
        }
        for _ in 0..SPINS {
            spin_hint();
            // Acquire: as in `lock`.
            if self.word.load(Ordering::Relaxed) == 0
                && self.word.compare_exchange(0, me, Ordering::Acquire, Ordering::Relaxed).is_ok()
            {
                return true;
            }
        }
        loop {
            let seen = self.word.load(Ordering::Relaxed);
            if seen == 0 {
                // Acquire: as in `lock`. Marked as waited: others may sleep, and waking nobody is harmless.
                if self.word.compare_exchange(0, me | WAITED, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                    return true;
                }
                continue;
            }
            let marked = seen | WAITED;
            if seen == marked
                || self.word.compare_exchange(seen, marked, Ordering::Relaxed, Ordering::Relaxed).is_ok()
            {
                W::wait(&self.word, marked);
            }
        }
    }

    #[inline]
    fn unlock(&self) {
        // Release: pairs with the Acquire in `lock`; the next holder sees our writes.
        if self.word.swap(0, Ordering::Release) & WAITED != 0 {
            W::wake_one(&self.word);
        }
    }

    /// Whether the calling thread holds the lock.
    #[inline]
    pub fn held_here(&self) -> bool {
        self.word.load(Ordering::Relaxed) & !FLAGS == thread::current()
    }

    /// Whether anybody holds the lock.
    #[inline]
    pub fn held(&self) -> bool {
        self.word.load(Ordering::Relaxed) != 0
    }

    /// Takes the lock without a guard, for `fork`.
    pub fn hold(&self) {
        let guard = self.lock();
        if guard.taken {
            // Relaxed: only the holder, which is this thread, acts on the mark.
            self.word.fetch_or(FORKING, Ordering::Relaxed);
        }
        core::mem::forget(guard);
    }

    /// Gives back a lock taken by [`hold`](Self::hold), or by a thread that does not exist any more.
    ///
    /// # Safety
    ///
    /// - The lock is held by `hold` of this thread, or its holder no longer runs in this process.
    /// - In the second case the value may be half changed: the caller treats it so.
    pub unsafe fn force_unlock(&self) {
        self.unlock();
    }

    /// The value, for a caller that can prove that nobody else looks.
    pub fn as_ptr(&self) -> *mut T {
        self.value.get()
    }
}

/// Proof that the lock is held; gives it back when dropped.
pub struct Guard<'a, T, W: Wait, const RANK: u32> {
    lock: &'a Ranked<T, W, RANK>,
    /// Whether this guard took the lock; else the thread holds it across a fork.
    taken: bool,
}

impl<T, W: Wait, const RANK: u32> Deref for Guard<'_, T, W, RANK> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: L1: this guard is the holder.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T, W: Wait, const RANK: u32> DerefMut for Guard<'_, T, W, RANK> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: L1: this guard is the holder.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T, W: Wait, const RANK: u32> Drop for Guard<'_, T, W, RANK> {
    #[inline]
    fn drop(&mut self) {
        if self.taken {
            self.lock.unlock();
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    extern crate std;
    use super::*;

    struct Yield;
    impl Wait for Yield {
        fn wait(_: &AtomicUsize, _: usize) {
            std::thread::yield_now();
        }
        fn wake_one(_: &AtomicUsize) {}
    }

    #[test]
    fn counts_are_not_lost_between_threads() {
        static COUNT: Ranked<u64, Yield, 1> = Ranked::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10_000).for_each(|_| *COUNT.lock() += 1));
            }
        });
        assert_eq!(*COUNT.lock(), 40_000);
    }

    #[test]
    fn a_thread_that_forks_may_take_it_again() {
        let lock: Ranked<u32, Yield, 1> = Ranked::new(7);
        lock.hold();
        *lock.lock() += 1;
        assert!(lock.held_here(), "an inner guard does not give the lock back");
        assert!(lock.try_lock().is_none());
        // SAFETY: held by this thread's `hold`.
        unsafe { lock.force_unlock() };
        assert!(!lock.held());
        assert_eq!(lock.try_lock().map(|guard| *guard), Some(8));
    }

    #[test]
    fn the_holder_is_known() {
        let lock: Ranked<(), Yield, 1> = Ranked::new(());
        assert!(!lock.held());
        let guard = lock.lock();
        assert!(lock.held_here());
        std::thread::scope(|scope| {
            scope.spawn(|| assert!(lock.held() && !lock.held_here()));
        });
        drop(guard);
        assert!(!lock.held());
    }
}
