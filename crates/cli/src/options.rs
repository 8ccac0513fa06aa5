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
    /// Take a tour of every entry point, with its real results
    Demo(Demo),
    /// Print what a bug report needs
    Doctor(Doctor),
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
