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
use heapwright_base::Align;
use heapwright_base::sync::{AtomicBool, AtomicPtr, AtomicU8, Ordering};
use heapwright_engine::Config;
use heapwright_os::{PageSource, Zeros};

/// What fork needs to remember.
pub(crate) struct ForkState {
    /// A page that reads 1 in the process that opened it and 0 in a child.
    page: AtomicPtr<AtomicU8>,
    registry_taken: AtomicBool,
    spans_taken: AtomicBool,
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
        unsafe { page.as_ref() }.store(1, Ordering::Relaxed);
        // Release: publishes the 1 to the Acquire in `is_child`.
        self.page.store(page.as_ptr(), Ordering::Release);
    }

    /// Whether this process is a child that nobody told us of.
    #[inline]
    fn is_child(&self) -> bool {
        // Acquire: pairs with the Release in `open`.
        let page = self.page.load(Ordering::Acquire);
        // SAFETY: the page is never unmapped.
        !page.is_null() && unsafe { &*page }.load(Ordering::Relaxed) == 0
    }

    fn mark_known(&self) {
        let page = self.page.load(Ordering::Relaxed);
        if !page.is_null() {
            // SAFETY: the page is never unmapped.
            unsafe { &*page }.store(1, Ordering::Relaxed);
        }
    }
}

impl<C: Config, F: Face> Runtime<C, F> {
    /// Before a fork: takes the locks that this thread does not hold already.
    pub fn before_fork(&'static self) {
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
        self.fork.registry_taken.store(registry, Ordering::Relaxed);
        self.fork.spans_taken.store(!spans_here, Ordering::Relaxed);
    }

    fn release_after_fork(&'static self) {
        // Read before the locks are given back: the next fork writes them under the locks.
        let registry = self.fork.registry_taken.load(Ordering::Relaxed);
        if self.fork.spans_taken.load(Ordering::Relaxed) {
            // SAFETY: taken by `before_fork` of this thread.
            unsafe { self.engine.spans.force_unlock() };
        }
        if registry {
            // SAFETY: taken by `before_fork` of this thread.
            unsafe { self.engine.release_registry() };
        }
    }

    /// After a fork, in the parent.
    pub fn after_fork_in_parent(&'static self) {
        self.release_after_fork();
    }

    /// After a fork, in the child.
    pub fn after_fork_in_child(&'static self) {
        let whole = self.fork.registry_taken.load(Ordering::Relaxed);
        self.release_after_fork();
        self.fork.mark_known();
        self.purger.store(false, Ordering::Relaxed);
        if whole {
            self.engine.after_fork_in_child(F::heap());
        } else if !self.engine.registry_held_here() {
            // SAFETY: whoever held the registry does not exist here.
            unsafe { self.engine.release_registry() };
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

    #[cold]
    fn after_raw_fork(&'static self) {
        self.fork.mark_known();
        self.purger.store(false, Ordering::Relaxed);
        // SAFETY: a new process has one thread; slow paths begin without locks.
        unsafe { self.engine.after_raw_fork(F::heap()) };
        self.stats.reopen(&self.options, &self.engine.spans.tally);
    }
}
