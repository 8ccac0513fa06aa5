//! Workloads.
mod identify;

fn main() {}
