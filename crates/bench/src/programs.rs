//! Rust programs, each built once for every allocator as its `#[global_allocator]`.
//!
//! The package `crates/bench/programs` is one binary with a feature for each allocator. It is built with each in
//! turn, in one target folder, and its binaries are kept side by side. Each says who serves it, which it proves in the
//! process; one that names another family takes no part.

use crate::job::{Candidate, Expect, Job};
use crate::report_line::Report;
use crate::results::{Allocator, Group, Missing};
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
}

/// A built variant.
struct Built {
    variant: &'static Variant,
    program: PathBuf,
    serving: String,
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
    let linked: Vec<&str> = built.iter().map(|one| one.serving.as_str()).collect();
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
        environment: Vec::new(),
        folder: None,
        expect: Expect::Report { checksum: Some(amount.checksum.clone()), serving: built.serving.clone() },
            refused: None,
    }
}

/// The allocators that are no peer under preload: musl's malloc.
fn only_here(built: &[Built], musl: &str) -> Vec<Allocator> {
    let found = built.iter().find(|one| one.variant.allocator == MUSL);
    let allocator = |one: &Built| Allocator {
        name: MUSL.to_owned(),
        version: one.serving.rsplit(' ').next().unwrap_or_default().to_owned(),
        origin: format!("Rust's target {musl}"),
        sha256: None,
        environment: Vec::new(),
    };
    found.map(allocator).into_iter().collect()
}

/// Builds a variant, keeps its binary and asks it who serves it.
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
    let output = command(variant.feature, root, folder, target)
        .output()
        .map_err(|error| format!("cargo cannot be run: {error}; is it in the PATH?"))?;
    if !output.status.success() {
        return Err(format!("cargo build failed: {}", complaint(&output)));
    }
    let made = folder.join(target.unwrap_or_default()).join("release/heapwright-programs");
    let kept =
        folder.join(format!("{}-{}", if target.is_some() { "musl" } else { "programs" }, variant.feature));
    fs::copy(&made, &kept).map_err(|error| format!("{} cannot be copied: {error}", made.display()))?;
    if target.is_some() {
        let image = fs::read(&kept).map_err(|error| format!("{}: {error}", kept.display()))?;
        if !is_static(&image) {
            return Err(format!(
                "{} is not static: do RUSTFLAGS of a cargo configuration say so?",
                kept.display()
            ));
        }
    }
    let serving = identify(&kept, variant)?;
    Ok(Built { variant, program: kept, serving })
}

/// The build of a feature. It hears nothing of flags meant for others, and its crates are those of the lock file.
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
    for name in [
        "CFLAGS",
        "CXXFLAGS",
        "LDFLAGS",
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_BUILD_TARGET",
        "LD_PRELOAD",
    ] {
        command.env_remove(name);
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
    command.args(["maps", "--size", "1"]).env_remove("LD_PRELOAD");
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

/// Every way, Heapwright first.
const VARIANTS: &[Variant] = &[
    Variant { group: Group::Rust, feature: "heapwright", allocator: "heapwright", family: "heapwright " },
    Variant { group: Group::Rust, feature: "system", allocator: "glibc", family: "glibc " },
    Variant { group: Group::Rust, feature: "mimalloc3", allocator: "mimalloc3", family: "mimalloc 3." },
    Variant { group: Group::Rust, feature: "mimalloc2", allocator: "mimalloc2", family: "mimalloc 2." },
    Variant { group: Group::Rust, feature: "jemalloc", allocator: "jemalloc", family: "jemalloc " },
    Variant { group: Group::Rust, feature: "snmalloc", allocator: "snmalloc", family: "snmalloc " },
    Variant { group: Group::Rust, feature: "rpmalloc", allocator: "rpmalloc", family: "rpmalloc " },
    Variant { group: Group::Rust, feature: "rusty_alloc", allocator: "rusty_alloc", family: "rusty_alloc " },
    Variant { group: Group::Rust, feature: "tcmalloc", allocator: "tcmalloc-google", family: "tcmalloc " },
    Variant { group: Group::Musl, feature: "heapwright", allocator: "heapwright", family: "heapwright " },
    Variant { group: Group::Musl, feature: "system", allocator: MUSL, family: "musl " },
    Variant { group: Group::Musl, feature: "mimalloc3", allocator: "mimalloc3", family: "mimalloc 3." },
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn every_feature_is_built_and_nothing_else() {
        let manifest: toml::Table = toml::from_str(include_str!("../programs/Cargo.toml")).unwrap();
        let features: BTreeSet<&str> =
            manifest["features"].as_table().unwrap().keys().map(String::as_str).collect();
        let of = |group: Group| VARIANTS.iter().filter(move |one| one.group == group).map(|one| one.feature);
        assert_eq!(of(Group::Rust).collect::<BTreeSet<_>>(), features);
        assert!(of(Group::Musl).all(|feature| features.contains(feature)));
        let names: BTreeSet<_> = VARIANTS.iter().map(|one| (one.group, one.allocator)).collect();
        assert_eq!(names.len(), VARIANTS.len(), "a column holds one allocator");
    }

    #[test]
    fn every_program_has_its_checksums() {
        let expected = expected().unwrap();
        let names: Vec<_> = expected.program.iter().map(|program| program.name.as_str()).collect();
        assert_eq!(names, ["json", "parse", "echo", "maps"]);
        for program in &expected.program {
            for amount in [&program.full, &program.quick] {
                let digits = amount.checksum.bytes().filter(u8::is_ascii_hexdigit).count();
                assert_eq!((digits, amount.checksum.len()), (16, 16), "{}", program.name);
            }
            assert!(program.full.size > program.quick.size, "{}", program.name);
            assert_ne!(program.full.checksum, program.quick.checksum, "{}", program.name);
        }
    }

    #[test]
    fn the_lock_file_knows_this_version_of_heapwright() {
        let line = format!("name = \"heapwright\"\nversion = \"{}\"\n", env!("CARGO_PKG_VERSION"));
        assert!(include_str!("../programs/Cargo.lock").contains(&line), "the lock file lacks: {line}");
    }

    /// Two variants as if they were built: the first two of `group`.
    fn built(group: Group) -> Vec<Built> {
        let some = VARIANTS.iter().filter(|one| one.group == group).take(2);
        some.map(|variant| Built { variant, program: "/p".into(), serving: format!("{}1.2", variant.family) })
            .collect()
    }

    #[test]
    fn a_row_has_the_size_and_the_checksum_of_its_kind() {
        let expected = expected().unwrap();
        let full = jobs(Group::Rust, &expected, &built(Group::Rust), false);
        let quick = jobs(Group::Rust, &expected, &built(Group::Rust), true);
        assert_eq!(full.iter().map(|job| job.workload.as_str()).next(), Some("rust-json"));
        assert_eq!((full[0].rounds, quick[0].rounds), (5, 2));
        for (full, program) in full.iter().zip(&expected.program) {
            let one = &full.candidates[1];
            assert_eq!(one.allocator, "glibc");
            assert_eq!(one.arguments[2], program.full.size.to_string().as_str());
            let Expect::Report { checksum, serving } = &one.expect else { panic!("{one:?}") };
            assert_eq!((checksum.as_ref(), serving.as_str()), (Some(&program.full.checksum), "glibc 1.2"));
        }
        assert_eq!(quick[0].candidates[0].arguments[2], expected.program[0].quick.size.to_string().as_str());
        assert!(jobs(Group::Musl, &expected, &built(Group::Rust), true).is_empty());
    }

    #[test]
    fn musl_alone_is_no_peer() {
        let both: Vec<Built> = built(Group::Rust).into_iter().chain(built(Group::Musl)).collect();
        let here = only_here(&both, "target");
        assert_eq!(here.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["musl"]);
        assert_eq!(here[0].version, "1.2");
    }

    #[test]
    fn a_program_served_by_another_is_refused() {
        let program = std::env::temp_dir().join(format!("heapwright-programs-{}", std::process::id()));
        fs::write(&program, "#!/bin/sh\necho '{\"checksum\":\"0\",\"serving\":\"mimalloc 2.3.2\"}'\n")
            .unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let variant = |name| VARIANTS.iter().find(|one| one.allocator == name).unwrap();
        let refused = identify(&program, variant("mimalloc3"));
        let taken = identify(&program, variant("mimalloc2"));
        fs::remove_file(&program).unwrap();
        assert_eq!(taken, Ok("mimalloc 2.3.2".to_owned()));
        assert!(refused.unwrap_err().contains("served by mimalloc 2.3.2, not by mimalloc 3."));
    }

    #[test]
    fn this_test_is_not_static_and_a_cut_file_is_neither() {
        let image = fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(!is_static(&image));
        assert!(!is_static(&image[..100]));
        assert!(!is_static(b"text"));
        let mut header = vec![0; 64 + 56];
        header[..6].copy_from_slice(b"\x7fELF\x02\x01");
        (header[32], header[54], header[56], header[64]) = (64, 56, 1, 1);
        assert!(is_static(&header));
        header[64] = 3;
        assert!(!is_static(&header));
    }
}
