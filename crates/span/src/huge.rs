//! Huge blocks: mappings of their own.
//!
//! Above a threshold a block is mapped directly, grown and moved by remapping, and unmapped when freed. The
//! threshold adapts as glibc's does (mallopt(3), `M_MMAP_THRESHOLD`): when a huge block is freed, the program
//! is likely to ask for that size again, so the threshold rises to it, up to a bound, and the next such block
//! comes from an arena, where its pages can be reused warm.
//!
//! # Invariants
//! H1  A huge span is a whole committed reservation; its first and last granule map to it.
//!
//! # Safety
//!
//! Mappings are changed only while the caller owns the span (H1).

#![allow(unsafe_code)]

use crate::fit::Fit;
use crate::span::{Payload, SpanRef};
use crate::spans::{Spans, run_of};
use core::ptr::NonNull;
use heapwright_base::counters::Counter;
use heapwright_base::sync::Ordering;
use heapwright_base::{Align, Bytes, OutOfPages, align_up};
use heapwright_os::{PageRun, PageSource, Zeros};

/// Blocks from this size on are huge whatever the threshold: arenas are made for less.
const ALWAYS_HUGE: usize = 1 << 31;

impl<S: PageSource, F: Fit, P: Payload> Spans<S, F, P> {
    /// Whether a block of `len` bytes gets a mapping of its own, now.
    #[inline]
    pub fn is_huge(&self, len: usize) -> bool {
        len >= self.limits.huge_threshold.load(Ordering::Relaxed).min(ALWAYS_HUGE)
    }

    /// Maps a huge span; all its bytes are zero.
    ///
    /// # Errors
    ///
    /// [`OutOfPages`] when the system refuses; nothing has changed.
    pub fn map_huge(&self, len: usize, align: Align) -> Result<SpanRef<P>, OutOfPages> {
        let len = self.huge_len(len)?;
        let span = self.lone_descriptor()?;
        let run = match self.reserve_reachable(len, align) {
            Ok(run) => run,
            Err(refused) => {
                self.drop_descriptor(span);
                return Err(refused);
            }
        };
        // SAFETY: the whole of our new reservation.
        if unsafe { self.pages.commit(run) }.is_err() {
            // SAFETY: as above, and nobody has seen it.
            unsafe { self.pages.release(run) };
            self.drop_descriptor(span);
            return Err(OutOfPages);
        }
        span.set_run(run.start.as_ptr(), len);
        self.enter_lone(span);
        self.tally.add(Counter::HugeBlocks, 1);
        self.tally.add(Counter::HugeBytes, len as u64);
        Ok(span)
    }

    fn huge_len(&self, len: usize) -> Result<usize, OutOfPages> {
        align_up(len.max(1), self.unit())
            .filter(|&n| n / crate::GRANULE <= u32::MAX as usize)
            .ok_or(OutOfPages)
    }

    fn reserve_reachable(&self, len: usize, align: Align) -> Result<PageRun, OutOfPages> {
        let run = self.pages.reserve(Bytes(len), align, Zeros::No)?;
        if self.reach(run).is_err() {
            // SAFETY: the whole of our new reservation, which nobody has seen.
            unsafe { self.pages.release(run) };
            return Err(OutOfPages);
        }
        Ok(run)
    }

    /// Unmaps a huge span and lets the threshold learn its size.
    ///
    /// # Safety
    ///
    /// - The caller owns the span, of kind `Huge`, and nothing refers to its bytes.
    pub unsafe fn unmap_huge(&self, span: SpanRef<P>) {
        let run = run_of(span);
        self.leave_lone(span);
        // SAFETY: H1; caller: nothing refers to it.
        unsafe { self.pages.release(run) };
        self.tally.sub(Counter::HugeBlocks, 1);
        self.tally.sub(Counter::HugeBytes, run.len.0 as u64);
        self.tally.add(Counter::ReturnedBytes, run.len.0 as u64);
        self.drop_descriptor(span);
        let limits = &self.limits;
        if run.len.0 <= limits.huge_bound.load(Ordering::Relaxed) {
            // Strictly above what was freed, so that the same size is not huge next time.
            limits.huge_threshold.fetch_max(run.len.0 + 1, Ordering::Relaxed);
        }
    }

    /// Changes the length of a huge span, moving it if needed; its contents up to the shorter length are kept.
    ///
    /// # Errors
    ///
    /// [`OutOfPages`] when the system cannot or refuses; nothing has changed.
    ///
    /// # Safety
    ///
    /// - The caller owns the span, of kind `Huge`, and uses only its new address afterwards.
    pub unsafe fn resize_huge(&self, span: SpanRef<P>, len: usize, align: Align) -> Result<(), OutOfPages> {
        let len = self.huge_len(len)?;
        let old = run_of(span);
        if len == old.len.0 {
            return Ok(());
        }
        let fixed = PageRun { start: old.start, len: Bytes(len) };
        // Once addresses are given back, another thread may get and enter them: ours are taken out before.
        self.leave_lone(span);
        // SAFETY: caller: as for this function.
        let changed = unsafe { self.change_mapping(old, fixed, align) };
        if let Ok(new) = changed {
            span.set_run(new.start.as_ptr(), len);
            if old.len.0 >= self.limits.huge_pages_from.load(Ordering::Relaxed) {
                // What has been filled and grows will be filled again. All of it: the kernel remaps one mapping, not two
                // that differ.
                // SAFETY: a huge span is committed (H1), and `new` is the whole of it.
                unsafe { self.pages.prefer_huge(new) };
            }
            self.tally.add(Counter::HugeBytes, len as u64);
            self.tally.sub(Counter::HugeBytes, old.len.0 as u64);
        }
        self.enter_lone(span);
        changed.map(|_| ())
    }

    /// Makes the mapping `old` as long as `fixed`, there if possible, else elsewhere.
    ///
    /// # Safety
    ///
    /// - `old` is a huge span's (H1), in no entry of the page map; `fixed` begins where it does.
    unsafe fn change_mapping(
        &self,
        old: PageRun,
        fixed: PageRun,
        align: Align,
    ) -> Result<PageRun, OutOfPages> {
        let len = fixed.len.0;
        let grown = self.reach(fixed).and_then(|()| {
            // SAFETY: H1.
            unsafe { self.pages.resize(old, Bytes(len)) }
        });
        match grown {
            Ok(run) => Ok(run),
            Err(_) if len < old.len.0 => {
                // SAFETY: `len` is inside the old run.
                let tail = unsafe { old.start.add(len) };
                // SAFETY: H1: the tail of a reservation that the caller gives up.
                unsafe { self.pages.release(PageRun { start: tail, len: Bytes(old.len.0 - len) }) };
                Ok(fixed)
            }
            Err(_) => {
                let to = self.reserve_reachable(len, align)?;
                // SAFETY: H1, and `to` is a new reservation, as long as needed.
                if unsafe { self.pages.transfer(old, to) }.is_err() {
                    // SAFETY: `to` is ours, whole and unused.
                    unsafe { self.pages.release(to) };
                    return Err(OutOfPages);
                }
                self.tally.add(Counter::Remaps, 1);
                Ok(to)
            }
        }
    }

    /// Makes a huge span of `len` bytes out of the pages of a large one, which then reads as zero and still
    /// belongs to the caller. The result is one mapping, so that it can grow by remapping later.
    ///
    /// # Errors
    ///
    /// [`OutOfPages`] when the system cannot or refuses; the contents are where they were. As for
    /// [`shift`](Self::shift), always for a span whose pages were moved before.
    ///
    /// # Safety
    ///
    /// - The caller owns `from`, of kind `Large`, shorter than `len`.
    pub unsafe fn shift_to_huge(&self, from: SpanRef<P>, len: usize) -> Result<SpanRef<P>, OutOfPages> {
        if from.remapped.get() {
            return Err(OutOfPages);
        }
        let len = self.huge_len(len)?;
        let align = Align::new(self.unit()).ok_or(OutOfPages)?;
        let span = self.lone_descriptor()?;
        // SAFETY: caller: owns `from`.
        match unsafe { self.shift_into_mapping(run_of(from), len, align) } {
            Ok(run) => {
                span.set_run(run.start.as_ptr(), len);
                self.enter_lone(span);
                self.tally.add(Counter::HugeBlocks, 1);
                self.tally.add(Counter::HugeBytes, len as u64);
                self.tally.add(Counter::Remaps, 1);
                Ok(span)
            }
            Err(refused) => {
                self.drop_descriptor(span);
                Err(refused)
            }
        }
    }

    /// # Safety
    ///
    /// - As for [`shift_to_huge`](Self::shift_to_huge).
    unsafe fn shift_into_mapping(
        &self,
        from: PageRun,
        len: usize,
        align: Align,
    ) -> Result<PageRun, OutOfPages> {
        let to = self.reserve_reachable(len, align)?;
        let front = PageRun { start: to.start, len: from.len };
        // SAFETY: `front` is the first part of our reservation.
        let shifted = unsafe { self.pages.commit(front) }.and_then(|()| {
            // SAFETY: `front` is committed, as long as `from`, and what it contains is not needed.
            unsafe { self.pages.shift(from, front) }
        });
        if shifted.is_err() {
            // SAFETY: `to` is ours, whole and unused.
            unsafe { self.pages.release(to) };
            return Err(OutOfPages);
        }
        // SAFETY: `front` is shorter than `to`.
        let rest: NonNull<u8> = unsafe { to.start.add(from.len.0) };
        // SAFETY: the unused tail of our reservation; growing `front` over it makes one mapping of the two.
        unsafe { self.pages.release(PageRun { start: rest, len: Bytes(len - from.len.0) }) };
        // SAFETY: `front` is now a whole committed reservation.
        if let Ok(run) = unsafe { self.pages.resize(front, Bytes(len)) } {
            return Ok(run);
        }
        // Another thread has mapped something behind us meanwhile.
        let moved = self.reserve_reachable(len, align).and_then(|place| {
            // SAFETY: as above; `place` is a new reservation of the length needed.
            unsafe { self.pages.transfer(front, place) }.map(|()| place).inspect_err(|_| {
                // SAFETY: `place` is ours, whole and unused.
                unsafe { self.pages.release(place) };
            })
        });
        if moved.is_err() {
            // SAFETY: both are committed and of equal length: the pages go home.
            let home = unsafe { self.pages.shift(front, from) };
            if home.is_err() {
                // SAFETY: as long as both; the copy is the last resort to keep the data.
                unsafe { from.start.copy_from_nonoverlapping(front.start, from.len.0) };
            }
            // SAFETY: our reservation, whole; its contents are home.
            unsafe { self.pages.release(front) };
        }
        moved
    }
}
