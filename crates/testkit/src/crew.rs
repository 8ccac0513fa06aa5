//! Real threads that do as they are told, and any `GlobalAlloc` as the subject of a script.
//!
//! A script stays deterministic: one thread acts at a time, but frees come from the thread they should come from,
//! and a thread that dies really ends.
//!
//! # Safety
//!
//! Blocks travel between threads as any program passes pointers; the script decides who uses them when.

#![allow(unsafe_code)]

use crate::Subject;
use std::alloc::{GlobalAlloc, Layout};
use std::collections::HashMap;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

type Job = Box<dyn FnOnce() + Send>;

/// Threads by number, started when first needed.
#[derive(Debug, Default)]
pub struct Crew {
    members: HashMap<u8, (Sender<Job>, JoinHandle<()>)>,
}

impl Crew {
    /// Nobody yet.
    #[must_use]
    pub fn new() -> Crew {
        Crew::default()
    }

    /// Runs `work` on thread `number` and waits for its answer.
    ///
    /// # Panics
    ///
    /// - When `work` panics.
    pub fn on<R: Send + 'static>(&mut self, number: u8, work: impl FnOnce() -> R + Send + 'static) -> R {
        let (jobs, _) = self.members.entry(number).or_insert_with(|| {
            let (jobs, inbox) = channel::<Job>();
            let member = std::thread::spawn(move || inbox.into_iter().for_each(|job| job()));
            (jobs, member)
        });
        let (answer, answered) = channel();
        let job = Box::new(move || {
            // The asker waits for the answer, so it is there to take it.
            let _ = answer.send(work());
        });
        let sent = jobs.send(job).is_ok();
        match answered.recv() {
            Ok(result) if sent => result,
            _ => panic!("thread {number} of the crew panicked"),
        }
    }

    /// Ends thread `number`, if it lives, and waits until it is gone.
    ///
    /// # Panics
    ///
    /// - When the thread panicked.
    pub fn end(&mut self, number: u8) {
        if let Some((jobs, member)) = self.members.remove(&number) {
            drop(jobs);
            assert!(member.join().is_ok(), "thread {number} of the crew panicked");
        }
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        for (_, (jobs, member)) in self.members.drain() {
            drop(jobs);
            // A panic of the member was reported when it happened.
            let _ = member.join();
        }
    }
}

/// A `GlobalAlloc` as a [`Subject`], each thread number a real thread.
#[derive(Debug)]
pub struct GlobalSubject<A: 'static> {
    allocator: &'static A,
    crew: Crew,
    layouts: HashMap<usize, Layout>,
    trim: fn(&'static A),
}

/// A pointer on its way to another thread.
struct Passed(*mut u8);
// SAFETY: the receiver uses it while the sender waits.
unsafe impl Send for Passed {}

impl Passed {
    // Taken through a method, so that closures capture the whole wrapper.
    fn unwrap(self) -> *mut u8 {
        self.0
    }
}

impl<A: GlobalAlloc + Sync> GlobalSubject<A> {
    /// `allocator`, which knows no purge.
    pub fn new(allocator: &'static A) -> GlobalSubject<A> {
        GlobalSubject::with_trim(allocator, |_| ())
    }

    /// `allocator`, purged by `trim`.
    pub fn with_trim(allocator: &'static A, trim: fn(&'static A)) -> GlobalSubject<A> {
        GlobalSubject { allocator, crew: Crew::new(), layouts: HashMap::new(), trim }
    }

    fn obtain(&mut self, thread: u8, size: usize, align: usize, zeroed: bool) -> *mut u8 {
        let Ok(layout) = Layout::from_size_align(size.max(1), align.max(16)) else {
            return std::ptr::null_mut();
        };
        let allocator = self.allocator;
        let block = self.crew.on(thread, move || {
            if zeroed {
                // SAFETY: the size is not zero.
                Passed(unsafe { allocator.alloc_zeroed(layout) })
            } else {
                // SAFETY: as above.
                Passed(unsafe { allocator.alloc(layout) })
            }
        });
        let block = block.unwrap();
        if !block.is_null() {
            self.layouts.insert(block.addr(), layout);
        }
        block
    }
}

// SAFETY: passes on what the allocator gives.
unsafe impl<A: GlobalAlloc + Sync> Subject for GlobalSubject<A> {
    fn malloc(&mut self, thread: u8, size: usize) -> *mut u8 {
        self.obtain(thread, size, 16, false)
    }

    fn zeroed(&mut self, thread: u8, size: usize) -> *mut u8 {
        self.obtain(thread, size, 16, true)
    }

    fn aligned(&mut self, thread: u8, align: usize, size: usize) -> *mut u8 {
        self.obtain(thread, size, align, false)
    }

    unsafe fn free(&mut self, thread: u8, block: *mut u8) {
        let layout = self.layouts.remove(&block.addr()).expect("a live block has a layout");
        let (allocator, block) = (self.allocator, Passed(block));
        self.crew.on(thread, move || {
            // SAFETY: caller: a live block; the layout it was obtained with.
            unsafe { allocator.dealloc(block.unwrap(), layout) };
        });
    }

    unsafe fn realloc(&mut self, thread: u8, block: *mut u8, size: usize) -> *mut u8 {
        let layout = self.layouts[&block.addr()];
        let Ok(changed) = Layout::from_size_align(size, layout.align()) else {
            return std::ptr::null_mut();
        };
        let (allocator, old) = (self.allocator, Passed(block));
        let new = self.crew.on(thread, move || {
            // SAFETY: caller: a live block and a size that is not zero; the layout it was obtained with.
            Passed(unsafe { allocator.realloc(old.unwrap(), layout, size) })
        });
        let new = new.unwrap();
        if !new.is_null() {
            self.layouts.remove(&block.addr());
            self.layouts.insert(new.addr(), changed);
        }
        new
    }

    fn purge(&mut self, thread: u8) {
        let (allocator, trim) = (self.allocator, self.trim);
        self.crew.on(thread, move || trim(allocator));
    }

    fn end(&mut self, thread: u8) {
        self.crew.end(thread);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_one_thread_until_it_ends() {
        let mut crew = Crew::new();
        let who = || std::thread::current().id();
        let first = crew.on(1, who);
        assert_eq!(first, crew.on(1, who));
        assert_ne!(first, crew.on(2, who));
        crew.end(1);
        assert_ne!(first, crew.on(1, who));
        crew.end(9);
    }

    #[test]
    #[should_panic(expected = "thread 3 of the crew panicked")]
    fn a_panic_on_a_thread_is_passed_on() {
        Crew::new().on(3, || panic!("on purpose"));
    }
}
