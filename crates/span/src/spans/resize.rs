//! Spans in use that change their length where they stand, or give their pages to another.
//!
//! # Safety
//!
//! Only the span's owner calls; what it gives up is in no set until it is retired.

use super::{Spans, run_of};
use crate::fit::Fit;
use crate::page_map::GRANULE;
use crate::span::{Kind, Payload, SpanRef};
use core::ptr::null_mut;
use heapwright_base::counters::Counter;
use heapwright_base::{Bytes, OutOfPages, align_up};
use heapwright_os::{PageRun, PageSource};

impl<S: PageSource, F: Fit, P: Payload> Spans<S, F, P> {
    /// Changes the length of a large span where it stands. Growing takes from the free span to its right.
    ///
    /// # Errors
    ///
    /// [`OutOfPages`] when the neighbour is in use or too short; nothing has changed.
    ///
    /// # Safety
    ///
    /// - The caller owns the span, of kind `Large`; when shrinking, nothing refers to the tail.
    pub unsafe fn resize(&self, span: SpanRef<P>, len: usize) -> Result<(), OutOfPages> {
        let now = self.pages.now();
        let mut state = self.state.lock();
        let len = align_up(len.max(1), state.unit).ok_or(OutOfPages)?;
        let old = span.len();
        if len == old {
            return Ok(());
        }
        self.stock_descriptors(&mut state)?;
        if len < old {
            self.map.set(span.end() - GRANULE, null_mut());
            let tail = self.cut(&mut state, span, len);
            tail.remapped.set(span.remapped.get());
            self.enter(span, Kind::Large);
            state.in_use = state.in_use.saturating_sub(old - len);
            self.retire(&mut state, tail, now);
            self.publish(&state);
            self.purge_excess(state, now);
            return Ok(());
        }
        let right = self.lookup(span.end()).filter(|right| {
            right.kind() == Kind::Free
                && right.start().addr() == span.end()
                && right.arena.get() == span.arena.get()
                && right.arena.get() as usize >= state.frozen
                && right.len() >= len - old
        });
        let right = right.ok_or(OutOfPages)?;
        self.remove(&mut state, right);
        if let Err(refused) = self.commit_to(&mut state, right, span.start().addr() + len) {
            self.insert(&mut state, right);
            return Err(refused);
        }
        if right.len() > len - old {
            self.split(&mut state, right, len - old, false);
        }
        self.map.set(right.start().addr(), null_mut());
        self.map.set(span.end() - GRANULE, null_mut());
        span.set_run(span.start(), len);
        self.recycle(&mut state, right);
        self.enter(span, Kind::Large);
        state.in_use += len - old;
        state.peak = state.peak.max(state.in_use);
        self.publish(&state);
        Ok(())
    }

    /// Moves the pages of one taken span to the start of another, longer one, instead of copying them.
    ///
    /// # Errors
    ///
    /// [`OutOfPages`] when the system cannot; nothing has changed. Always for a span whose pages were moved
    /// before: it is two mappings for the kernel, which moves only one.
    ///
    /// # Safety
    ///
    /// - The caller owns both; the contents of `to` are not needed, and `to` is not shorter than `from`.
    pub unsafe fn shift(&self, from: SpanRef<P>, to: SpanRef<P>) -> Result<(), OutOfPages> {
        if from.remapped.get() {
            return Err(OutOfPages);
        }
        let target = PageRun { start: run_of(to).start, len: Bytes(from.len()) };
        // SAFETY: caller: owns both; spans in use are committed (S3) and disjoint.
        unsafe { self.pages.shift(run_of(from), target) }?;
        to.remapped.set(true);
        self.tally.add(Counter::Remaps, 1);
        Ok(())
    }
}
