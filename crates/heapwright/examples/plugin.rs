//! A shared library with an allocator of its own, to be opened late by a program that knows nothing of it.

#![allow(unsafe_code)]

use heapwright::Heapwright;

#[global_allocator]
static GLOBAL: Heapwright = Heapwright;

/// Allocates on several threads and answers the sum of what it stored.
#[unsafe(no_mangle)]
pub extern "C" fn plugin_work(items: u64) -> u64 {
    let threads: Vec<_> = (0..4)
        .map(|part| {
            std::thread::spawn(move || {
                let texts: Vec<String> = (0..items).map(|i| (i * 4 + part).to_string()).collect();
                texts.iter().map(|text| text.parse::<u64>().unwrap_or(0)).sum::<u64>()
            })
        })
        .collect();
    threads.into_iter().map(|thread| thread.join().unwrap_or(0)).sum()
}

/// Live blocks of the library's allocator.
#[unsafe(no_mangle)]
pub extern "C" fn plugin_allocations() -> u64 {
    heapwright::count(heapwright::Counter::Allocations)
}
