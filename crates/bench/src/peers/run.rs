//! Commands and files, with errors of one line.

use sha2::{Digest, Sha256};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Runs a command to its end and returns what it printed. Its whole output goes to the log, if there is one; an error
/// names the command, what it said last, and the log, which lies in the peer's folder of the build.
pub fn run(command: &mut Command, log: Option<&Path>) -> Result<String, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{program} cannot be run: {error}; is it installed?"))?;
    if let Some(log) = log {
        let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
        fs::write(log, text).map_err(|error| format!("{} cannot be written: {error}", log.display()))?;
    }
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let name = log.and_then(Path::file_name).map(OsStr::to_string_lossy);
    let more = name
        .map_or_else(String::new, |name| format!("; all it said is in `{name}` in the peer's build folder"));
    Err(format!("{program} failed ({}): {}{more}", output.status, complaint(&output)))
}

/// The line of a failed command's output that says why: the first that names an error, else the last.
fn complaint(output: &Output) -> String {
    let text =
        String::from_utf8_lossy(if output.stderr.is_empty() { &output.stdout } else { &output.stderr });
    let named = text.lines().find(|line| line.to_lowercase().contains("error"));
    let line = named.or_else(|| text.lines().rev().find(|line| !line.trim().is_empty()));
    line.unwrap_or("it said nothing").trim().to_owned()
}

/// A command of the build that hears nothing of flags meant for others: a peer gets its own project's flags.
pub fn clean(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for name in
        ["CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "LD_PRELOAD"]
    {
        command.env_remove(name);
    }
    command
}

/// Creates a folder and its parents.
pub fn create(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| format!("{} cannot be created: {error}", folder.display()))
}

/// Reads a file of text.
pub fn read(file: &Path) -> Result<String, String> {
    fs::read_to_string(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))
}

/// Copies a file. The old one is unlinked first: a process that has it mapped, or runs it, keeps it whole.
pub fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let _ = fs::remove_file(to);
    let copied = fs::copy(from, to);
    copied
        .map(drop)
        .map_err(|error| format!("{} cannot be copied to {}: {error}", from.display(), to.display()))
}

/// The full path of a file that is there.
pub fn canonical(file: &Path) -> Result<PathBuf, String> {
    file.canonicalize().map_err(|error| format!("{} cannot be found: {error}", file.display()))
}

/// SHA-256 of a file, in hexadecimal.
pub fn sha256_of(file: &Path) -> Result<String, String> {
    let bytes = fs::read(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    Ok(sha256(&bytes))
}

/// SHA-256 of bytes, in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
