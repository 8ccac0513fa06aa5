//! Rust programs, each built once for every allocator as its `#[global_allocator]`.
//!
//! The package `crates/bench/programs` is one binary with a feature for each allocator. It is built with each in
//! turn, in one target folder, and its binaries are kept side by side. Each says who serves it, which it proves in the
//! process; one that names another family, or is not the build that its users get, is refused: its cells are failures.
//! Only what cannot be built is missing.

use crate::children::sealed;
use crate::job::{Candidate, Expect, Job};
use crate::peers::PER_CPU;
use crate::peers::run::copy;
use crate::report_line::Report;
use crate::results::{Allocator, Group, Missing};
use crate::score::OURS;
use serde::Deserialize;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A way to build the programs.
struct Variant {
    /// The group of its rows.
    group: Group,
    /// The feature of the package.
    feature: &'static str,
    /// The allocator's name in the tables.
    allocator: &'static str,
    /// How the program must begin to say who serves it.
    family: &'static str,
    /// Variables set for it.
    environment: &'static [(&'static str, &'static str)],
}

/// A variant that has cells.
struct Built {
    variant: &'static Variant,
    program: PathBuf,
    /// Who serves it, as it says; empty if it is refused.
    serving: String,
    /// Why its cells are failures.
    refused: Option<String>,
}

/// Sizes and checksums of the programs.
#[derive(Deserialize)]
struct Expected {
    program: Vec<Program>,
}

/// A program and what it must compute.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Program {
    name: String,
    about: String,
    threads: Option<u32>,
    full: Amount,
    quick: Amount,
}

/// A size of the work and its result.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Amount {
    size: u32,
    checksum: String,
}

/// Builds the programs; the jobs, the allocators that are only here, and what could not be built.
pub fn gather(
    root: &Path,
    folder: &Path,
    quick: bool,
    say: &dyn Fn(&str),
) -> (Vec<Job>, Vec<Allocator>, Vec<Missing>) {
    let lacking =
        |reason| (Vec::new(), Vec::new(), vec![Missing { name: "Rust programs".to_owned(), reason }]);
    let expected = match expected() {
        Ok(expected) => expected,
        Err(reason) => return lacking(reason),
    };
    let folder = match std::path::absolute(folder.join("programs")) {
        Ok(folder) => folder,
        Err(error) => return lacking(format!("{}: {error}", folder.display())),
    };
    let (mut built, mut missing) = (Vec::new(), Vec::new());
    let musl = musl_target();
    for variant in VARIANTS {
        match build(variant, root, &folder, &musl, say) {
            Ok(one) => built.push(one),
            Err(reason) => {
                say(&format!("{} is missing: {reason}", variant.title()));
                missing.push(Missing { name: variant.title(), reason });
            }
        }
    }
    let jobs = [Group::Rust, Group::Musl].into_iter().flat_map(|group| jobs(group, &expected, &built, quick));
    (jobs.collect(), only_here(&built, &musl), missing)
}

impl Variant {
    /// What is missing when it cannot be built.
    fn title(&self) -> String {
        match self.group {
            Group::Musl => format!("static musl programs with {}", self.allocator),
            _ => format!("Rust programs with {}", self.allocator),
        }
    }

    /// The variant as its cells have it.
    fn entered(&'static self, program: PathBuf, serving: Result<String, String>) -> Built {
        let refused = serving.as_ref().err().cloned();
        Built { variant: self, program, serving: serving.unwrap_or_default(), refused }
    }
}

/// What the programs must compute.
fn expected() -> Result<Expected, String> {
    toml::from_str(include_str!("../programs/expected.toml"))
        .map_err(|error| format!("crates/bench/programs/expected.toml: {}", error.message()))
}

/// The rows of a group: none if no allocator could be built for it.
fn jobs(group: Group, expected: &Expected, built: &[Built], quick: bool) -> Vec<Job> {
    let built: Vec<&Built> = built.iter().filter(|one| one.variant.group == group).collect();
    if built.is_empty() {
        return Vec::new();
    }
    let served = built.iter().filter(|one| one.refused.is_none());
    let linked: Vec<&str> = served.map(|one| one.serving.as_str()).collect();
    let prefix = if group == Group::Musl { "musl" } else { "rust" };
    let job = |program: &Program| Job {
        group,
        workload: format!("{prefix}-{}", program.name),
        threads: program.threads,
        about: format!("{} (linked: {})", program.about, linked.join(", ")),
        timed: true,
        idle: 0,
        rounds: if quick { 2 } else { 5 },
        candidates: built.iter().map(|one| candidate(program, one, quick)).collect(),
    };
    expected.program.iter().map(job).collect()
}

fn candidate(program: &Program, built: &Built, quick: bool) -> Candidate {
    let amount = if quick { &program.quick } else { &program.full };
    let mut arguments: Vec<OsString> = vec![program.name.clone().into(), "--size".into()];
    arguments.push(amount.size.to_string().into());
    if let Some(threads) = program.threads {
        arguments.extend(["--threads".into(), threads.to_string().into()]);
    }
    Candidate {
        allocator: built.variant.allocator.to_owned(),
        program: built.program.clone(),
        arguments,
        environment: built
            .variant
            .environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.into()))
            .collect(),
        folder: None,
        expect: Expect::Report { checksum: Some(amount.checksum.clone()), serving: built.serving.clone() },
        refused: built.refused.clone(),
    }
}

/// The allocators that are no peer under preload: musl's malloc.
fn only_here(built: &[Built], musl: &str) -> Vec<Allocator> {
    let found = built.iter().find(|one| one.variant.allocator == MUSL);
    let allocator = |one: &Built| Allocator {
        name: MUSL.to_owned(),
        version: one.serving.split_once(' ').map_or("-", |(_, version)| version).to_owned(),
        origin: format!("Rust's target {musl}"),
        sha256: None,
        environment: Vec::new(),
    };
    found.map(allocator).into_iter().collect()
}

/// Builds a variant, keeps its binary and judges it; an error if it cannot be built.
fn build(
    variant: &'static Variant,
    root: &Path,
    folder: &Path,
    musl: &str,
    say: &dyn Fn(&str),
) -> Result<Built, String> {
    say(&format!("building {}", variant.title()));
    let target = (variant.group == Group::Musl).then_some(musl);
    if let Some(target) = target {
        check_target(target, variant.feature)?;
    }
    let kept =
        folder.join(format!("{}-{}", if target.is_some() { "musl" } else { "programs" }, variant.feature));
    let serving = match made(variant, root, folder, target, &kept) {
        // A tree of Heapwright that does not build is no reason to leave it out.
        Err(reason) if variant.allocator != OURS => return Err(reason),
        made => made.and_then(|()| admit(&kept, variant)),
    };
    if let Err(reason) = &serving {
        say(&format!("{} is refused: {reason}", variant.title()));
    }
    Ok(variant.entered(kept, serving))
}

/// Builds a variant and puts its binary at `kept`.
fn made(
    variant: &Variant,
    root: &Path,
    folder: &Path,
    target: Option<&str>,
    kept: &Path,
) -> Result<(), String> {
    let output = command(variant.feature, root, folder, target)
        .output()
        .map_err(|error| format!("cargo cannot be run: {error}; is it in the PATH?"))?;
    if !output.status.success() {
        return Err(format!("cargo build failed: {}", complaint(&output)));
    }
    copy(&folder.join(target.unwrap_or_default()).join("release/heapwright-programs"), kept)
}

/// Who serves a program, if it is the build that it should be.
fn admit(program: &Path, variant: &Variant) -> Result<String, String> {
    let image = fs::read(program).map_err(|error| format!("{}: {error}", program.display()))?;
    if variant.group == Group::Musl && !is_static(&image) {
        let program = program.display();
        return Err(format!("{program} is not static: do RUSTFLAGS of a cargo configuration say so?"));
    }
    if has_assertions(&image) {
        return Err(format!(
            "{} has snmalloc's assertions: NDEBUG did not reach its build",
            program.display()
        ));
    }
    identify(program, variant)
}

/// Whether a binary has what a failed assertion of snmalloc prints, which its release has not.
fn has_assertions(image: &[u8]) -> bool {
    const TEXT: &[u8] = b"assert fail: ";
    image.windows(TEXT.len()).any(|part| part == TEXT)
}

/// The build of a feature. It hears nothing of flags meant for others, and its crates are those of the lock file.
///
/// snmalloc is a release build only where NDEBUG is defined, which its package does for one compiler alone.
fn command(feature: &str, root: &Path, folder: &Path, target: Option<&str>) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args([
        "build",
        "--quiet",
        "--release",
        "--locked",
        "--no-default-features",
        "--features",
        feature,
    ]);
    command.arg("--manifest-path").arg(root.join("crates/bench/programs/Cargo.toml"));
    command.arg("--target-dir").arg(folder);
    // Those for one target, as CXXFLAGS_x86_64_unknown_linux_gnu, too.
    let foreign = |name: &str| name.contains("FLAGS") || name.starts_with("CARGO_PROFILE_");
    for name in std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()) {
        if foreign(&name) || matches!(name.as_str(), "CARGO_BUILD_TARGET" | "LD_PRELOAD") {
            command.env_remove(name);
        }
    }
    if feature == "snmalloc" {
        command.env("CXXFLAGS", "-DNDEBUG");
    }
    if let Some(target) = target {
        command.args(["--target", target]);
        command.env(format!("CC_{}", target.replace('-', "_")), MUSL_CC);
    }
    command
}

/// The line of a failed build that says why: the first error, else the last line.
fn complaint(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    let why = lines().find(|line| line.starts_with("error")).or_else(|| lines().next_back());
    let why = why.unwrap_or("it said nothing");
    if text.contains("--locked") {
        return format!(
            "{why}; bring its lock file up to date: \
             cargo update --workspace --manifest-path crates/bench/programs/Cargo.toml"
        );
    }
    why.to_owned()
}

/// Rust's musl target for this machine.
fn musl_target() -> String {
    format!("{}-unknown-linux-musl", std::env::consts::ARCH)
}

/// Whether static programs can be built, with C code where the feature has any.
fn check_target(target: &str, feature: &str) -> Result<(), String> {
    let output = Command::new("rustc").args(["--print", "target-libdir", "--target", target]).output();
    let output = output.map_err(|error| format!("rustc cannot be run: {error}; is it in the PATH?"))?;
    if !Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir() {
        return Err(format!(
            "Rust's standard library for {target} is not installed: rustup target add {target}"
        ));
    }
    if feature.starts_with("mimalloc") && Command::new(MUSL_CC).arg("--version").output().is_err() {
        return Err(format!("no C compiler for musl, `{MUSL_CC}`: apt-get install musl-tools"));
    }
    Ok(())
}

/// Asks a program who serves it; an error if that is another family than the variant's.
fn identify(program: &Path, variant: &Variant) -> Result<String, String> {
    let mut command = Command::new(program);
    sealed(&mut command);
    command.args(["maps", "--size", "1"]).envs(variant.environment.iter().copied());
    let output = command.output().map_err(|error| format!("{}: {error}", program.display()))?;
    if !output.status.success() {
        return Err(format!("{} ({}): {}", program.display(), output.status, complaint(&output)));
    }
    let report: Report = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("{} printed no report: {error}", program.display()))?;
    if !report.serving.starts_with(variant.family) {
        return Err(format!(
            "{} is served by {}, not by {}: remove it and build again",
            program.display(),
            report.serving,
            variant.family.trim_end()
        ));
    }
    Ok(report.serving)
}

/// Whether an ELF file for 64-bit little-endian machines names no interpreter: nothing is loaded into its process.
fn is_static(image: &[u8]) -> bool {
    const INTERPRETER: u64 = 3;
    let number = |at: usize, bytes: usize| -> Option<u64> {
        let part = image.get(at..at.checked_add(bytes)?)?;
        Some(part.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    };
    let kinds = || -> Option<Vec<u64>> {
        // The places of the header's fields are those of the ELF-64 object file format.
        let (start, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
        (0..count).map(|place| number(usize::try_from(start.checked_add(place * size)?).ok()?, 4)).collect()
    };
    image.starts_with(b"\x7fELF\x02\x01") && kinds().is_some_and(|kinds| !kinds.contains(&INTERPRETER))
}

/// The name of musl's malloc in the tables.
const MUSL: &str = "musl";

/// The C compiler for musl.
const MUSL_CC: &str = "musl-gcc";

/// A variant without variables.
const fn plain(
    group: Group,
    feature: &'static str,
    allocator: &'static str,
    family: &'static str,
) -> Variant {
    Variant { group, feature, allocator, family, environment: &[] }
}

/// Every way, Heapwright first.
const VARIANTS: &[Variant] = &[
    plain(Group::Rust, "heapwright", OURS, "heapwright "),
    plain(Group::Rust, "system", "glibc", "glibc "),
    plain(Group::Rust, "mimalloc3", "mimalloc3", "mimalloc 3."),
    plain(Group::Rust, "mimalloc2", "mimalloc2", "mimalloc 2."),
    plain(Group::Rust, "jemalloc", "jemalloc", "jemalloc "),
    plain(Group::Rust, "snmalloc", "snmalloc", "snmalloc "),
    plain(Group::Rust, "rpmalloc", "rpmalloc", "rpmalloc "),
    plain(Group::Rust, "rusty_alloc", "rusty_alloc", "rusty_alloc "),
    Variant { environment: PER_CPU, ..plain(Group::Rust, "tcmalloc", "tcmalloc-google", "tcmalloc ") },
    plain(Group::Musl, "heapwright", OURS, "heapwright "),
    plain(Group::Musl, "system", MUSL, "musl "),
    plain(Group::Musl, "mimalloc3", "mimalloc3", "mimalloc 3."),
];

#[cfg(test)]
mod tests;
