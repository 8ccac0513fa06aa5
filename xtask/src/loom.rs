//! The model checker: tests that use `loom::model`, in every package that has some.

use crate::shell::{self, root, target};
use crate::source;
use std::fs;
use std::path::Path;
use std::process::Command;

pub fn check() -> Result<(), String> {
    let packages = packages(&root())?;
    if packages.is_empty() {
        return Err("no package has a test that calls loom::model: orderings are unchecked".into());
    }
    for package in packages {
        for command in commands(&root(), &target().join("loom"), &package) {
            shell::cargo_test(command)?;
        }
    }
    Ok(())
}

/// A package with model tests.
pub struct Package {
    pub name: String,
    in_source: bool,
    in_tests: bool,
}

/// The packages below `top` with model tests.
pub fn packages(top: &Path) -> Result<Vec<Package>, String> {
    let mut found = Vec::new();
    let folders = fs::read_dir(top.join("crates")).map_err(|error| format!("crates: {error}"))?;
    let mut folders: Vec<_> = folders.filter_map(|entry| Some(entry.ok()?.path())).collect();
    folders.sort();
    for folder in folders.iter().filter(|folder| folder.join("Cargo.toml").exists()) {
        let in_tests = folder.join("tests/loom.rs").exists();
        let in_source = models(&folder.join("src"))?;
        if in_tests || in_source {
            let manifest = source::read(&folder.join("Cargo.toml"))?;
            let name = manifest.lines().find_map(|line| line.strip_prefix("name = "));
            let name = name.ok_or("a Cargo.toml without a name")?.trim_matches('"').to_owned();
            found.push(Package { name, in_source, in_tests });
        }
    }
    Ok(found)
}

fn models(sources: &Path) -> Result<bool, String> {
    for file in source::rust_files_below(sources)? {
        if source::read(&file)?.contains("loom::model") {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `cargo test` for one package in the tree `top`; model tests in `src` have `loom` in their names.
pub fn commands(top: &Path, target: &Path, package: &Package) -> Vec<Command> {
    let places: [(bool, &[&str]); 2] =
        [(package.in_source, &["--lib", "loom"]), (package.in_tests, &["--test", "loom"])];
    let mut found = Vec::new();
    for (_, words) in places.iter().filter(|(present, _)| *present) {
        let mut cargo = shell::cargo(&["test", "--release", "--package", &package.name]);
        cargo
            .args(*words)
            .current_dir(top)
            .env("CARGO_TARGET_DIR", target)
            .env("RUSTFLAGS", "--cfg loom")
            // Two preemptions find the known kinds of mistake; unbounded search does not end.
            .env("LOOM_MAX_PREEMPTIONS", "2")
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
        found.push(cargo);
    }
    found
}
