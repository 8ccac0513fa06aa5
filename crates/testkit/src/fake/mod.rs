//! A page source without an operating system: real memory, strict about the protocol.
//!
//! Each reservation is memory of its own from `std::alloc`, so Miri and sanitizers see its bounds; each page has
//! a state, and a call that the protocol forbids panics with what it did. The fake is ruder than a kernel: released
//! and uncommitted pages hold known bytes and are compared, a refused purge leaves rubbish, addresses come in a
//! seeded order. It can be told to run out: a byte budget for committed pages, a limit for addresses.
//!
//! # Sharing
//! All state is behind one lock; clones of a fake are the same fake.
//!
//! # Safety
//!
//! The memory of a reservation lives until it is wholly released and forgotten, so the promises of the trait hold
//! for callers that keep the protocol; others are told.

#![allow(unsafe_code)]

mod log;
mod reservation;
mod state;
#[cfg(test)]
mod tests;

pub use log::{Call, Verb};
pub use reservation::PageState;

use heapwright_base::{Align, Bytes, OutOfPages};
use heapwright_os::{PageRun, PageSource, Zeros};
use state::State;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How a fake behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// The page size.
    pub page: usize,
    /// Decides addresses.
    pub seed: u64,
    /// At most this many bytes may be committed.
    pub budget: usize,
    /// At most this many bytes of addresses may be reserved; reported by `address_limit`.
    pub address_limit: Option<usize>,
    /// Whether purges are refused: they then leave rubbish.
    pub refuse_purge: bool,
    /// Whether `resize`, `transfer` and `shift` work.
    pub remap: bool,
    /// When not zero, reservations are laid side by side in a pool of this size while it lasts, as `mmap` does:
    /// a floor that joins neighbours across reservations is then found out.
    pub touching: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            page: 4096,
            seed: 0,
            budget: usize::MAX,
            address_limit: None,
            refuse_purge: false,
            remap: true,
            touching: 0,
        }
    }
}

/// See the module header. A clone is the same fake: the floor takes one, the test keeps one.
#[derive(Clone, Debug)]
pub struct FakePages(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    page: usize,
    address_limit: Option<usize>,
    remap: bool,
    clock: AtomicU64,
    budget: AtomicUsize,
    refuse_purge: AtomicBool,
    state: Mutex<State>,
}

/// A reservation that was not released.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Leak {
    /// Its first address.
    pub addr: usize,
    /// Its bytes of addresses.
    pub reserved: usize,
    /// How many of them are committed.
    pub committed: usize,
}

/// What has not been released.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Leaks(pub Vec<Leak>);

impl Leaks {
    /// Bytes of addresses.
    #[must_use]
    pub fn reserved(&self) -> usize {
        self.0.iter().map(|leak| leak.reserved).sum()
    }

    /// Bytes of committed pages.
    #[must_use]
    pub fn committed(&self) -> usize {
        self.0.iter().map(|leak| leak.committed).sum()
    }
}

impl Default for FakePages {
    fn default() -> FakePages {
        FakePages::new()
    }
}

impl FakePages {
    /// 4 KiB pages, no limits.
    #[must_use]
    pub fn new() -> FakePages {
        FakePages::with(Options::default())
    }

    /// A fake that behaves as `options` say.
    ///
    /// # Panics
    ///
    /// - When the page size is not a power of two, or the pool cannot be had.
    #[must_use]
    pub fn with(options: Options) -> FakePages {
        assert!(options.page.is_power_of_two(), "a page size is a power of two");
        FakePages(Arc::new(Inner {
            page: options.page,
            address_limit: options.address_limit,
            remap: options.remap,
            clock: AtomicU64::new(0),
            budget: AtomicUsize::new(options.budget),
            refuse_purge: AtomicBool::new(options.refuse_purge),
            state: Mutex::new(State::new(options.page, options.seed, options.touching)),
        }))
    }

    // A panic about a broken protocol leaves the state as it was: other threads and the final report go on.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Commits beyond this many bytes are refused from now on.
    pub fn set_budget(&self, bytes: usize) {
        self.0.budget.store(bytes, Ordering::Relaxed);
    }

    /// Purges are refused from now on, or no longer.
    pub fn set_refuse_purge(&self, refuse: bool) {
        self.0.refuse_purge.store(refuse, Ordering::Relaxed);
    }

    /// Moves the clock forward.
    pub fn advance(&self, milliseconds: u64) {
        self.0.clock.fetch_add(milliseconds, Ordering::Relaxed);
    }

    /// Bytes of addresses reserved.
    #[must_use]
    pub fn reserved(&self) -> usize {
        self.state().reserved()
    }

    /// Bytes committed, purged ones included.
    #[must_use]
    pub fn committed(&self) -> usize {
        self.state().committed()
    }

    /// The most that was committed at a time.
    #[must_use]
    pub fn peak_committed(&self) -> usize {
        self.state().peak()
    }

    /// Bytes whose last change was a purge: what a kernel would hold no memory for, until they are written.
    #[must_use]
    pub fn purged(&self) -> usize {
        self.state().purged()
    }

    /// The state of the page at `addr`; `None` when it belongs to no live reservation.
    #[must_use]
    pub fn page_state(&self, addr: usize) -> Option<PageState> {
        self.state().page_state(addr)
    }

    /// The last calls.
    #[must_use]
    pub fn log(&self) -> Vec<Call> {
        self.state().log.calls()
    }

    /// How often `verb` was asked for.
    #[must_use]
    pub fn asked(&self, verb: Verb) -> usize {
        self.state().log.asked(verb)
    }

    /// How often `verb` was granted.
    #[must_use]
    pub fn granted(&self, verb: Verb) -> usize {
        self.state().log.granted(verb)
    }

    /// What is not released.
    #[must_use]
    pub fn leaks(&self) -> Leaks {
        self.state().leaks()
    }

    /// Requires that everything is released and that nobody wrote to what was.
    ///
    /// # Panics
    ///
    /// - When something is still reserved, or was written after its release.
    #[track_caller]
    pub fn assert_no_leaks(&self) {
        let (leaks, written) = {
            let mut state = self.state();
            (state.leaks(), state.bury())
        };
        assert!(leaks.0.is_empty(), "not released: {leaks:#x?}");
        if let Err(text) = written {
            panic!("{text}");
        }
    }

    /// Takes everything back, for tests that leave a floor half built on purpose. Nothing may use it any more.
    pub fn forget_leaks(&self) {
        self.state().forget();
    }
}

/// Stops the test with what the caller did.
#[track_caller]
fn forbidden(verb: Verb, run: PageRun, text: &str) -> ! {
    panic!("page protocol: {verb:?} of {:#x}..{:#x}: {text}", run.addr(), run.addr().wrapping_add(run.len.0))
}

// SAFETY: reservations are allocations of their own or disjoint parts of one (I3 of `reservation`), kept until
// they are released; committed pages are zero; no method touches pages outside its run.
unsafe impl PageSource for FakePages {
    fn page(&self) -> Bytes {
        Bytes(self.0.page)
    }

    fn reserve(&self, len: Bytes, align: Align, zeros: Zeros) -> Result<PageRun, OutOfPages> {
        assert!(
            len.0 > 0 && len.0.is_multiple_of(self.0.page),
            "page protocol: Reserve of {:#x} bytes",
            len.0
        );
        let mut state = self.state();
        let fits = self.0.address_limit.is_none_or(|limit| len.0 <= limit.saturating_sub(state.reserved()));
        let run = if fits { state.reserve(len.0, align, zeros) } else { None };
        state.note(Verb::Reserve, run.map_or(0, |run| run.addr()), len.0, run.is_some());
        run.ok_or(OutOfPages)
    }

    unsafe fn commit(&self, run: PageRun) -> Result<(), OutOfPages> {
        let mut state = self.state();
        let granted = self.affords(&state, run.len.0);
        state.note(Verb::Commit, run.addr(), run.len.0, granted);
        let done = state.commit(run, granted);
        drop(state);
        match done {
            Err(text) => forbidden(Verb::Commit, run, &text),
            Ok(()) => granted.then_some(()).ok_or(OutOfPages),
        }
    }

    unsafe fn purge(&self, run: PageRun) -> bool {
        self.give_contents_back(Verb::Purge, run)
    }

    unsafe fn release(&self, run: PageRun) {
        let mut state = self.state();
        state.note(Verb::Release, run.addr(), run.len.0, true);
        let done = state.release(run);
        drop(state);
        if let Err(text) = done {
            forbidden(Verb::Release, run, &text);
        }
    }

    unsafe fn prefer_huge(&self, run: PageRun) {
        self.state().note(Verb::PreferHuge, run.addr(), run.len.0, true);
    }

    unsafe fn resize(&self, run: PageRun, len: Bytes) -> Result<PageRun, OutOfPages> {
        assert!(
            len.0 > 0 && len.0.is_multiple_of(self.0.page),
            "page protocol: Resize to {:#x} bytes",
            len.0
        );
        let mut state = self.state();
        let more = len.0.saturating_sub(run.len.0);
        let room = self.0.address_limit.is_none_or(|limit| more <= limit.saturating_sub(state.reserved()));
        let granted = self.0.remap && room && self.affords(&state, more);
        let done = state.resize(run, len.0, granted);
        state.note(Verb::Resize, run.addr(), len.0, matches!(done, Ok(true)));
        drop(state);
        match done {
            Err(text) => forbidden(Verb::Resize, run, &text),
            Ok(true) => Ok(PageRun { start: run.start, len }),
            Ok(false) => Err(OutOfPages),
        }
    }

    unsafe fn transfer(&self, run: PageRun, to: PageRun) -> Result<(), OutOfPages> {
        let mut state = self.state();
        let granted = self.0.remap && self.affords(&state, to.len.0.saturating_sub(run.len.0));
        state.note(Verb::Transfer, run.addr(), to.len.0, granted);
        let done = state.transfer(run, to, granted);
        drop(state);
        match done {
            Err(text) => forbidden(Verb::Transfer, run, &text),
            Ok(()) => granted.then_some(()).ok_or(OutOfPages),
        }
    }

    unsafe fn shift(&self, from: PageRun, to: PageRun) -> Result<(), OutOfPages> {
        let mut state = self.state();
        state.note(Verb::Shift, from.addr(), from.len.0, self.0.remap);
        let done = state.shift(from, to, self.0.remap);
        drop(state);
        match done {
            Err(text) => forbidden(Verb::Shift, from, &text),
            Ok(()) => self.0.remap.then_some(()).ok_or(OutOfPages),
        }
    }

    unsafe fn renew(&self, run: PageRun) -> bool {
        self.give_contents_back(Verb::Renew, run)
    }

    fn now(&self) -> u64 {
        self.0.clock.load(Ordering::Relaxed)
    }

    fn address_limit(&self) -> Option<Bytes> {
        self.0.address_limit.map(Bytes)
    }
}

impl FakePages {
    fn affords(&self, state: &State, more: usize) -> bool {
        more <= self.0.budget.load(Ordering::Relaxed).saturating_sub(state.committed())
    }

    fn give_contents_back(&self, verb: Verb, run: PageRun) -> bool {
        let refuse = self.0.refuse_purge.load(Ordering::Relaxed);
        let mut state = self.state();
        state.note(verb, run.addr(), run.len.0, !refuse);
        let done = state.purge(run, refuse);
        drop(state);
        if let Err(text) = done {
            forbidden(verb, run, &text);
        }
        !refuse
    }
}
