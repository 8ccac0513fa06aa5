//! Other programs: how they are started, and what is said when one is missing.

use std::env;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The top of the repository.
pub fn root() -> PathBuf {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    own.parent().map(Path::to_path_buf).unwrap_or(own)
}

/// Where cargo builds.
pub fn target() -> PathBuf {
    // Relative to the folder cargo was started in, as cargo reads it.
    match env::var_os("CARGO_TARGET_DIR") {
        Some(path) => std::path::absolute(&path).unwrap_or_else(|_| PathBuf::from(path)),
        None => root().join("target"),
    }
}

/// The release build of the shared library.
pub fn library() -> PathBuf {
    target().join("release").join("libheapwright.so")
}

/// The library, which must have been built.
pub fn built_library() -> Result<PathBuf, String> {
    let library = library();
    if library.exists() {
        return Ok(library);
    }
    Err(format!(
        "{} does not exist: run `cargo build --release -p heapwright-shared` first",
        library.display()
    ))
}

/// A command started at the top of the repository.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root()).stdin(Stdio::null());
    command
}

/// Cargo, the one that runs us.
pub fn cargo(words: &[&str]) -> Command {
    let mut cargo = command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(words);
    cargo
}

/// What a person would type.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy();
    let mut text = String::new();
    for (key, value) in command.get_envs() {
        if let Some(value) = value {
            text += &format!("{}='{}' ", key.to_string_lossy(), value.to_string_lossy());
        }
    }
    text += &name;
    for word in command.get_args() {
        text += " ";
        text += &word.to_string_lossy();
    }
    text
}

fn cannot_start(command: &Command, error: &std::io::Error) -> String {
    format!("{} does not start: {error}", command.get_program().to_string_lossy())
}

/// Runs `command`, its output passed through.
pub fn run(mut command: Command) -> Result<(), String> {
    println!("$ {}", shown(&command));
    let status = command.status().map_err(|error| cannot_start(&command, &error))?;
    if status.success() { Ok(()) } else { Err(format!("{status}: {}", shown(&command))) }
}

/// Runs `command` and gives its standard output.
pub fn output(mut command: Command) -> Result<String, String> {
    let output = command.stderr(Stdio::inherit()).output().map_err(|error| cannot_start(&command, &error))?;
    if !output.status.success() {
        return Err(format!("{}: {}", output.status, shown(&command)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs `command`, passing its standard output through and showing each line to `see`.
fn watch(mut command: Command, mut see: impl FnMut(&str)) -> Result<(), String> {
    println!("$ {}", shown(&command));
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(|error| cannot_start(&command, &error))?;
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            let line = line.map_err(|error| format!("{}: {error}", shown(&command)))?;
            println!("{line}");
            see(&line);
        }
    }
    let status = child.wait().map_err(|error| format!("{}: {error}", shown(&command)))?;
    if status.success() { Ok(()) } else { Err(format!("{status}: {}", shown(&command))) }
}

/// Runs `cargo test` as given; that no test ran is a failure: a filter that matches nothing tests nothing.
pub fn cargo_test(command: Command) -> Result<(), String> {
    let text = shown(&command);
    let mut ran = 0;
    watch(command, |line| ran += tests_in(line))?;
    if ran == 0 { Err(format!("no test ran: {text}")) } else { Ok(()) }
}

/// How many tests a line of `cargo test` reports as run.
fn tests_in(line: &str) -> usize {
    let Some(rest) = line.trim().strip_prefix("test result: ok. ") else { return 0 };
    rest.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Whether `program` is on the path.
pub fn has(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Requires `program`, or says which package brings it.
pub fn need(program: &str, install: &str) -> Result<(), String> {
    if has(program) { Ok(()) } else { Err(format!("{program} is missing: {install}")) }
}

/// Whether cargo knows the subcommand `name`.
pub fn has_cargo(name: &str) -> bool {
    has(&format!("cargo-{name}"))
        || env::var_os("CARGO_HOME")
            .map(PathBuf::from)
            .or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")))
            .is_some_and(|home| home.join("bin").join(format!("cargo-{name}")).is_file())
}

/// A script of the repository, which somebody must have written.
pub fn script(path: &str, words: &[&OsStr]) -> Result<(), String> {
    let file = root().join(path);
    if !file.is_file() {
        return Err(format!("{path} is missing from the repository: nothing was tested"));
    }
    let mut script = command(&file);
    script.args(words);
    run(script)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_cargo_test_are_read() {
        assert_eq!(
            tests_in("test result: ok. 61 passed; 0 failed; 0 ignored; 0 measured; 2 filtered out"),
            61
        );
        assert_eq!(tests_in("test result: ok. 0 passed; 0 failed"), 0);
        assert_eq!(tests_in("running 3 tests"), 0);
    }

    #[test]
    fn what_is_missing_is_named() {
        assert!(need("sh", "it is always there").is_ok());
        let text = need("no-such-program", "apt-get install nothing").unwrap_err();
        assert_eq!(text, "no-such-program is missing: apt-get install nothing");
        let text = script("tests/no-such/run", &[]).unwrap_err();
        assert!(text.contains("tests/no-such/run is missing"), "{text}");
    }

    #[test]
    fn failures_name_the_command() {
        let mut command = command("sh");
        command.args(["-c", "exit 3"]);
        assert!(run(command).unwrap_err().contains("exit status: 3: sh -c exit 3"));
    }
}
