//! Scripts: who reads them, and whether that reader is there.

use super::find;
use crate::failure::Failure;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// How much of the first line the kernel reads.
const FIRST_LINE: u64 = 256;

/// A file that is not ELF.
#[derive(Debug)]
pub enum Kind {
    /// It names its interpreter.
    Script(Script),
    /// Text without an interpreter: `execvp` gives it to the shell, as a shell does.
    Text,
    /// Neither.
    Unknown,
}

/// A script and what will read it.
#[derive(Debug)]
pub struct Script {
    /// The program in its first line.
    pub interpreter: PathBuf,
    /// What that program starts in its turn, if it is `env`.
    pub started_by_env: Option<PathBuf>,
}

/// Looks at the first line of a file that is not ELF. An interpreter that is not there is an error.
pub fn read(path: &Path, mut file: &File) -> Result<Kind, Failure> {
    let mut start = Vec::new();
    let complete = file.seek(SeekFrom::Start(0)).and_then(|_| file.take(FIRST_LINE).read_to_end(&mut start));
    if complete.is_err() {
        return Ok(Kind::Text);
    }
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let Some(command) = line.strip_prefix(b"#!") else {
        return Ok(if line.contains(&0) { Kind::Unknown } else { Kind::Text });
    };
    let mut words = command.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty());
    let Some(interpreter) = words.next() else { return Ok(Kind::Text) };
    let interpreter = PathBuf::from(OsStr::from_bytes(interpreter));
    check(path, &interpreter)?;
    let mut started_by_env = None;
    if interpreter.file_name() == Some(OsStr::new("env")) {
        let program = words.find(|word| !word.starts_with(b"-") && !word.contains(&b'='));
        if let Some(program) = program {
            started_by_env = Some(by_env(path, OsStr::from_bytes(program))?);
        }
    }
    Ok(Kind::Script(Script { interpreter, started_by_env }))
}

/// Whether the interpreter can be started.
fn check(script: &Path, interpreter: &Path) -> Result<(), Failure> {
    let Err(failure) = find::executable(interpreter) else { return Ok(()) };
    Err(missing(script, interpreter.as_os_str(), &failure))
}

/// The program that `env` will find, with `PATH` as it is.
fn by_env(script: &Path, program: &OsStr) -> Result<PathBuf, Failure> {
    find::find(program).map_err(|failure| missing(script, program, &failure))
}

/// The refusal of a script whose interpreter cannot be started.
fn missing(script: &Path, interpreter: &OsStr, failure: &Failure) -> Failure {
    let shown = script.display();
    if interpreter.as_encoded_bytes().ends_with(b"\r") {
        return Failure::cannot_run(
            format!("the first line of {shown} ends as on Windows, so its interpreter is not found"),
            format!("sed -i 's/\\r$//' {shown}"),
        );
    }
    Failure::cannot_run(
        format!("{shown} is a script for {}: {}", interpreter.display(), failure.cause),
        "install the interpreter, or correct the script's first line",
    )
}
