//! A page source that refuses on request: every failure point of a floor can be visited in turn.
//!
//! ```
//! # use heapwright_base::{Align, Bytes, OutOfPages};
//! # use heapwright_os::{PageSource, Zeros};
//! use heapwright_testkit::{FakePages, Faulty, each_fault};
//! let faults = each_fault(10, |plan| {
//!     let pages = FakePages::new();
//!     let source = Faulty::new(pages.clone(), plan.clone());
//!     let refused = source.reserve(Bytes(8192), Align::ONE, Zeros::No) == Err(OutOfPages);
//!     assert_eq!(refused, plan.struck());
//!     pages.forget_leaks();
//! });
//! assert_eq!(faults, 1);
//! ```
//!
//! # Safety
//!
//! Forwards to a source that keeps the protocol; a refused call changes nothing, as the protocol demands.

#![allow(unsafe_code)]

use heapwright_base::{Align, Bytes, OutOfPages};
use heapwright_os::{PageRun, PageSource, Zeros};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Which calls are refused; clones are the same plan, so that a test keeps one while the floor owns the other.
#[derive(Clone, Debug)]
pub struct FaultPlan(Arc<Plan>);

#[derive(Debug)]
struct Plan {
    at: AtomicUsize,
    and_after: AtomicBool,
    calls: AtomicUsize,
    purges: AtomicUsize,
    refuse_purge: AtomicBool,
    struck: AtomicUsize,
}

impl FaultPlan {
    /// Nothing fails; calls are counted.
    #[must_use]
    pub fn none() -> FaultPlan {
        FaultPlan::plan(usize::MAX, false)
    }

    /// The `n`-th fallible call fails, counted from zero, and no other.
    #[must_use]
    pub fn at(n: usize) -> FaultPlan {
        FaultPlan::plan(n, false)
    }

    /// The `n`-th fallible call fails and so does every later one.
    #[must_use]
    pub fn from(n: usize) -> FaultPlan {
        FaultPlan::plan(n, true)
    }

    fn plan(at: usize, and_after: bool) -> FaultPlan {
        FaultPlan(Arc::new(Plan {
            at: AtomicUsize::new(at),
            and_after: AtomicBool::new(and_after),
            calls: AtomicUsize::new(0),
            purges: AtomicUsize::new(0),
            refuse_purge: AtomicBool::new(false),
            struck: AtomicUsize::new(0),
        }))
    }

    /// Purges are refused from now on, or no longer.
    pub fn refuse_purge(&self, refuse: bool) {
        self.0.refuse_purge.store(refuse, Ordering::Relaxed);
    }

    /// Memory is back: nothing fails any more.
    pub fn heal(&self) {
        self.0.at.store(usize::MAX, Ordering::Relaxed);
        self.0.and_after.store(false, Ordering::Relaxed);
        self.refuse_purge(false);
    }

    /// Every fallible call fails from now on, until [`heal`](Self::heal).
    pub fn strike(&self) {
        self.0.at.store(0, Ordering::Relaxed);
        self.0.and_after.store(true, Ordering::Relaxed);
    }

    /// How many fallible calls were made.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.0.calls.load(Ordering::Relaxed)
    }

    /// How many purges were asked for.
    #[must_use]
    pub fn purges(&self) -> usize {
        self.0.purges.load(Ordering::Relaxed)
    }

    /// Whether a call was refused.
    #[must_use]
    pub fn struck(&self) -> bool {
        self.0.struck.load(Ordering::Relaxed) > 0
    }

    fn ask(&self) -> Result<(), OutOfPages> {
        let call = self.0.calls.fetch_add(1, Ordering::Relaxed);
        let at = self.0.at.load(Ordering::Relaxed);
        if call == at || (call > at && self.0.and_after.load(Ordering::Relaxed)) {
            self.0.struck.fetch_add(1, Ordering::Relaxed);
            return Err(OutOfPages);
        }
        Ok(())
    }

    fn ask_purge(&self) -> bool {
        self.0.purges.fetch_add(1, Ordering::Relaxed);
        !self.0.refuse_purge.load(Ordering::Relaxed)
    }
}

/// Runs `body` with the first call failing, then the second, and so on until a run is over before its fault
/// comes; answers how many calls could fail.
///
/// # Panics
///
/// - When `limit` runs do not reach the end.
pub fn each_fault(limit: usize, mut body: impl FnMut(&FaultPlan)) -> usize {
    for n in 0..limit {
        let plan = FaultPlan::at(n);
        body(&plan);
        if !plan.struck() {
            return n;
        }
    }
    panic!("still failing after {limit} faults: raise the limit or look for a loop that retries forever");
}

/// A source with a fault plan in front.
#[derive(Debug)]
pub struct Faulty<S> {
    inner: S,
    plan: FaultPlan,
}

impl<S> Faulty<S> {
    /// `inner`, refusing what `plan` says.
    pub fn new(inner: S, plan: FaultPlan) -> Faulty<S> {
        Faulty { inner, plan }
    }

    /// The source behind.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// The plan.
    pub fn plan(&self) -> &FaultPlan {
        &self.plan
    }
}

// SAFETY: every promise is kept by `inner`; a refused call is not made at all.
unsafe impl<S: PageSource> PageSource for Faulty<S> {
    fn page(&self) -> Bytes {
        self.inner.page()
    }

    fn reserve(&self, len: Bytes, align: Align, zeros: Zeros) -> Result<PageRun, OutOfPages> {
        self.plan.ask()?;
        self.inner.reserve(len, align, zeros)
    }

    unsafe fn commit(&self, run: PageRun) -> Result<(), OutOfPages> {
        self.plan.ask()?;
        // SAFETY: caller: same contract.
        unsafe { self.inner.commit(run) }
    }

    unsafe fn purge(&self, run: PageRun) -> bool {
        // SAFETY: caller: same contract.
        self.plan.ask_purge() && unsafe { self.inner.purge(run) }
    }

    unsafe fn release(&self, run: PageRun) {
        // SAFETY: caller: same contract.
        unsafe { self.inner.release(run) }
    }

    unsafe fn resize(&self, run: PageRun, len: Bytes) -> Result<PageRun, OutOfPages> {
        self.plan.ask()?;
        // SAFETY: caller: same contract.
        unsafe { self.inner.resize(run, len) }
    }

    unsafe fn transfer(&self, run: PageRun, to: PageRun) -> Result<(), OutOfPages> {
        self.plan.ask()?;
        // SAFETY: caller: same contract.
        unsafe { self.inner.transfer(run, to) }
    }

    unsafe fn shift(&self, from: PageRun, to: PageRun) -> Result<(), OutOfPages> {
        self.plan.ask()?;
        // SAFETY: caller: same contract.
        unsafe { self.inner.shift(from, to) }
    }

    unsafe fn renew(&self, run: PageRun) -> bool {
        // SAFETY: caller: same contract.
        self.plan.ask_purge() && unsafe { self.inner.renew(run) }
    }

    unsafe fn prefer_huge(&self, run: PageRun) {
        // SAFETY: caller: same contract.
        unsafe { self.inner.prefer_huge(run) }
    }

    fn now(&self) -> u64 {
        self.inner.now()
    }

    fn address_limit(&self) -> Option<Bytes> {
        self.inner.address_limit()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FakePages;

    fn two_steps<S: PageSource>(source: &S) -> Result<PageRun, OutOfPages> {
        let run = source.reserve(Bytes(8192), Align::ONE, Zeros::No)?;
        // SAFETY: just reserved.
        if unsafe { source.commit(run) }.is_err() {
            // SAFETY: ours and unused.
            unsafe { source.release(run) };
            return Err(OutOfPages);
        }
        Ok(run)
    }

    #[test]
    fn each_fault_visits_every_call_once() {
        let mut refused = 0;
        let faults = each_fault(10, |plan| {
            let pages = FakePages::new();
            match two_steps(&Faulty::new(pages.clone(), plan.clone())) {
                // SAFETY: whole and unused.
                Ok(run) => unsafe { pages.release(run) },
                Err(OutOfPages) => refused += 1,
            }
            pages.assert_no_leaks();
        });
        assert_eq!((faults, refused), (2, 2));
    }

    #[test]
    #[should_panic(expected = "still failing after 3 faults")]
    fn a_body_that_retries_for_ever_is_noticed() {
        each_fault(3, |plan| {
            let source = Faulty::new(FakePages::new(), plan.clone());
            while source.reserve(Bytes(1 << 50), Align::ONE, Zeros::No).is_err() && plan.calls() < 100 {}
        });
    }

    #[test]
    fn a_struck_plan_fails_until_it_heals() {
        let pages = FakePages::new();
        let source = Faulty::new(pages.clone(), FaultPlan::none());
        source.plan().strike();
        assert_eq!(two_steps(&source), Err(OutOfPages));
        assert_eq!(two_steps(&source), Err(OutOfPages));
        source.plan().heal();
        let run = two_steps(&source).expect("healed");
        source.plan().refuse_purge(true);
        // SAFETY: committed and unused.
        assert!(!unsafe { source.purge(run) });
        assert_eq!((source.plan().calls(), source.plan().purges()), (4, 1));
        // SAFETY: whole and unused.
        unsafe { source.release(run) };
    }

    #[test]
    fn from_fails_that_call_and_all_later_ones() {
        let source = Faulty::new(FakePages::new(), FaultPlan::from(1));
        let run = source.reserve(Bytes(4096), Align::ONE, Zeros::No).expect("the first call passes");
        // SAFETY: reserved.
        assert_eq!(unsafe { source.commit(run) }, Err(OutOfPages));
        assert_eq!(source.reserve(Bytes(4096), Align::ONE, Zeros::No), Err(OutOfPages));
        // SAFETY: whole and unused.
        unsafe { source.release(run) };
    }
}
