//! fork: the child can allocate and free, always.
//!
//! A fork through the C library calls our handlers: the locks are held across it, so that the child finds the
//! shared structures whole, and the heaps of threads that do not exist in the child become orphans there. A
//! raw `clone` calls nobody; it is noticed by a page that the kernel wipes in a child (`MADV_WIPEONFORK`,
//! madvise(2)), looked at on every slow path.
//!
//! A signal handler may fork while its thread holds one of our locks. Then that lock is left as it is: in the
//! child the same thread holds it, and gives it back when the handler returns.
//!
//! # Sharing
//! ```text
//! field   written by                      read by      order
//! page    before READY                    any thread   by `Runtime::phase`
//! taken   the forking thread, under locks the same     the locks
//! ```
//!
//! # Safety
//!
//! One page of our own is mapped and read.

#![allow(unsafe_code)]

use crate::runtime::Runtime;
use crate::slot::Face;
use heapwright_base::sync::{AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicUsize, Ordering};
use heapwright_base::{Align, thread};
use heapwright_engine::Config;
use heapwright_os::{PageSource, Zeros};

/// What fork needs to remember.
pub(crate) struct ForkState {
    /// A page that reads 1 in the process that opened it and 0 in a child.
    page: AtomicPtr<AtomicU8>,
    registry_taken: AtomicBool,
    spans_taken: AtomicBool,
    /// The thread that forks, or zero; how many forks of it are under way within each other.
    forker: AtomicUsize,
    depth: AtomicU32,
}

extern "C" fn prepare<F: Face>() {
    F::before_fork();
}
extern "C" fn parent<F: Face>() {
    F::after_fork_in_parent();
}
extern "C" fn child<F: Face>() {
    F::after_fork_in_child();
}

impl ForkState {
    pub(crate) const fn new() -> Self {
        ForkState {
            page: AtomicPtr::new(core::ptr::null_mut()),
            registry_taken: AtomicBool::new(false),
            spans_taken: AtomicBool::new(false),
            forker: AtomicUsize::new(0),
            depth: AtomicU32::new(0),
        }
    }

    pub(crate) fn open<F: Face>(&self, pages: &impl PageSource) {
        // SAFETY: handlers that live as long as the process. The C library may allocate here, which works.
        unsafe { libc::pthread_atfork(Some(prepare::<F>), Some(parent::<F>), Some(child::<F>)) };
        let Ok(run) = pages.reserve(pages.page(), Align::ONE, Zeros::No) else { return };
        // SAFETY: the whole of our new reservation.
        let committed = unsafe { pages.commit(run) }.is_ok();
        if !committed || !heapwright_os::linux::wipe_on_fork(run) {
            // SAFETY: as above, and nobody has seen it.
            unsafe { pages.release(run) };
            return;
        }
        let page = run.start.cast::<AtomicU8>();
        // SAFETY: committed, zeroed memory is a valid atomic byte.
        unsafe { page.as_ref() }.store(KNOWN, Ordering::Relaxed);
        // Release: publishes the mark to the Acquire in `is_child`.
        self.page.store(page.as_ptr(), Ordering::Release);
    }

    /// Whether this process is a child that nobody told us of. Between fork and our handler it may look so; the
    /// forking thread knows better.
    #[inline]
    fn is_child(&self) -> bool {
        // Acquire: pairs with the Release in `open`.
        let page = self.page.load(Ordering::Acquire);
        // SAFETY: the page is never unmapped.
        !page.is_null()
            && unsafe { &*page }.load(Ordering::Relaxed) != KNOWN
            && self.forker.load(Ordering::Relaxed) != thread::current()
    }

    /// Whether the caller is the one thread that deals with an unknown child; the others wait until it is known.
    fn claim_unknown(&self) -> bool {
        let page = self.page.load(Ordering::Relaxed);
        // SAFETY: the page is never unmapped, and not null: `is_child` has looked.
        let Some(page) = (unsafe { page.as_ref() }) else { return false };
        if page.compare_exchange(UNKNOWN, CLAIMED, Ordering::Acquire, Ordering::Relaxed).is_ok() {
            return true;
        }
        // Acquire: pairs with the Release in `mark_known`.
        while page.load(Ordering::Acquire) != KNOWN {
            // SAFETY: sched_yield has no precondition.
            unsafe { libc::sched_yield() };
        }
        false
    }

    fn mark_known(&self) {
        let page = self.page.load(Ordering::Relaxed);
        if !page.is_null() {
            // Release: publishes what the claimer has repaired to the Acquire in `claim_unknown`.
            // SAFETY: the page is never unmapped.
            unsafe { &*page }.store(KNOWN, Ordering::Release);
        }
    }
}

/// What the page reads in a child before anybody has noticed.
const UNKNOWN: u8 = 0;
/// In a process that knows itself.
const KNOWN: u8 = 1;
/// While a thread repairs what the fork has cut off.
const CLAIMED: u8 = 2;

impl<C: Config, F: Face> Runtime<C, F> {
    /// Before a fork: takes the locks that this thread does not hold already.
    pub fn before_fork(&'static self) {
        let (me, fork) = (thread::current(), &self.fork);
        if fork.forker.load(Ordering::Relaxed) == me {
            // A signal handler forks while its thread forks: the locks are held already.
            fork.depth.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let registry_here = self.engine.registry_held_here();
        let spans_here = self.engine.spans.held_here();
        // Ranks go upward: a thread that holds the span lock may not wait for the registry's.
        let registry = !registry_here && !spans_here;
        if registry {
            self.engine.hold_registry();
        }
        if !spans_here {
            self.engine.spans.hold();
        }
        fork.forker.store(me, Ordering::Relaxed);
        fork.registry_taken.store(registry, Ordering::Relaxed);
        fork.spans_taken.store(!spans_here, Ordering::Relaxed);
    }

    /// Answers whether this was the outermost fork.
    fn release_after_fork(&'static self) -> bool {
        let fork = &self.fork;
        if fork.depth.load(Ordering::Relaxed) > 0 {
            fork.depth.fetch_sub(1, Ordering::Relaxed);
            return false;
        }
        // Read before the locks are given back: the next fork writes them under the locks.
        let registry = fork.registry_taken.load(Ordering::Relaxed);
        let spans = fork.spans_taken.load(Ordering::Relaxed);
        fork.forker.store(0, Ordering::Relaxed);
        if spans {
            // SAFETY: taken by `before_fork` of this thread.
            unsafe { self.engine.spans.force_unlock() };
        }
        if registry {
            // SAFETY: taken by `before_fork` of this thread.
            unsafe { self.engine.release_registry() };
        }
        true
    }

    /// After a fork, in the parent.
    pub fn after_fork_in_parent(&'static self) {
        self.release_after_fork();
    }

    /// After a fork, in the child.
    pub fn after_fork_in_child(&'static self) {
        let whole = self.fork.registry_taken.load(Ordering::Relaxed);
        // Known before the locks are free: nobody may take this child for one made behind our back.
        self.fork.mark_known();
        let outermost = self.release_after_fork();
        self.purger.restart_later();
        if outermost && whole {
            self.engine.after_fork_in_child(F::heap());
        } else if outermost && !self.engine.registry_held_here() {
            // SAFETY: whoever held the registry does not exist here.
            unsafe { self.engine.release_registry() };
            self.engine.leave_borrowed_commons();
        }
        self.stats.reopen(&self.options, &self.engine.spans.tally);
    }

    /// On every slow path: a child made behind our back gives up what may be half changed.
    #[inline]
    pub(crate) fn notice_raw_fork(&'static self) {
        if self.fork.is_child() {
            self.after_raw_fork();
        }
    }

    /// What was locked by a thread that does not exist here may be half changed and is given up. The heaps of
    /// such threads are left alone: which of them still have a thread cannot be told, because the first to come
    /// by here need not be the thread that was cloned.
    #[cold]
    fn after_raw_fork(&'static self) {
        if !self.fork.claim_unknown() {
            return;
        }
        self.purger.restart_later();
        // SAFETY: every thread of this process comes by here before it takes a lock.
        unsafe { self.engine.after_raw_fork() };
        self.fork.mark_known();
        self.stats.reopen(&self.options, &self.engine.spans.tally);
    }
}
