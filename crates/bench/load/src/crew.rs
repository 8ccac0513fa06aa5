//! Threads that share the work.

use std::thread;

/// The stack of a worker: small, so that the resident set is the heap's.
const STACK: usize = 256 << 10;

/// Runs `work(index)` on `threads` threads (on this one alone, if it is one) and adds up what they return.
pub fn share(threads: usize, work: impl Fn(usize) -> u64 + Sync) -> u64 {
    if threads == 1 {
        return work(0);
    }
    thread::scope(|scope| {
        let work = &work;
        let hands: Vec<_> = (0..threads).map(|index| start(scope, move || work(index))).collect();
        hands.into_iter().map(joined).fold(0, u64::wrapping_add)
    })
}

/// Starts one worker.
pub fn start<'scope, T: Send + 'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> thread::ScopedJoinHandle<'scope, T> {
    thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work).unwrap_or_else(|error| {
        eprintln!("heapwright-load: a thread cannot be started: {error}; raise the limit with ulimit -u");
        std::process::exit(3);
    })
}

/// What the worker returned. A worker does not panic: its failure ends the process.
pub fn joined<T>(hand: thread::ScopedJoinHandle<'_, T>) -> T {
    hand.join().unwrap_or_else(|_| std::process::exit(3))
}

/// The part of `total` that falls to worker `index` of `threads`.
pub fn part(total: u64, threads: usize, index: usize) -> u64 {
    let (threads, index) = (threads as u64, index as u64);
    total / threads + u64::from(index < total % threads)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_make_up_the_whole() {
        for threads in [1, 2, 3, 64] {
            assert_eq!((0..threads).map(|index| part(1000, threads, index)).sum::<u64>(), 1000);
            assert_eq!(share(threads, |index| part(1000, threads, index)), 1000);
        }
    }
}
