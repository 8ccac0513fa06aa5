//! Builds what the command carries: the shared library and the demo program, by a nested cargo.
//!
//! The nested build has a target folder of its own below `OUT_DIR`, so it never waits for the outer build.
//! Its sources are the neighbouring crates of a checkout; in a package from a registry there are none, and
//! the copies below `sources/` (links in a checkout, files in a package) are laid out as a workspace again.
//!
//! `HEAPWRIGHT_PREBUILT_LIBRARY=/path/libheapwright.so` embeds that file instead of building one.

use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The crates below the library, by folder; each has its copy in `sources/`.
const CRATES: [&str; 6] = ["base", "os", "span", "engine", "runtime", "capi"];

/// Variables of the outer build that would change what the nested one makes.
const OUTER: [&str; 9] = [
    "CARGO_ENCODED_RUSTFLAGS",
    "RUSTFLAGS",
    "RUSTC_WORKSPACE_WRAPPER",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_TARGET_DIR",
    "CARGO_BUILD_BUILD_DIR",
    "LD_PRELOAD",
];

fn main() {
    let here = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let out = PathBuf::from(variable("OUT_DIR"));
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=HEAPWRIGHT_PREBUILT_LIBRARY");

    let (library_root, demo_root) = source_roots(&here, &out);
    list_of_counters(&library_root.join("crates/base/src/counters.rs"), &out.join("counters.rs"));
    let library = match env::var_os("HEAPWRIGHT_PREBUILT_LIBRARY") {
        Some(path) => prebuilt(Path::new(&path)),
        None => nested(&library_root, &out, "heapwright-shared", "libheapwright.so"),
    };
    embed("LIBRARY", &library, &out.join("libheapwright.so"));
    let demo = nested(&demo_root, &out, "heapwright-demo", "heapwright-demo");
    embed("DEMO", &demo, &out.join("heapwright-demo"));
    println!("cargo::rustc-env=HEAPWRIGHT_BUILD_TARGET={}", variable("TARGET"));
}

/// Takes the list of counters from the library's source, so that the two always agree on it.
///
/// Not by a dependency: the command can then be packaged, published and installed without the crates whose
/// sources it carries.
fn list_of_counters(source: &Path, place: &Path) {
    let text = read(source);
    let list = text.split_once("\ncounters! {").and_then(|(_, rest)| rest.split_once("\n}"));
    let (list, _) = list.unwrap_or_else(|| panic!("{} has no list of counters", source.display()));
    write(place, &format!("counters! {{{list}\n}}\n"));
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("cargo does not set {name}"))
}

fn prebuilt(path: &Path) -> PathBuf {
    assert!(path.is_absolute(), "HEAPWRIGHT_PREBUILT_LIBRARY={} is not an absolute path", path.display());
    println!("cargo::rerun-if-changed={}", path.display());
    path.to_path_buf()
}

/// Copies `built` to where the source includes it, and tells the source its hash.
fn embed(what: &str, built: &Path, place: &Path) {
    let bytes =
        fs::read(built).unwrap_or_else(|error| panic!("{} cannot be embedded: {error}", built.display()));
    // Without debug information of a test build the bytes are the same: write only what differs, so that
    // the command is not compiled again for nothing.
    if fs::read(place).ok().as_deref() != Some(&bytes[..]) {
        fs::write(place, &bytes).unwrap_or_else(|error| panic!("{}: {error}", place.display()));
    }
    let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    println!("cargo::rustc-env=HEAPWRIGHT_{what}_PATH={}", place.display());
    println!("cargo::rustc-env=HEAPWRIGHT_{what}_SHA256={hash}");
}

/// The workspaces of the library and of the demo program.
fn source_roots(here: &Path, out: &Path) -> (PathBuf, PathBuf) {
    let root = here.join("../..");
    if here.join("../capi/shared/Cargo.toml").exists() && root.join("Cargo.toml").exists() {
        for name in CRATES {
            println!("cargo::rerun-if-changed={}", here.join("..").join(name).display());
        }
        for path in [root.join("Cargo.toml"), here.join("demo/src"), here.join("demo/Cargo.toml")] {
            println!("cargo::rerun-if-changed={}", path.display());
        }
        return (root, here.join("demo"));
    }
    println!("cargo::rerun-if-changed=sources");
    (packaged(here, &out.join("library")), packaged_demo(here, &out.join("demo")))
}

/// Lays the packaged sources out as the workspace they were.
fn packaged(here: &Path, root: &Path) -> PathBuf {
    let sources = here.join("sources");
    let _ = fs::remove_dir_all(root);
    for name in CRATES {
        lay_out(&sources.join(name), &root.join("crates").join(name));
    }
    lay_out(&sources.join("shared"), &root.join("crates/capi/shared"));

    let manifest = read(&sources.join("workspace.toml"));
    let (before, rest) = manifest.split_once("members = [").expect("the workspace lists its members");
    let (_, after) = rest.split_once(']').expect("the list of members ends");
    // Of the members that a checkout builds by default most are not here.
    let after = match after.split_once("default-members = [") {
        Some((between, rest)) => {
            let (_, after) = rest.split_once(']').expect("the list of default members ends");
            format!("{between}{after}")
        }
        None => after.to_owned(),
    };
    let members: Vec<String> = CRATES.iter().map(|name| format!("\"crates/{name}\"")).collect();
    let manifest = format!("{before}members = [{}, \"crates/capi/shared\"]{after}", members.join(", "));
    write(&root.join("Cargo.toml"), &manifest);
    // The versions that the command itself was resolved with.
    if let Ok(lock) = fs::read(here.join("Cargo.lock")) {
        let _ = fs::write(root.join("Cargo.lock"), lock);
    }
    root.to_path_buf()
}

fn packaged_demo(here: &Path, root: &Path) -> PathBuf {
    let _ = fs::remove_dir_all(root);
    lay_out(&here.join("sources/demo"), root);
    root.to_path_buf()
}

/// Copies a crate from `sources/`, its manifest (which cargo would leave out of a package) under its name.
fn lay_out(from: &Path, to: &Path) {
    copy_tree(from, to);
    let manifest = library_only(&read(&to.join("manifest.toml")));
    write(&to.join("Cargo.toml"), &manifest);
}

/// The manifest without the tables that tests, benchmarks and the model checker need: their crates and files are
/// not carried.
fn library_only(manifest: &str) -> String {
    let mut keep = true;
    let mut text = String::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            keep = !line.contains("dev-dependencies")
                && !line.contains("cfg(loom)")
                && !["[[test", "[[bench", "[[example"].iter().any(|table| line.starts_with(table));
        }
        if keep {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap_or_else(|error| panic!("{}: {error}", to.display()));
    for entry in fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display())) {
        let entry = entry.expect("a folder can be read to its end");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap_or_else(|error| panic!("{}: {error}", target.display()));
        }
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// Builds `package` of the workspace at `root` and returns its `artifact`.
fn nested(root: &Path, out: &Path, package: &str, artifact: &str) -> PathBuf {
    let target_dir = out.join("nested").join(package);
    // What the outer build needed is on this machine already; the network is asked only for what is not.
    if !cargo(root, &target_dir, package, true) && !cargo(root, &target_dir, package, false) {
        panic!(
            "{package} cannot be built by the nested cargo (its messages are above); set \
             HEAPWRIGHT_PREBUILT_LIBRARY=/path/libheapwright.so to embed a library that is built already"
        );
    }
    let mut folder = target_dir;
    if variable("TARGET") != variable("HOST") {
        folder = folder.join(variable("TARGET"));
    }
    folder.join("release").join(artifact)
}

fn cargo(root: &Path, target_dir: &Path, package: &str, offline: bool) -> bool {
    let target = variable("TARGET");
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .args(["build", "--release", "--package", package, "--manifest-path"])
        .arg(root.join("Cargo.toml"));
    command.arg("--target-dir").arg(target_dir).current_dir(root);
    if offline {
        command.arg("--offline");
    }
    if target != variable("HOST") {
        command.args(["--target", &target]);
    }
    for name in OUTER {
        command.env_remove(name);
    }
    let profiles = env::vars_os().map(|(name, _)| name);
    for name in profiles.filter(|name| name.to_string_lossy().starts_with("CARGO_PROFILE_")) {
        command.env_remove(name);
    }
    command.env("CARGO_PROFILE_RELEASE_STRIP", "debuginfo");
    if variable("CARGO_CFG_TARGET_ENV") == "musl" {
        // A static musl target makes neither a shared library nor a program that loads one.
        command.env("RUSTFLAGS", "-C target-feature=-crt-static");
    }
    if offline {
        // A failure is repeated with the network allowed, where its messages are worth reading.
        command.arg("--quiet").stderr(std::process::Stdio::null());
    }
    command.stdout(std::process::Stdio::null()).status().is_ok_and(|status| status.success())
}
