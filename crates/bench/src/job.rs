//! What is to be run: one job a row, one candidate an allocator.

use crate::results::Group;
use std::ffi::OsString;
use std::path::PathBuf;

/// One row of the table, still to be measured.
#[derive(Clone, Debug)]
pub struct Job {
    /// Where it belongs.
    pub group: Group,
    /// Its name: letters, digits and `-`.
    pub workload: String,
    /// The number of threads, where it is the suite's to choose.
    pub threads: Option<u32>,
    /// What it does, in a sentence.
    pub about: String,
    /// Whether its wall time counts.
    pub timed: bool,
    /// Seconds it waits on purpose: such candidates wait side by side.
    pub idle: u32,
    /// How often each candidate runs.
    pub rounds: usize,
    /// Who runs it.
    pub candidates: Vec<Candidate>,
}

/// One allocator's way of running the job.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Its name in [`crate::results::Results::allocators`].
    pub allocator: String,
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Variables set for it, `LD_PRELOAD` among them.
    pub environment: Vec<(String, OsString)>,
    /// Where it runs; nothing: the current folder.
    pub folder: Option<PathBuf>,
    /// How its output is judged, after an exit status of zero.
    pub expect: Expect,
    /// Why it failed before anything was timed: its cell is a failure then, and it does not run.
    pub refused: Option<String>,
}

/// What a candidate must print. A wrong result cannot win: it is a failure, and the cell has no figure.
#[derive(Clone, Debug)]
pub enum Expect {
    /// Exactly this, blanks at the end aside.
    Output(String),
    /// A line of JSON, a [`crate::report_line::Report`], with this checksum, from a process served by this
    /// allocator.
    Report {
        /// The expected checksum, unless it is only being found out.
        checksum: Option<String>,
        /// What the report's `serving` must be: the identity of the allocator, found when it was gathered.
        serving: String,
    },
}
