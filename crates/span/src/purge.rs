//! Dirty → clean: memory goes back to the operating system.
//!
//! Three things start a purge: the dirty bytes exceed their bound, a dirty span has outlived its delay, or
//! somebody asks. The oldest spans go first. The system call runs outside the lock, with the span in no set,
//! so that no thread waits for the kernel; large pieces are cheaper per page, and coalescing makes them.
//!
//! The bound is what makes resident memory fall while a program frees: a program that blocks afterwards runs
//! no code of ours. It is the largest of a floor, a share of what is in use and a share of its recent peak; a purge
//! brings the dirty bytes to three quarters of it, so that purges come in batches. Where memory is needed again soon
//! after it was purged for being too much, the bound rises by twice that (*regret*), up to the recent peak: a program
//! that breathes keeps its breath, one that only frees does not.
//!
//! # Safety
//!
//! Purges only spans that this thread has taken out of every set.

#![allow(unsafe_code)]

use crate::fit::Fit;
use crate::span::{Kind, Payload};
use crate::spans::{Held, Spans, run_of};
use heapwright_base::counters::Counter;
use heapwright_base::sync::Ordering;
use heapwright_os::PageSource;

impl<S: PageSource, F: Fit, P: Payload> Spans<S, F, P> {
    /// After a span has been freed: purges what is too much and what is too old. Gives the lock back.
    pub(crate) fn purge_excess(&self, mut state: Held<'_, F, P>, now: u64) {
        let delay = self.limits.purge_delay.load(Ordering::Relaxed);
        let deadline = now.saturating_sub(delay);
        let aged = state.oldest.is_some_and(|span| span.freed_at.get() < deadline);
        state.forget(now, delay);
        let limit = state.dirty_limit(&self.limits);
        let over = state.dirty_bytes > limit;
        if !over && !aged {
            return;
        }
        let keep = if over { limit / 4 * 3 } else { usize::MAX };
        if over {
            state.purged += state.dirty_bytes - keep;
        }
        drop(state);
        self.purge(keep, deadline);
    }

    /// Purges dirty spans, oldest first, while more than `keep` bytes are dirty or the oldest was freed before
    /// `deadline` (by the clock of the page source). Answers the bytes given back.
    pub fn purge(&self, keep: usize, deadline: u64) -> usize {
        self.purge_at_most(usize::MAX, keep, deadline)
    }

    /// The same, but stops after about `most` bytes: other threads may free as fast as this one purges.
    fn purge_at_most(&self, most: usize, keep: usize, deadline: u64) -> usize {
        let mut returned = 0;
        let mut seen = 0usize;
        while seen < most {
            let mut state = self.state.lock();
            let Some(span) = state.oldest else { break };
            if state.dirty_bytes <= keep && span.freed_at.get() >= deadline {
                break;
            }
            self.remove(&mut state, span);
            span.set_kind(Kind::Idle);
            seen = seen.saturating_add(span.len());
            drop(state);
            // SAFETY: the span is in no set and not in use: it is ours, and its contents are not needed.
            let zeroed = unsafe { self.pages.purge(run_of(span)) };
            if zeroed {
                returned += span.len();
            }
            self.tally.add(Counter::Purges, 1);
            let mut state = self.state.lock();
            span.zeroed.set(zeroed);
            span.dirty.set(false);
            self.insert(&mut state, span);
            self.publish(&state);
        }
        self.tally.add(Counter::ReturnedBytes, returned as u64);
        returned
    }

    /// Purges everything that is dirty, now.
    pub fn purge_all(&self) -> usize {
        let dirty = {
            let mut state = self.state.lock();
            state.peak = state.in_use;
            (state.purged, state.regret) = (0, 0);
            state.dirty_bytes
        };
        self.purge_at_most(dirty, 0, 0)
    }

    /// Purges what has outlived its delay, for a thread that does nothing else.
    pub fn purge_aged(&self) -> usize {
        let deadline = self.pages.now().saturating_sub(self.limits.purge_delay.load(Ordering::Relaxed));
        self.purge(usize::MAX, deadline)
    }
}
