//! Where the library under test is, and how to say that a tool is missing.

// Each test binary has this module and uses its own part of it.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::{env, fs};

/// Runs a command to its end and keeps its output; a tool that cannot be run is a failure with a remedy.
pub fn output(command: &mut Command) -> Output {
    let name = command.get_program().to_string_lossy().into_owned();
    command
        .output()
        .unwrap_or_else(|error| panic!("cannot run `{name}`: {error}; install it or put it on PATH"))
}

/// The folder with `libheapwright.so` and `libheapwright.a`: `HEAPWRIGHT_LIB_DIR`, or what a release build
/// makes now. The build is always asked for, so that no test passes on a stale library.
pub fn library_folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = match env::var_os("HEAPWRIGHT_LIB_DIR") {
            Some(folder) => PathBuf::from(folder),
            None => build(),
        };
        let folder = fs::canonicalize(&folder).unwrap_or_else(|error| {
            panic!("no folder {}: {error}; see HEAPWRIGHT_LIB_DIR", folder.display())
        });
        for file in ["libheapwright.so", "libheapwright.so.0", "libheapwright.a"] {
            assert!(folder.join(file).exists(), "{} holds no {file}", folder.display());
        }
        folder
    })
}

fn build() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("shared/Cargo.toml");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder").to_path_buf();
    let built = output(
        Command::new(env!("CARGO"))
            .args(["build", "--release", "--package", "heapwright-shared"])
            .arg("--manifest-path")
            .arg(manifest)
            .arg("--target-dir")
            .arg(&target),
    );
    assert!(
        built.status.success(),
        "the library does not build:\n{}",
        String::from_utf8_lossy(&built.stderr)
    );
    target.join("release")
}
