//! Moods of the fake page source, found by coverage.

#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|seed: u64| heapwright_fuzz::source(seed));

#[cfg(not(fuzzing))]
fn main() {
    eprintln!("source: run it under libFuzzer: cargo +nightly fuzz run source");
    std::process::exit(2);
}
