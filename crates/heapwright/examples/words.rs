//! Counts words on several threads: a small program for any target, also static musl.
//!
//! ```console
//! $ cargo run --release -p heapwright --example words
//! ```

use heapwright::{Counter, Heapwright};
use std::collections::HashMap;

#[global_allocator]
static GLOBAL: Heapwright = Heapwright;

fn main() {
    let counts: Vec<HashMap<String, usize>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4usize)
            .map(|seed| {
                scope.spawn(move || {
                    let mut counts = HashMap::new();
                    for i in 0..100_000usize {
                        *counts.entry(format!("word{}", (i * 7919 + seed) % 5_003)).or_insert(0) += 1;
                    }
                    counts
                })
            })
            .collect();
        workers.into_iter().filter_map(|worker| worker.join().ok()).collect()
    });
    let total: usize = counts.iter().flat_map(HashMap::values).sum();
    println!("{total} words, {} different", counts.first().map_or(0, HashMap::len));
    eprintln!(
        "{} allocations, peak {} bytes live",
        heapwright::count(Counter::Allocations),
        heapwright::count(Counter::PeakLiveBytes)
    );
}
