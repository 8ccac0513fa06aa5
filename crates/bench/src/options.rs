//! The command line.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Measure Heapwright beside its peers, in one interleaved run, and publish every sample.
#[derive(Parser)]
#[command(
    name = "heapwright-bench",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Peers are built from crates.io and taken from Debian; what cannot be had is reported missing.\n\
    Results go to bench/results/DATE: results.json, samples.csv, report.html, table.txt."
)]
pub struct Options {
    /// Something else than a run.
    #[command(subcommand)]
    pub verb: Option<Verb>,

    /// The run.
    #[command(flatten)]
    pub run: Run,
}

/// What there is besides a run.
#[derive(Subcommand)]
pub enum Verb {
    /// Make the page, the table and the text anew from a results.json
    Report(Report),
    /// Build or find the peers and say who they are
    Peers,
    /// List the rows of the suite
    List(List),
    /// Find the checksums of the workloads, by two allocators that must agree, and write checksums.toml
    Bless,
}

/// A run of the suite.
#[derive(Args)]
pub struct Run {
    /// The quick suite: smaller sizes, fewer rows, two rounds, in five minutes
    #[arg(long)]
    pub quick: bool,

    /// Real programs too (python3, sqlite3, redis, gcc, …); missing ones are installed from Debian
    #[arg(long)]
    pub real: bool,

    /// With --real: install nothing, report what is missing
    #[arg(long, requires = "real")]
    pub no_install: bool,

    /// With --quick: the Rust programs too (the full suite has them)
    #[arg(long)]
    pub rust: bool,

    /// Only rows whose title contains TEXT; may be repeated
    #[arg(long, value_name = "TEXT")]
    pub only: Vec<String>,

    /// Only these allocators, besides heapwright
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub peers: Vec<String>,

    /// Rounds for every row that does not rest, instead of what each wants
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rounds: Option<u32>,

    /// No row begins later than this, the building included [default: 45, with --quick 5]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub minutes: Option<u32>,

    /// Where the results go [default: bench/results/DATE, with --quick target/bench/quick-DATE]
    #[arg(short, long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,

    /// Print results.json instead of the table
    #[arg(long)]
    pub json: bool,
}

/// `heapwright-bench report`.
#[derive(Args)]
pub struct Report {
    /// The results of a run
    pub results: PathBuf,

    /// Where the files go [default: beside the results]
    #[arg(short, long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
}

/// `heapwright-bench list`.
#[derive(Args)]
pub struct List {
    /// The rows of the quick suite
    #[arg(long)]
    pub quick: bool,
}
