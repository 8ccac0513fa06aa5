//! What the tests of the command share: the command itself, a folder for each test, programs made on the spot.
#![allow(dead_code, reason = "each test file uses a part")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The command, in an environment that the surroundings of the test do not change.
pub fn heapwright() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_heapwright"));
    for name in [
        "LD_PRELOAD",
        "HEAPWRIGHT_CONF",
        "HEAPWRIGHT_LIBRARY",
        "NO_COLOR",
        "CLICOLOR_FORCE",
        "XDG_CACHE_HOME",
        "XDG_RUNTIME_DIR",
    ] {
        command.env_remove(name);
    }
    command
}

/// `heapwright run` with `arguments`.
pub fn run<const N: usize>(arguments: [&str; N]) -> Output {
    let output = heapwright().arg("run").args(arguments).output();
    output.expect("the command can be started")
}

/// What a program wrote to standard error.
pub fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What a program wrote to standard output.
pub fn answer(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The JSON summary that a run wrote to standard error.
pub fn summary(output: &Output) -> serde_json::Value {
    let text = errors(output);
    let line = text.lines().last().unwrap_or_default();
    serde_json::from_str(line).unwrap_or_else(|error| panic!("no summary ({error}) in: {text}"))
}

/// A folder that goes with the value.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("heapwright-test-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder below the temporary folder");
        Folder(path)
    }

    pub fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("a path in UTF-8").to_owned()
    }

    /// An executable file with this content.
    pub fn file(&self, name: &str, content: &[u8]) -> String {
        let path = self.0.join(name);
        fs::write(&path, content).expect("a file in the test's folder");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
        self.path(name)
    }

    /// A C program, compiled with `options`.
    pub fn program<const N: usize>(&self, name: &str, source: &str, options: [&str; N]) -> String {
        let code = self.0.join(format!("{name}.c"));
        fs::write(&code, source).expect("a file in the test's folder");
        let path = self.path(name);
        let output = Command::new("cc")
            .args(["-O0", "-fno-builtin", "-o", &path])
            .arg(&code)
            .args(options)
            .output()
            .expect("these tests need a C compiler called cc");
        assert!(output.status.success(), "cc fails: {}", errors(&output));
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The files below `folder`, with those in folders below it.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.expect("a folder that can be read").path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
