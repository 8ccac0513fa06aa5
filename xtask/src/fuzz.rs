//! The fuzz targets: bodies of ten lines over scripts, in a workspace of their own.
//!
//! The bodies are ordinary functions, so they run in two ways: over random scripts on the stable compiler (the quick
//! gate), and under libFuzzer on nightly, where coverage finds its own scripts (the long one).

use crate::shell::{self, cargo, command, need, root};
use std::fs;

/// How long one target is fuzzed by `verify`, in seconds.
const HOUR: &str = "3600";

fn present() -> Result<(), String> {
    if root().join("fuzz/Cargo.toml").exists() {
        return Ok(());
    }
    Err("fuzz/ is missing from the repository: nothing was fuzzed".into())
}

/// Every body over random scripts.
pub fn smoke() -> Result<(), String> {
    present()?;
    let mut bodies = cargo(&["test", "--release", "--manifest-path", "fuzz/Cargo.toml"]);
    bodies.env("CARGO_PROFILE_RELEASE_LTO", "off").env("CARGO_TARGET_DIR", shell::target().join("fuzz"));
    shell::cargo_test(bodies)
}

/// Every target under libFuzzer, for an hour each (`HEAPWRIGHT_FUZZ_SECONDS` says otherwise).
pub fn hours() -> Result<(), String> {
    present()?;
    need("rustup", "install it from its home page; fuzzing needs the nightly compiler")?;
    if !shell::has_cargo("fuzz") {
        return Err("cargo-fuzz is missing: cargo install cargo-fuzz".into());
    }
    let seconds = std::env::var("HEAPWRIGHT_FUZZ_SECONDS").unwrap_or_else(|_| HOUR.to_owned());
    for target in targets()? {
        let mut fuzz = command("rustup");
        fuzz.args([
            "run",
            "nightly",
            "cargo",
            "fuzz",
            "run",
            "--fuzz-dir",
            "fuzz",
            "--sanitizer",
            "none",
            &target,
            "--",
        ]);
        fuzz.args([format!("-max_total_time={seconds}"), "-rss_limit_mb=4096".to_owned()]);
        // These name the compiler that runs us, not nightly.
        fuzz.env_remove("CARGO").env_remove("RUSTC").env_remove("RUSTUP_TOOLCHAIN");
        fuzz.env("CARGO_TARGET_DIR", shell::target().join("fuzz-nightly"));
        shell::run(fuzz)?;
    }
    Ok(())
}

fn targets() -> Result<Vec<String>, String> {
    let folder = root().join("fuzz/targets");
    let files = fs::read_dir(&folder).map_err(|error| format!("fuzz/targets: {error}"))?;
    let mut names: Vec<String> = files
        .filter_map(|file| Some(file.ok()?.path().file_stem()?.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    if names.is_empty() { Err("fuzz/targets is empty: nothing was fuzzed".into()) } else { Ok(names) }
}
