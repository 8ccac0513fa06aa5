//! Why the command did not do what it was asked: a cause and a remedy, one line each.

/// The command itself could not do its work (the convention of `env` and `timeout`).
const TOOL: u8 = 125;
/// The program was found and cannot be run.
const CANNOT_RUN: u8 = 126;
/// The program was not found.
const NOT_FOUND: u8 = 127;

/// A refusal, with the exit status it leads to.
#[derive(Debug)]
pub struct Failure {
    /// The exit status.
    pub status: u8,
    /// What is wrong.
    pub cause: String,
    /// What to do.
    pub remedy: String,
}

impl Failure {
    /// The command cannot do its own part.
    pub fn tool(cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        Failure { status: TOOL, cause: cause.into(), remedy: remedy.into() }
    }

    /// The program is there, but cannot run, or cannot run under the library.
    pub fn cannot_run(cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        Failure { status: CANNOT_RUN, cause: cause.into(), remedy: remedy.into() }
    }

    /// There is no such program.
    pub fn not_found(cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        Failure { status: NOT_FOUND, cause: cause.into(), remedy: remedy.into() }
    }
}
