//! What was asked of a fake: the last calls in order, and totals.

use std::collections::VecDeque;

/// A method of the page protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum Verb {
    Reserve,
    Commit,
    Purge,
    Release,
    Resize,
    Transfer,
    Shift,
    Renew,
    PreferHuge,
}

const VERBS: usize = 9;

/// One call and its answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Call {
    /// What was asked.
    pub verb: Verb,
    /// Where; zero for a refused reservation.
    pub addr: usize,
    /// How many bytes.
    pub len: usize,
    /// Whether it was granted.
    pub granted: bool,
}

/// The last calls, and how many there were of each kind.
#[derive(Debug, Default)]
pub(super) struct Log {
    last: VecDeque<Call>,
    asked: [usize; VERBS],
    granted: [usize; VERBS],
}

impl Log {
    const KEPT: usize = 10_000;

    pub(super) fn note(&mut self, call: Call) {
        self.asked[call.verb as usize] += 1;
        self.granted[call.verb as usize] += usize::from(call.granted);
        if self.last.len() == Self::KEPT {
            self.last.pop_front();
        }
        self.last.push_back(call);
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        self.last.iter().copied().collect()
    }

    pub(super) fn asked(&self, verb: Verb) -> usize {
        self.asked[verb as usize]
    }

    pub(super) fn granted(&self, verb: Verb) -> usize {
        self.granted[verb as usize]
    }
}
