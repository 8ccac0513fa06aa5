//! `heapwright bench`: the benchmark suite of the checkout that the current folder is in.
//!
//! The suite builds the allocators it measures from source, so it lives in the checkout and not in the command.

use crate::failure::Failure;
use crate::options;
use crate::run::{self, Early, Ending};
use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What makes a folder a checkout: the workspace, and the suite in it.
const MARKS: [&str; 2] = ["Cargo.toml", "crates/bench/Cargo.toml"];

/// Runs the suite with the arguments of `options`; its end is the command's.
pub fn bench(library: Option<&Path>, options: &options::Bench) -> Result<Ending, Failure> {
    if library.is_some() {
        return Err(Failure::tool(
            "bench measures the library of the checkout, not one of --library",
            "leave it out, or measure your library on a program: heapwright compare --library PATH -- PROGRAM",
        ));
    }
    let here = env::current_dir().map_err(|error| {
        Failure::tool(format!("the current folder cannot be told: {error}"), "change to a checkout")
    })?;
    let root = checkout(&here).ok_or_else(|| {
        let cause = format!("{} is in no checkout of Heapwright, where the suite lives", here.display());
        Failure::tool(
            cause,
            "clone the repository and run this in it: the suite builds the other allocators from source",
        )
    })?;
    let cargo = run::find(&env::var_os("CARGO").unwrap_or_else(|| OsStr::new("cargo").to_owned()))?;
    let mut suite = Command::new(cargo);
    // Paths among the arguments count from the caller's folder, so the suite runs in it.
    suite.args(["run", "--manifest-path"]).arg(root.join("Cargo.toml"));
    suite.args(["--package", "heapwright-bench", "--"]).args(&options.arguments);
    Ok(run::watch(&mut suite, Early::listen())?.ending)
}

/// The checkout that `folder` is in.
fn checkout(folder: &Path) -> Option<PathBuf> {
    let found = folder.ancestors().find(|folder| MARKS.iter().all(|mark| folder.join(mark).is_file()));
    found.map(Path::to_path_buf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checkout_is_found_from_below_only() {
        let own = Path::new(env!("CARGO_MANIFEST_DIR"));
        let found = checkout(&own.join("src")).expect("this crate lies in a checkout");
        assert!(found.join("crates/cli/Cargo.toml").is_file(), "{}", found.display());
        assert_eq!(checkout(&found.join("crates/bench")), Some(found.clone()));
        assert_eq!(found.parent().and_then(checkout), None);
    }
}
