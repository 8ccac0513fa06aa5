//! What a run of the suite leaves behind: every sample, with all that is needed to read it later.
//!
//! The whole is one JSON document (`results.json`); the samples alone are also a table (`samples.csv`). Sizes are
//! bytes, times are seconds. Medians, ratios and scores are not stored: [`crate::score`] computes them.

use serde::{Deserialize, Serialize};

/// The version of the format: raised when a reader of the older one would be wrong.
pub const FORMAT: u32 = 1;

/// A run of the suite.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Results {
    /// [`FORMAT`].
    pub format: u32,
    /// When it began, RFC 3339, UTC.
    pub date: String,
    /// Which part of the suite: `full`, `quick`, or `partial` where only some rows, allocators or rounds were asked
    /// for.
    pub kind: String,
    /// The options it was given.
    #[serde(default)]
    pub options: Vec<String>,
    /// The load average at the beginning of each round.
    #[serde(default)]
    pub loads: Vec<f64>,
    /// How long it took, the building of peers included.
    pub seconds: f64,
    /// Where it ran.
    pub machine: Machine,
    /// Who took part, Heapwright first.
    pub allocators: Vec<Allocator>,
    /// What should have taken part and could not.
    pub missing: Vec<Missing>,
    /// One row for each workload and number of threads.
    pub rows: Vec<Row>,
}

/// The machine and the tools.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// Processors that may be used.
    pub cores: u32,
    /// Physical memory, bytes.
    pub memory: u64,
    /// `uname -r`.
    pub kernel: String,
    /// The system's name and version.
    pub system: String,
    /// The page size, bytes.
    pub page: u64,
    /// The setting of transparent huge pages: `always`, `madvise` or `never`.
    pub huge_pages: String,
    /// `rustc --version`.
    pub rustc: String,
    /// The first line of `cc --version`.
    pub cc: String,
    /// The commit of the tree, with `+` where files were changed.
    pub commit: String,
    /// The load average when the run began: what else the machine did.
    pub load: f64,
}

/// An allocator that took part.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Allocator {
    /// Its name in the tables: `mimalloc3`.
    pub name: String,
    /// Its version as the library says it in a process.
    pub version: String,
    /// Where it came from: `libmimalloc-sys 0.1.49`, `Debian libtcmalloc-minimal4 2.10-1`.
    pub origin: String,
    /// SHA-256 of the preloaded library; nothing for the C library's own malloc.
    pub sha256: Option<String>,
    /// Variables of the environment that it ran with.
    pub environment: Vec<(String, String)>,
}

/// What could not take part.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Missing {
    /// The allocator or workload.
    pub name: String,
    /// Why, and what would help.
    pub reason: String,
}

/// What kind of row it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Group {
    /// A workload of our own, under preload.
    Own,
    /// A real program under preload.
    Real,
    /// A Rust program with each allocator as its `#[global_allocator]`.
    Rust,
    /// The same as a static musl binary.
    Musl,
}

/// One workload at one number of threads.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    /// Where it belongs.
    pub group: Group,
    /// The workload's name: `churn-mixed`.
    pub workload: String,
    /// The number of threads, where it is the workload's to choose.
    pub threads: Option<u32>,
    /// What it does, in a sentence.
    pub about: String,
    /// Whether the row's wall time counts; not where a workload waits on purpose.
    pub timed: bool,
    /// One cell for each allocator that ran it.
    pub cells: Vec<Cell>,
}

/// One allocator's samples of a row.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cell {
    /// Its name in [`Results::allocators`].
    pub allocator: String,
    /// One for each round.
    pub samples: Vec<Sample>,
    /// Why there are no samples, or not all.
    pub failure: Option<String>,
}

/// One process.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Sample {
    /// From start to end.
    pub wall: f64,
    /// Processor time in user mode.
    pub user: f64,
    /// Processor time in the kernel.
    pub system: f64,
    /// The largest resident set of one of its processes.
    pub peak_rss: u64,
    /// Page faults without and with reading.
    pub minor_faults: u64,
    /// See [`Sample::minor_faults`].
    pub major_faults: u64,
    /// Resident bytes when the workload had ended its work, where it says so.
    pub end_rss: Option<u64>,
    /// Bytes that were live then, as asked for.
    pub end_live: Option<u64>,
    /// Resident bytes after some idle seconds.
    pub idle_rss: Option<u64>,
    /// Times of single calls.
    pub latency: Option<Latency>,
}

/// Times of single calls, the clock's own reading included.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Latency {
    /// Of `malloc`.
    pub malloc: Quantiles,
    /// Of `free`.
    pub free: Quantiles,
}

/// Nanoseconds that a share of the calls did not exceed.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Quantiles {
    /// Half of them.
    pub p50: u64,
    /// 99 %.
    pub p99: u64,
    /// 99.9 %.
    pub p999: u64,
    /// All.
    pub max: u64,
}

impl Row {
    /// Its name in tables: `churn-mixed ×8`.
    pub fn title(&self) -> String {
        title(&self.workload, self.threads)
    }
}

/// What a workload at a number of threads is called, in tables and on the command line.
pub fn title(workload: &str, threads: Option<u32>) -> String {
    match threads {
        Some(threads) => format!("{workload} ×{threads}"),
        None => workload.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The raw data must not drift when a report is made anew.
    #[test]
    fn times_read_and_written_again_are_the_same() {
        for number in 1..2000 {
            let sample = Sample { wall: 0.37 / f64::from(number), ..Sample::default() };
            let text = serde_json::to_string(&sample).unwrap();
            let read: Sample = serde_json::from_str(&text).unwrap();
            assert_eq!(serde_json::to_string(&read).unwrap(), text);
        }
    }
}
