//! Runs a script against a heap and a model of it at once.
//!
//! # Safety
//!
//! The heap under test promises what its trait says; the model checks what can be checked before it is trusted.

#![allow(unsafe_code)]

use crate::{Op, ShadowHeap};

/// A heap under test. Threads are numbers: a heap that knows threads gives each its own, others ignore them.
///
/// # Safety
///
/// - A pointer that is not NULL is writable for the bytes asked for until it is freed.
pub unsafe trait Subject {
    /// A block for `thread`, aligned to 16 bytes when it is that large; NULL when there is no memory.
    fn malloc(&mut self, thread: u8, size: usize) -> *mut u8;

    /// The same, all zero.
    fn zeroed(&mut self, thread: u8, size: usize) -> *mut u8;

    /// The same, aligned to `align`, a power of two.
    fn aligned(&mut self, thread: u8, align: usize, size: usize) -> *mut u8;

    /// Gives a block back, on `thread`.
    ///
    /// # Safety
    ///
    /// - `block` is a live block of this heap.
    unsafe fn free(&mut self, thread: u8, block: *mut u8);

    /// Changes the size of a block, on `thread`; NULL when there is no memory: the block is then as it was.
    ///
    /// # Safety
    ///
    /// - `block` is a live block of this heap, `size` is not zero.
    unsafe fn realloc(&mut self, thread: u8, block: *mut u8, size: usize) -> *mut u8;

    /// How many bytes of the block may be used; `None` when the heap does not say.
    ///
    /// # Safety
    ///
    /// - `block` is a live block of this heap.
    unsafe fn usable_size(&mut self, block: *mut u8) -> Option<usize> {
        let _ = block;
        None
    }

    /// Gives back to the system what can be given back.
    fn purge(&mut self, thread: u8) {
        let _ = thread;
    }

    /// `thread` ends. Its number may be used again: a new thread then.
    fn end(&mut self, thread: u8) {
        let _ = thread;
    }

    /// Walks the structures of the heap and panics when an invariant is broken.
    fn check(&mut self) {}
}

/// What a script came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Outcome {
    /// Blocks handed out.
    pub allocated: usize,
    /// Possible requests that were answered with NULL.
    pub refused: usize,
    /// The most bytes that lived at a time.
    pub peak: usize,
}

struct Held {
    block: *mut u8,
    align: usize,
    thread: u8,
}

struct Run<'a, S> {
    subject: &'a mut S,
    shadow: ShadowHeap,
    held: Vec<Held>,
    turn: u8,
    outcome: Outcome,
}

/// Runs `ops`, then frees what is left; every block is checked on the way.
///
/// # Panics
///
/// - When the heap breaks a promise.
#[track_caller]
pub fn run(ops: &[Op], subject: &mut impl Subject) -> Outcome {
    run_checked(ops, subject, 64)
}

/// As [`run`], checking all blocks and the structures of the heap after every `every` steps.
///
/// # Panics
///
/// - When the heap breaks a promise.
#[track_caller]
pub fn run_checked(ops: &[Op], subject: &mut impl Subject, every: usize) -> Outcome {
    let mut run =
        Run { subject, shadow: ShadowHeap::new(), held: Vec::new(), turn: 0, outcome: Outcome::default() };
    for (step, op) in ops.iter().enumerate() {
        run.step(*op);
        if (step + 1).is_multiple_of(every) {
            run.check_all();
        }
    }
    run.check_all();
    while !run.held.is_empty() {
        run.free(0);
    }
    run.subject.check();
    run.outcome.peak = run.shadow.peak();
    run.shadow.finish();
    run.outcome
}

impl<S: Subject> Run<'_, S> {
    fn step(&mut self, op: Op) {
        match op {
            Op::Alloc { size, align } if align <= 16 => {
                let block = self.subject.malloc(self.turn, size);
                self.take(block, size, natural(size), false);
            }
            Op::Alloc { size, align } => {
                let block = self.subject.aligned(self.turn, align, size);
                self.take(block, size, align, false);
            }
            Op::Zeroed { size } => {
                let block = self.subject.zeroed(self.turn, size);
                self.take(block, size, natural(size), true);
            }
            Op::Free { i } => {
                if let Some(i) = self.pick(i) {
                    self.free(i);
                }
            }
            Op::Realloc { i, size } => {
                if let Some(i) = self.pick(i) {
                    self.realloc(i, size);
                }
            }
            Op::Send { i, thread } => {
                if let Some(i) = self.pick(i) {
                    self.held[i].thread = thread;
                }
            }
            Op::Turn { thread } => self.turn = thread,
            Op::Die { thread } => self.die(thread),
            Op::Purge => self.subject.purge(self.turn),
        }
    }

    fn pick(&self, i: u16) -> Option<usize> {
        (!self.held.is_empty()).then(|| usize::from(i) % self.held.len())
    }

    /// Whether the answer is a block; an impossible request must be refused.
    fn granted(&mut self, block: *mut u8, size: usize) -> bool {
        if size > isize::MAX as usize {
            assert!(block.is_null(), "{size:#x} bytes were granted: nothing can be that large");
            return false;
        }
        self.outcome.refused += usize::from(block.is_null());
        !block.is_null()
    }

    fn usable(&mut self, block: *mut u8, size: usize) -> usize {
        // SAFETY: just handed out.
        unsafe { self.subject.usable_size(block) }.unwrap_or(size)
    }

    fn take(&mut self, block: *mut u8, size: usize, align: usize, zeroed: bool) {
        if !self.granted(block, size) {
            return;
        }
        let usable = self.usable(block, size);
        if zeroed {
            // SAFETY: the subject's promise.
            unsafe { self.shadow.born_zeroed(block, size, align, usable) };
        } else {
            // SAFETY: the subject's promise.
            unsafe { self.shadow.born(block, size, align, usable) };
        }
        self.held.push(Held { block, align: align.min(16), thread: self.turn });
        self.outcome.allocated += 1;
    }

    fn free(&mut self, i: usize) {
        let held = self.held.swap_remove(i);
        self.shadow.dies(held.block);
        // SAFETY: the model says that it lives.
        unsafe { self.subject.free(held.thread, held.block) };
    }

    fn realloc(&mut self, i: usize, size: usize) {
        let size = size.max(1);
        let (old, thread) = (self.held[i].block, self.held[i].thread);
        self.shadow.check(old);
        // SAFETY: the model says that it lives; the size is not zero.
        let new = unsafe { self.subject.realloc(thread, old, size) };
        if !self.granted(new, size) {
            // A refused realloc keeps the block.
            self.shadow.check(old);
            return;
        }
        let usable = self.usable(new, size);
        let align = natural(size);
        // SAFETY: the subject's promise.
        unsafe { self.shadow.moved(old, new, size, align, usable) };
        self.held[i] = Held { block: new, align, thread };
    }

    fn die(&mut self, thread: u8) {
        let heir = if thread == self.turn { 0 } else { self.turn };
        self.subject.end(thread);
        self.turn = heir;
        for held in self.held.iter_mut().filter(|held| held.thread == thread) {
            held.thread = heir;
        }
    }

    fn check_all(&mut self) {
        self.shadow.check_all(self.held.iter().map(|held| held.block));
        assert!(self.held.iter().all(|held| held.block.addr().is_multiple_of(held.align)));
        self.subject.check();
    }
}

/// What every allocation of `size` bytes is aligned to.
fn natural(size: usize) -> usize {
    if size >= 16 { 16 } else { 1 << size.max(1).ilog2() }
}

#[cfg(test)]
mod tests;
