//! The workloads, by what they stress.

mod batches;
mod churn;
mod handover;
mod latency;
mod longrun;
mod structures;
mod threads;
mod zeroed;

pub use threads::{SMALL_PROGRAM, small_program};

use crate::outcome::Outcome;

/// What a workload is told.
pub struct Task {
    /// Threads that share the work.
    pub threads: usize,
    /// How much work, in the workload's unit.
    pub size: u64,
    /// Seconds to wait before the last look at the resident set.
    pub idle: u32,
}

/// A workload.
pub struct Load {
    /// Its name.
    pub name: &'static str,
    /// What runs it.
    pub run: fn(&Task) -> Outcome,
}

/// All of them.
pub const LOADS: &[Load] = &[
    Load { name: "batch-lifo", run: batches::lifo },
    Load { name: "batch-fifo", run: batches::fifo },
    Load { name: "churn-objects", run: churn::objects },
    Load { name: "churn-mixed", run: churn::mixed },
    Load { name: "churn-script", run: churn::script },
    Load { name: "churn-compiler", run: churn::compiler },
    Load { name: "churn-server", run: churn::server },
    Load { name: "aligned", run: churn::aligned },
    Load { name: "resized", run: churn::resized },
    Load { name: "large-buffers", run: churn::large },
    Load { name: "trees", run: structures::trees },
    Load { name: "maps", run: structures::maps },
    Load { name: "strings", run: structures::strings },
    Load { name: "vector-doubling", run: structures::vector },
    Load { name: "calloc-fresh", run: zeroed::fresh },
    Load { name: "calloc-reused", run: zeroed::reused },
    Load { name: "sessions", run: handover::sessions },
    Load { name: "producer-consumer", run: handover::producers },
    Load { name: "hand-over", run: handover::larson },
    Load { name: "pipeline", run: handover::pipeline },
    Load { name: "thread-storm", run: threads::storm },
    Load { name: "sleeping-threads", run: threads::sleepers },
    Load { name: "starts", run: threads::starts },
    Load { name: "phases", run: longrun::phases },
    Load { name: "idle", run: longrun::idle },
    Load { name: "latency", run: latency::churn },
];

/// The workload of that name.
pub fn find(name: &str) -> Option<&'static Load> {
    LOADS.iter().find(|load| load.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small sizes, quick enough for a test; `starts` would start the test program.
    fn small(name: &str) -> u64 {
        match name {
            "vector-doubling" | "phases" => 1,
            "idle" => 50,
            "trees" | "batch-lifo" | "batch-fifo" | "large-buffers" | "calloc-fresh" | "sleeping-threads"
            | "thread-storm" => 6,
            _ => 2000,
        }
    }

    #[test]
    fn every_workload_computes_the_same_twice_and_not_for_another_size() {
        for load in LOADS.iter().filter(|load| load.name != "starts") {
            for threads in [1, 3] {
                let run = |size| (load.run)(&Task { threads, size, idle: 0 }).checksum;
                let size = small(load.name);
                assert_eq!(run(size), run(size), "{} ×{threads}", load.name);
                assert_ne!(run(size), run(size * 2), "{} ×{threads}", load.name);
            }
        }
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<&str> = LOADS.iter().map(|load| load.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), LOADS.len());
    }
}
