//! The process's allocator: heaps given to threads, and what happens at their ends.
//!
//! A thread's slot holds, in this order: the placeholder; after its first slow path, a heap; after its end, a
//! second placeholder. A thread that allocates after its end (destructors of other libraries run after ours)
//! takes a heap for that one call and gives it up again, so that nothing is lost however late it comes.
//!
//! # Sharing
//! ```text
//! field     written by                read by     order
//! phase     the first slow path       any thread  Release READY / Acquire in `ensure`
//! starter   the starting thread       itself      Relaxed: only its own value means anything to a thread
//! the rest  before READY              any thread  by `phase`
//! ```
//!
//! # Safety
//!
//! Heaps are passed to the engine only from the slot of the thread that holds them.

#![allow(unsafe_code)]

use crate::fork::ForkState;
use crate::options::{Foreign, Options};
use crate::purger::Purger;
use crate::slot::Face;
use crate::stats::StatsFile;
use core::ffi::c_void;
use core::marker::PhantomData;
use core::ptr::null_mut;
use heapwright_base::counters::Counter;
use heapwright_base::sync::{AtomicBool, AtomicU8, AtomicU32, AtomicUsize, Ordering};
use heapwright_base::{Align, Violation, thread};
use heapwright_engine::Kind;
use heapwright_engine::size_class::{SLAB_MAX, class_of};
use heapwright_engine::{BadFree, Config, Engine, GuestFree, Heap};
use heapwright_os::PageSource;
use heapwright_os::linux::{abort, write_error};

const NOT_STARTED: u8 = 0;
const STARTING: u8 = 1;
const READY: u8 = 2;
/// How often a thread yields to the one that starts the runtime.
const STARTING_YIELDS: u32 = 10_000;

/// An allocator as one process sees it.
pub struct Runtime<C: Config, F: Face> {
    pub(crate) engine: Engine<C>,
    pub(crate) options: Options,
    pub(crate) fork: ForkState,
    pub(crate) stats: StatsFile,
    phase: AtomicU8,
    starter: AtomicUsize,
    key: AtomicU32,
    keyed: AtomicBool,
    pub(crate) purger: Purger,
    face: PhantomData<F>,
}

impl<C: Config, F: Face> Default for Runtime<C, F> {
    fn default() -> Self {
        Self::new()
    }
}

impl<C: Config, F: Face> Runtime<C, F> {
    /// A runtime that nobody has used yet.
    #[must_use]
    pub const fn new() -> Self {
        Runtime {
            engine: Engine::new(),
            options: Options::new(),
            fork: ForkState::new(),
            stats: StatsFile::new(),
            phase: AtomicU8::new(NOT_STARTED),
            starter: AtomicUsize::new(0),
            key: AtomicU32::new(0),
            keyed: AtomicBool::new(false),
            purger: Purger::new(),
            face: PhantomData,
        }
    }

    // ---- start and end ----------------------------------------------------------------------------------

    /// The library's constructor, or the program's: what needs a running C library.
    pub fn start(&'static self) {
        self.ensure();
        self.options.read(&self.engine.spans.limits);
        let tally = &self.engine.spans.tally;
        // SAFETY: getpid has no precondition.
        tally.set(Counter::Pid, unsafe { libc::getpid() } as u64);
        tally.set(Counter::State, 1);
        self.stats.open(&self.options, tally);
        if self.options.verbose() {
            self.describe(&mut |line| write_error(line));
        }
        if self.options.purge_thread() {
            self.start_purger();
        }
    }

    /// The library's destructor: makes the counts exact and says that the end was seen.
    pub fn end(&'static self) {
        self.notice_raw_fork();
        // A signal handler may end the process in the middle of one of our critical sections: nothing is exact then.
        if !self.engine.spans.held_here() && !F::heap().is_busy() {
            self.settle();
            self.engine.spans.tally.set(Counter::State, 2);
        }
        self.refresh_counters();
    }

    /// Runs once, on the first slow path of the process.
    fn ensure(&'static self) {
        // Acquire: pairs with the Release below.
        if self.phase.load(Ordering::Acquire) != READY {
            self.ensure_slow();
        }
    }

    #[cold]
    fn ensure_slow(&'static self) {
        let me = thread::current();
        if self.phase.compare_exchange(NOT_STARTED, STARTING, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            // What is called here may allocate: the starting thread passes, the others wait. Not for ever: the
            // starter does not exist in a child forked meanwhile. To go on without it costs a heap at most.
            for _ in 0..STARTING_YIELDS {
                // Acquire: pairs with the Release below.
                if self.phase.load(Ordering::Acquire) == READY || self.starter.load(Ordering::Relaxed) == me {
                    break;
                }
                // SAFETY: sched_yield has no precondition.
                unsafe { libc::sched_yield() };
            }
            return;
        }
        self.starter.store(me, Ordering::Relaxed);
        self.options.read(&self.engine.spans.limits);
        let mut key = 0;
        // SAFETY: `key` is a valid place; the destructor lives as long as the process.
        if unsafe { libc::pthread_key_create(&raw mut key, Some(destructor::<F>)) } == 0 {
            self.key.store(key, Ordering::Relaxed);
            self.keyed.store(true, Ordering::Relaxed);
        }
        self.fork.open::<F>(self.engine.spans.pages());
        // Release: publishes key and options to the Acquire above.
        self.phase.store(READY, Ordering::Release);
    }

    // ---- threads ----------------------------------------------------------------------------------------

    /// Does something with this thread's heap; a thread without one gets one.
    fn with_heap<R>(&'static self, work: impl FnOnce(&'static Heap) -> R) -> Option<R> {
        self.notice_raw_fork();
        let heap = F::heap();
        if !heap.is_placeholder() {
            if self.purger.is_due() {
                self.restart_purger();
            }
            return Some(work(heap));
        }
        self.ensure();
        // The C library may have allocated on our behalf in there.
        let heap = F::heap();
        if !heap.is_placeholder() {
            return Some(work(heap));
        }
        let ended = core::ptr::eq(heap, F::late());
        let heap = self.engine.attach().ok()?;
        if ended {
            let answer = work(heap);
            self.engine.orphan(heap);
            return Some(answer);
        }
        F::set_heap(heap);
        if self.keyed.load(Ordering::Relaxed) {
            let value = (&raw const *heap).cast::<c_void>();
            // SAFETY: the key exists. The C library may allocate here, which works: the slot is set.
            unsafe { libc::pthread_setspecific(self.key.load(Ordering::Relaxed), value) };
        }
        Some(work(heap))
    }

    /// The thread ends: its heap goes to whoever needs one next.
    pub fn thread_ends(&'static self) {
        let heap = F::heap();
        if !heap.is_placeholder() {
            F::set_heap(F::late());
            self.engine.orphan(heap);
        }
    }

    // ---- blocks -----------------------------------------------------------------------------------------

    /// malloc where the fast path found nothing, or above the sizes that it serves.
    #[inline(never)]
    pub fn malloc_slow(&'static self, size: usize) -> *mut u8 {
        if size <= SLAB_MAX {
            let block = F::heap().pop(class_of(size));
            if !block.is_null() {
                return block;
            }
        }
        self.malloc_slower(size)
    }

    #[inline(never)]
    fn malloc_slower(&'static self, size: usize) -> *mut u8 {
        let block = self.with_heap(|heap| self.engine.allocate(heap, size)).unwrap_or(null_mut());
        self.note_failure(block)
    }

    /// calloc where the fast path found nothing.
    #[cold]
    #[inline(never)]
    pub fn zeroed_slow(&'static self, size: usize) -> *mut u8 {
        let block = self.with_heap(|heap| self.engine.allocate_zeroed(heap, size)).unwrap_or(null_mut());
        self.note_failure(block)
    }

    /// Aligned allocation.
    #[inline(never)]
    pub fn aligned_slow(&'static self, align: usize, size: usize) -> *mut u8 {
        let Some(align) = Align::new(align).filter(|_| size <= isize::MAX as usize) else {
            return null_mut();
        };
        let block =
            self.with_heap(|heap| self.engine.allocate_aligned(heap, size, align)).unwrap_or(null_mut());
        self.note_failure(block)
    }

    /// Aligned allocation, reading as zero.
    #[inline(never)]
    pub fn aligned_zeroed(&'static self, align: usize, size: usize) -> *mut u8 {
        let Some(align) = Align::new(align).filter(|_| size <= isize::MAX as usize) else {
            return null_mut();
        };
        let block = self
            .with_heap(|heap| self.engine.allocate_aligned_zeroed(heap, size, align))
            .unwrap_or(null_mut());
        self.note_failure(block)
    }

    /// Null comes with `ENOMEM`.
    #[inline]
    fn note_failure(&self, block: *mut u8) -> *mut u8 {
        if block.is_null() {
            self.engine.spans.tally.add(Counter::Failures, 1);
            // SAFETY: the location of this thread's errno is always valid.
            unsafe { libc::__errno_location().write(libc::ENOMEM) };
        }
        block
    }

    /// A slab's count has run out.
    #[cold]
    #[inline(never)]
    pub fn attend(&'static self, slab: heapwright_engine::slab::SlabRef) {
        self.notice_raw_fork();
        self.engine.attend(F::heap(), slab);
        if self.purger.is_due() {
            self.restart_purger();
        }
    }

    /// free where the fast path did not know the block.
    ///
    /// # Safety
    ///
    /// - `block` is null, a live block, or no block of ours.
    #[cold]
    #[inline(never)]
    pub unsafe fn free_slow(&'static self, block: *mut u8) {
        if block.is_null() {
            return;
        }
        // SAFETY: caller.
        match unsafe { F::heap().push_guest(block) } {
            GuestFree::Done => return,
            GuestFree::Attention(guests) => {
                self.notice_raw_fork();
                return self.engine.crowded(F::heap(), guests);
            }
            GuestFree::Refused => {}
        }
        self.notice_raw_fork();
        // SAFETY: caller.
        if let Err(bad) = unsafe { self.engine.free_elsewhere(F::heap(), block) } {
            self.bad_free(block, bad);
        }
    }

    #[cold]
    fn bad_free(&'static self, block: *mut u8, bad: BadFree) {
        self.options.read(&self.engine.spans.limits);
        match (bad, self.options.foreign()) {
            (BadFree::Foreign, Foreign::Ignore) => {}
            (BadFree::Foreign, Foreign::Forward) => {
                // SAFETY: a C string; dlsym looks for the next definition after ours.
                let next = unsafe { libc::dlsym(libc::RTLD_NEXT, c"free".as_ptr()) };
                if !next.is_null() {
                    // SAFETY: the C library's `free` has this type.
                    let free: unsafe extern "C" fn(*mut c_void) = unsafe { core::mem::transmute(next) };
                    // SAFETY: the user has said that such blocks are the C library's.
                    unsafe { free(block.cast()) };
                }
            }
            (BadFree::Foreign, Foreign::Abort) if self.inside_block(block) => {
                self.die(Violation::InteriorFree, block.addr())
            }
            _ => self.die(bad.into(), block.addr()),
        }
    }

    fn inside_block(&self, pointer: *mut u8) -> bool {
        let span = self.engine.spans.enclosing(pointer.addr());
        span.is_some_and(|span| matches!(span.kind(), Kind::Large | Kind::Huge))
    }

    /// Names a violation and aborts.
    #[cold]
    pub fn die(&'static self, violation: Violation, pointer: usize) -> ! {
        write_error(violation.message(pointer).as_bytes());
        abort()
    }

    /// realloc of a live block to at least one byte.
    ///
    /// # Safety
    ///
    /// - `block` is a live block, aligned to `align`, a power of two.
    #[inline(never)]
    pub unsafe fn realloc(&'static self, block: *mut u8, size: usize, align: usize) -> *mut u8 {
        let align = Align::new(align).unwrap_or(Align::ONE);
        // SAFETY: caller.
        let done = self.with_heap(|heap| unsafe { self.engine.reallocate(heap, block, size, align) });
        match done {
            Some(Ok(new)) => self.note_failure(new),
            Some(Err(BadFree::Foreign)) => self.die(Violation::ForeignRealloc, block.addr()),
            Some(Err(bad)) => self.die(bad.into(), block.addr()),
            None => self.note_failure(null_mut()),
        }
    }

    /// The bytes of a live block that may be used.
    pub fn usable_size(&'static self, block: *mut u8) -> usize {
        self.engine.usable(block).unwrap_or(0)
    }

    // ---- memory and counters ----------------------------------------------------------------------------

    /// Returns all free memory; whether there was any.
    pub fn trim(&'static self) -> bool {
        self.notice_raw_fork();
        self.engine.trim(F::heap()) > 0
    }

    /// A counter's value.
    pub fn counter(&'static self, counter: Counter) -> u64 {
        if counter == Counter::HugeThreshold {
            return self.engine.spans.limits.huge_threshold.load(Ordering::Relaxed) as u64;
        }
        self.engine.spans.tally.get(counter)
    }

    /// Makes the counters exact for what this thread has done.
    pub fn settle(&'static self) {
        self.notice_raw_fork();
        let heap = F::heap();
        if !heap.is_placeholder() {
            self.engine.settle(heap);
        }
    }

    fn refresh_counters(&'static self) {
        let threshold = self.counter(Counter::HugeThreshold);
        self.engine.spans.tally.set(Counter::HugeThreshold, threshold);
    }

    /// Fixes the threshold of huge blocks.
    pub fn set_huge_threshold(&'static self, bytes: usize) -> bool {
        let limits = &self.engine.spans.limits;
        limits.huge_bound.store(0, Ordering::Relaxed);
        limits
            .huge_threshold
            .store(bytes.max(heapwright_engine::size_class::SLAB_MAX + 1), Ordering::Relaxed);
        true
    }

    /// The effective options with their provenance.
    pub fn describe(&'static self, out: &mut dyn FnMut(&[u8])) {
        self.options.describe(&self.engine.spans.limits, out);
    }

    /// The page size in bytes.
    pub fn page_size(&'static self) -> usize {
        self.engine.spans.pages().page().0
    }
}

extern "C" fn destructor<F: Face>(value: *mut c_void) {
    F::thread_ends(value);
}
