//! Scripts found by coverage, on the Rust face.

#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|script: heapwright_testkit::Script| heapwright_fuzz::script(&script.0));

#[cfg(not(fuzzing))]
fn main() {
    eprintln!("script: run it under libFuzzer: cargo +nightly fuzz run script");
    std::process::exit(2);
}
