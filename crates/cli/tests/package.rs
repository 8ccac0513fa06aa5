//! The package of the command carries what a build from it needs: every source of the library and the demo.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{answer, errors};

/// Folder below `sources/`, and the crate it stands for.
const CARRIED: [(&str, &str); 8] = [
    ("base", "base"),
    ("os", "os"),
    ("span", "span"),
    ("engine", "engine"),
    ("runtime", "runtime"),
    ("capi", "capi"),
    ("shared", "capi/shared"),
    ("demo", "cli/demo"),
];

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn every_part_of_a_crate_that_its_library_is_built_from_is_carried() {
    for (name, folder) in CARRIED {
        let carried = Path::new(env!("CARGO_MANIFEST_DIR")).join("sources").join(name);
        let original = crates().join(folder);
        for (part, place) in [("src", "src"), ("build.rs", "build.rs"), ("Cargo.toml", "manifest.toml")] {
            let (from, to) = (original.join(part), carried.join(place));
            assert_eq!(from.exists(), to.exists(), "{folder}/{part} and sources/{name}/{place}");
            if from.exists() {
                let same = fs::canonicalize(&from).ok() == fs::canonicalize(&to).ok();
                assert!(same, "sources/{name}/{place} is not a link to {folder}/{part}");
            }
        }
    }
}

#[test]
fn the_library_is_built_from_nothing_else_of_ours() {
    let mut wanted = BTreeSet::new();
    for (_, folder) in CARRIED {
        let manifest = fs::read_to_string(crates().join(folder).join("Cargo.toml")).expect("a manifest");
        let mut counts = false;
        for line in manifest.lines() {
            if line.starts_with('[') {
                counts = line == "[dependencies]" || line == "[build-dependencies]";
            } else if counts && line.starts_with("heapwright-") {
                let end = line.find(|c: char| !c.is_alphanumeric() && c != '-').unwrap_or(line.len());
                wanted.insert(line["heapwright-".len()..end].to_owned());
            }
        }
    }
    let carried: BTreeSet<String> = CARRIED.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert!(wanted.contains("base") && wanted.contains("runtime"), "{wanted:?}");
    assert!(wanted.is_subset(&carried), "{wanted:?} is more than {carried:?}");
}

/// Packs the command and builds it from the package, beside that of the one crate it depends on, and away from the
/// checkout: `cargo test -p heapwright-cli -- --ignored`.
#[test]
#[ignore = "builds the command and its library once more"]
fn the_command_is_built_from_its_package() {
    let target = std::env::temp_dir().join(format!("heapwright-package-{}", std::process::id()));
    let output = Command::new(env!("CARGO"))
        .args([
            "package",
            "-p",
            "heapwright-measure",
            "-p",
            "heapwright-cli",
            "--allow-dirty",
            "--target-dir",
        ])
        .arg(&target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo can be started");
    assert!(output.status.success(), "{}", errors(&output));
    let unpacked = |name: &str| target.join("package").join(format!("{name}-{}", env!("CARGO_PKG_VERSION")));
    let (package, measure) = (unpacked("heapwright-cli"), unpacked("heapwright-measure"));
    let patch = format!("patch.crates-io.heapwright-measure.path={:?}", measure.display().to_string());
    assert!(package.join("sources/engine/src/lib.rs").is_file(), "the package has the library's sources");
    // Alone: in a folder with no neighbours, the build script finds the carried sources only.
    assert!(!package.join("../capi/shared").exists());
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--config", &patch, "--target-dir"])
        .arg(&target)
        .args(["--", "doctor"])
        .current_dir(&package)
        .env("XDG_CACHE_HOME", &target)
        .output()
        .expect("cargo can be started");
    let _ = fs::remove_dir_all(&target);
    assert!(output.status.success(), "{}{}", answer(&output), errors(&output));
    assert!(answer(&output).contains("preload                works"), "{}", answer(&output));
}
