//! The command line.

use clap::{Args, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

/// Run any program under the Heapwright allocator and see where its memory goes.
#[derive(Parser)]
#[command(name = "heapwright", version, disable_help_subcommand = true)]
pub struct Options {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,

    /// Use this libheapwright.so instead of the one the command carries [env: HEAPWRIGHT_LIBRARY]
    #[arg(long, global = true, value_name = "PATH")]
    pub library: Option<PathBuf>,
}

/// The verbs.
#[derive(Subcommand)]
pub enum Verb {
    /// Run a program under the allocator and print a short summary at its end
    Run(Run),
    /// Say whether the allocator helps a program: it runs with the system's malloc and with ours, in turns
    Compare(Compare),
    /// Take a tour of every entry point, with its real results
    Demo(Demo),
    /// Print what a bug report needs
    Doctor(Doctor),
    /// Run the benchmark suite of a checkout: the allocator beside its peers
    Bench(Bench),
}

/// `heapwright run`.
#[derive(Args)]
#[command(
    after_help = "The exit status is the program's own; a signal that ended the program ends the command too.\n\
    125: the command failed; 126: the program cannot be run; 127: there is no such program.\n\n\
    Example: heapwright run -- python3 -c 'print(sum(range(1000000)))'"
)]
pub struct Run {
    /// Print the summary as JSON
    #[arg(long)]
    pub json: bool,

    /// Write the summary to FILE (`-`: standard output) instead of standard error
    #[arg(short = 'o', long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Print nothing on standard error but refusals
    #[arg(short, long)]
    pub quiet: bool,

    /// Set an option of the allocator, as in HEAPWRIGHT_CONF; may be repeated
    #[arg(long = "option", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,

    /// Run the program even if the allocator will not serve it
    #[arg(long)]
    pub anyway: bool,

    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "PROGRAM")]
    pub command: Vec<OsString>,
}

/// `heapwright compare`.
#[derive(Args)]
#[command(
    after_help = "The program runs N times with each malloc, in turns, after a round that is not measured. Its standard \
    input is /dev/null, its standard output is discarded (also /dev/null, which a few programs notice: grep stops at \
    the first match), its standard error is kept aside and shown if it fails. Everyone's environment is the same but \
    for LD_PRELOAD.\n\n\
    A verdict compares the runs of the same round: \"12 % faster\" takes 12 % less time in the median, and the true \
    median lies within the interval with a chance of 95 %. So about one verdict in twenty is chance: run again what \
    matters to you, on a machine that does nothing else.\n\n\
    The exit status is 0 if the program succeeded in every run, else that of the run that failed, as in run.\n\n\
    Example: heapwright compare -- python3 -c 'print(sum(range(1000000)))'"
)]
pub struct Compare {
    /// Rounds to measure; fewer than 6 bear no verdict
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    pub rounds: usize,

    /// Another allocator to measure, a library that exports malloc; may be repeated
    #[arg(long, value_name = "NAME=LIBRARY")]
    pub with: Vec<OsString>,

    /// Print everything as JSON, with every sample
    #[arg(long)]
    pub json: bool,

    /// Set an option of the allocator, as in HEAPWRIGHT_CONF; may be repeated
    #[arg(long = "option", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,

    /// Pass the program's output and errors through, to standard error
    #[arg(long)]
    pub show_output: bool,

    /// Compare even if an allocator will not serve the program
    #[arg(long)]
    pub anyway: bool,

    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "PROGRAM")]
    pub command: Vec<OsString>,
}

/// `heapwright bench`.
#[derive(Args)]
#[command(
    after_help = "Finds the checkout of Heapwright that the current folder is in and runs its suite (crates/bench), \
    which builds the peers from source and measures everyone in one interleaved run. All arguments go to the suite; \
    its own help is printed by\n\n  heapwright bench -- --help\n\n\
    The exit status is the suite's. In the checkout, `cargo xtask bench` does the same."
)]
pub struct Bench {
    /// Arguments for the suite
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
    pub arguments: Vec<OsString>,
}

/// `heapwright demo`.
#[derive(Args)]
pub struct Demo {}

/// `heapwright doctor`.
#[derive(Args)]
pub struct Doctor {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
