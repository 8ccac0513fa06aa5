//! Pages from Linux: `mmap`, `mprotect`, `madvise`, `mremap`.
//!
//! Reserving maps addresses without access, so that nothing is charged to the process but addresses;
//! committing makes them readable and writable, which is where the kernel may refuse (overcommit 2,
//! `RLIMIT_DATA`). Purging is `MADV_DONTNEED`: resident memory falls at once and visibly. See mmap(2),
//! mprotect(2), madvise(2), mremap(2).
//!
//! System calls go through rustix, whose raw back end neither allocates nor sets `errno`.
//!
//! # Invariants
//! M1  Every address changed here lies in a run that the caller owns (contract of [`PageSource`]).
//!
//! # Safety
//!
//! System calls on address ranges; each cites M1.

#![allow(unsafe_code)]

use crate::source::{PageRun, PageSource, Zeros};
use core::ffi::c_void;
use core::ptr::{NonNull, null_mut};
use heapwright_base::lock::Wait;
use heapwright_base::sync::AtomicUsize;
use heapwright_base::{Align, Bytes, OutOfPages, align_up};
use rustix::io::Errno;
use rustix::mm::{Advice, MapFlags, MprotectFlags, MremapFlags, ProtFlags};
use rustix::process::Resource;
use rustix::thread::futex;

/// The real source of pages.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mmap;

impl Mmap {
    /// The one value there is.
    #[must_use]
    pub const fn new() -> Self {
        Mmap
    }

    fn map(len: usize, zeros: Zeros) -> Result<NonNull<u8>, OutOfPages> {
        let access = match zeros {
            Zeros::No => ProtFlags::empty(),
            Zeros::Readable => ProtFlags::READ,
        };
        // SAFETY: a new private mapping at an address of the kernel's choice disturbs nothing.
        let start = unsafe {
            rustix::mm::mmap_anonymous(null_mut(), len, access, MapFlags::PRIVATE | MapFlags::NORESERVE)
        };
        start.ok().and_then(|start| NonNull::new(start.cast())).ok_or(OutOfPages)
    }

    /// After a refused move onto `to`: maps it again if the kernel has unmapped it. If it has not, the place is
    /// taken, and this changes nothing.
    fn plug(to: PageRun, access: ProtFlags) -> OutOfPages {
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE | MapFlags::FIXED_NOREPLACE;
        // SAFETY: replaces no mapping; the addresses are the caller's (M1).
        let _ = unsafe { rustix::mm::mmap_anonymous(raw(to), to.len.0, access, flags) };
        OutOfPages
    }

    /// Moves the contents of a run to a mapping of the kernel's choice; the run stays mapped and reads as zero.
    ///
    /// # Safety
    ///
    /// - The run belongs to the caller and is committed.
    unsafe fn move_contents(run: PageRun) -> Result<*mut c_void, OutOfPages> {
        let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_DONTUNMAP;
        // With DONTUNMAP the kernel reads the fifth argument, where null leaves the choice to it; rustix passes
        // four, and what the register happens to hold is refused as a misaligned address.
        let moved = Self::keeping_errno(|| {
            // SAFETY: M1: the old range stays mapped, the new one is new.
            unsafe {
                libc::syscall(
                    libc::SYS_mremap,
                    run.start.as_ptr(),
                    run.len.0,
                    run.len.0,
                    flags,
                    null_mut::<u8>(),
                )
            }
        });
        if moved == -1 { Err(OutOfPages) } else { Ok(run.start.as_ptr().with_addr(moved as usize).cast()) }
    }

    /// Runs a call of the C library that may set `errno`, and puts it back.
    fn keeping_errno<T>(call: impl FnOnce() -> T) -> T {
        // SAFETY: the location of this thread's errno is always valid.
        let errno = unsafe { libc::__errno_location() };
        // SAFETY: as above.
        let kept = unsafe { errno.read() };
        let answer = call();
        // SAFETY: as above.
        unsafe { errno.write(kept) };
        answer
    }

    /// # Safety
    ///
    /// - The `len` bytes at `start` belong to the caller and are not used any more.
    unsafe fn unmap(start: *mut u8, len: usize) {
        if len > 0 {
            // SAFETY: M1.
            if unsafe { rustix::mm::munmap(start.cast(), len) }.is_err() {
                // Too many mappings to split one: the addresses are lost, the memory is not.
                // SAFETY: M1; the contents are not needed.
                let _ = unsafe { rustix::mm::madvise(start.cast(), len, Advice::LinuxDontNeed) };
            }
        }
    }
}

fn raw(run: PageRun) -> *mut c_void {
    run.start.as_ptr().cast()
}

// SAFETY: each method does what the trait says by the system call its documentation names.
unsafe impl PageSource for Mmap {
    fn page(&self) -> Bytes {
        // SAFETY: sysconf(_SC_PAGESIZE) reads a value the loader left; it cannot fail on Linux.
        Bytes(unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize)
    }

    fn reserve(&self, len: Bytes, align: Align, zeros: Zeros) -> Result<PageRun, OutOfPages> {
        let page = self.page().0;
        let slack = if align.bytes() > page { align.bytes() - page } else { 0 };
        let padded = len.0.checked_add(slack).filter(|&n| n <= isize::MAX as usize).ok_or(OutOfPages)?;
        let start = Self::map(padded, zeros)?;
        let head = align_up(start.addr().get(), align.bytes()).ok_or(OutOfPages)? - start.addr().get();
        // SAFETY: M1: the padding before the aligned start is ours and unused.
        unsafe { Self::unmap(start.as_ptr(), head) };
        // SAFETY: `head <= slack`, so the aligned start lies inside the mapping.
        let aligned = unsafe { start.add(head) };
        // SAFETY: `head + len <= padded`: the end of the run lies inside the mapping.
        let tail = unsafe { aligned.add(len.0) };
        // SAFETY: M1: the padding after the run is ours and unused.
        unsafe { Self::unmap(tail.as_ptr(), slack - head) };
        Ok(PageRun { start: aligned, len })
    }

    unsafe fn commit(&self, run: PageRun) -> Result<(), OutOfPages> {
        // SAFETY: M1.
        unsafe { rustix::mm::mprotect(raw(run), run.len.0, MprotectFlags::READ | MprotectFlags::WRITE) }
            .map_err(|_| OutOfPages)
    }

    unsafe fn purge(&self, run: PageRun) -> bool {
        // SAFETY: M1; the caller does not need the contents.
        unsafe { rustix::mm::madvise(raw(run), run.len.0, Advice::LinuxDontNeed) }.is_ok()
    }

    unsafe fn release(&self, run: PageRun) {
        // SAFETY: M1; the caller gives the run up.
        unsafe { Self::unmap(run.start.as_ptr(), run.len.0) }
    }

    unsafe fn resize(&self, run: PageRun, len: Bytes) -> Result<PageRun, OutOfPages> {
        // SAFETY: M1; the run stays where it is.
        unsafe { rustix::mm::mremap(raw(run), run.len.0, len.0, MremapFlags::empty()) }
            .map(|_| PageRun { start: run.start, len })
            .map_err(|_| OutOfPages)
    }

    unsafe fn transfer(&self, run: PageRun, to: PageRun) -> Result<(), OutOfPages> {
        // A move onto `to` that is refused may already have unmapped it (before Linux 6.17, for a range that is
        // more than one mapping). Growing in place refuses such a range first, and changes nothing.
        // SAFETY: M1; `to` is longer, so what follows the run would be new and unused.
        match unsafe { rustix::mm::mremap(raw(run), run.len.0, to.len.0, MremapFlags::empty()) } {
            // SAFETY: M1: gives back what has just been added.
            Ok(_) if to.len.0 > run.len.0 => unsafe {
                Self::unmap(run.start.as_ptr().wrapping_add(run.len.0), to.len.0 - run.len.0);
            },
            Ok(_) | Err(Errno::NOMEM) => {}
            Err(_) => return Err(OutOfPages),
        }
        // SAFETY: M1 for both; `to` is replaced whole, and the caller follows the contents there.
        unsafe { rustix::mm::mremap_fixed(raw(run), run.len.0, to.len.0, MremapFlags::MAYMOVE, raw(to)) }
            .map(|_| ())
            .map_err(|_| Self::plug(to, ProtFlags::empty()))
    }

    unsafe fn shift(&self, from: PageRun, to: PageRun) -> Result<(), OutOfPages> {
        let len = from.len.0;
        // In two steps, because a refused move onto a given place may unmap that place first, while a move to a
        // place of the kernel's choice changes nothing when it is refused.
        // SAFETY: M1; the caller keeps `from`, which then reads as zero.
        let between = unsafe { Self::move_contents(from) }?;
        // SAFETY: M1: the pages in between are ours alone, and `to` is replaced whole.
        let moved = unsafe { rustix::mm::mremap_fixed(between, len, len, MremapFlags::MAYMOVE, raw(to)) };
        if moved.is_ok() {
            return Ok(());
        }
        // SAFETY: both are mapped and of this length: the contents go home.
        unsafe { from.start.as_ptr().copy_from_nonoverlapping(between.cast(), len) };
        // SAFETY: M1: ours alone, and not needed any more.
        unsafe { Self::unmap(between.cast(), len) };
        Err(Self::plug(to, ProtFlags::READ | ProtFlags::WRITE))
    }

    unsafe fn renew(&self, run: PageRun) -> bool {
        // SAFETY: M1: replaces our own pages, whose contents are not needed, by fresh ones.
        let renewed = unsafe {
            rustix::mm::mmap_anonymous(
                raw(run),
                run.len.0,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::PRIVATE | MapFlags::NORESERVE | MapFlags::FIXED,
            )
        };
        // SAFETY: caller: same contract.
        renewed.is_ok() || unsafe { self.purge(run) }
    }

    unsafe fn prefer_huge(&self, run: PageRun) {
        // SAFETY: M1; advice changes no contents.
        let _ = unsafe { rustix::mm::madvise(raw(run), run.len.0, Advice::LinuxHugepage) };
    }

    fn now(&self) -> u64 {
        // SAFETY: the location of this thread's errno is always valid.
        let errno = unsafe { libc::__errno_location() };
        // SAFETY: as above.
        let kept = unsafe { errno.read() };
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `time` is a valid place for the answer.
        let failed = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC_COARSE, &raw mut time) } != 0;
        if failed {
            // SAFETY: as above.
            unsafe { errno.write(kept) };
            return 0;
        }
        time.tv_sec as u64 * 1000 + time.tv_nsec as u64 / 1_000_000
    }

    fn address_limit(&self) -> Option<Bytes> {
        rustix::process::getrlimit(Resource::As).current.map(|limit| Bytes(limit as usize))
    }
}

/// Waiting by futex(2).
#[derive(Clone, Copy, Debug)]
pub struct Futex;

/// The half of `word` that the kernel compares: futexes are 32 bits wide.
fn low_half(word: &AtomicUsize) -> &core::sync::atomic::AtomicU32 {
    let at = (&raw const *word).cast::<core::sync::atomic::AtomicU32>();
    let half = usize::from(cfg!(target_endian = "big"));
    // SAFETY: a usize on the supported 64-bit systems is two aligned 32-bit halves, both inside the word.
    unsafe { &*at.add(half) }
}

impl Wait for Futex {
    fn wait(word: &AtomicUsize, value: usize) {
        // The low half holds the waited bit and the distinguishing bits of the thread pointer; a change of
        // the high half alone means a wake-up was already due.
        let _ = futex::wait(low_half(word), futex::Flags::PRIVATE, value as u32, None);
    }

    fn wake_one(word: &AtomicUsize) {
        let _ = futex::wake(low_half(word), futex::Flags::PRIVATE, 1);
    }
}

/// Writes `line` to standard error, as far as it can be written.
pub fn write_error(line: &[u8]) {
    // SAFETY: nothing else holds descriptor 2 as owned; a closed one answers an error, which is ignored.
    let stderr = unsafe { rustix::fd::BorrowedFd::borrow_raw(2) };
    let _ = rustix::io::write(stderr, line);
}

/// Lets another thread run, if one waits for this processor: sched_yield(2).
pub fn yield_now() {
    rustix::thread::sched_yield();
}

/// Ends the process as abort(3) does.
pub fn abort() -> ! {
    // SAFETY: abort has no precondition.
    unsafe { libc::abort() }
}

/// Asks that a child made by fork or clone sees `run` as zero; whether the system agrees (Linux 4.14).
pub fn wipe_on_fork(run: PageRun) -> bool {
    // SAFETY: advice about pages of the caller; it changes nothing in this process.
    unsafe { rustix::mm::madvise(raw(run), run.len.0, Advice::LinuxWipeOnFork) }.is_ok()
}
