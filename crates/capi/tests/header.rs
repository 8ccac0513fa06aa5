//! `include/heapwright.h` is what cbindgen makes of the source, and any C or C++ compiler takes it.
//!
//! The generator is the package `crates/capi/header`, outside the workspace: it pins its cbindgen, whose own
//! dependencies would switch features on for the library. `HEAPWRIGHT_BLESS=1` writes the header instead of
//! comparing it.

mod common;

use std::path::Path;
use std::process::Command;
use std::{env, fs};

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn generated() -> String {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("header");
    let output = common::output(
        Command::new(env!("CARGO"))
            .args(["run", "--quiet", "--locked", "--manifest-path"])
            .arg(package.join("Cargo.toml"))
            .arg("--target-dir")
            .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("header"))
            .arg("--")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("shared")),
    );
    assert!(output.status.success(), "the generator failed:\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("the header is UTF-8")
}

#[test]
fn the_committed_header_is_up_to_date() {
    let path = root().join("include/heapwright.h");
    let text = generated();
    if env::var_os("HEAPWRIGHT_BLESS").is_some() {
        fs::write(&path, &text).expect("write the header");
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == text,
        "include/heapwright.h is not what src/native.rs says; run HEAPWRIGHT_BLESS=1 cargo test -p heapwright-capi --test header"
    );
}

#[test]
fn every_public_header_compiles_alone_in_c_and_cxx() {
    let strict = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"];
    for header in ["heapwright.h", "compat/memory_allocator.h", "compat/microheap.h"] {
        for (compiler, language, standard) in
            [("cc", "c", "c99"), ("cc", "c", "c17"), ("c++", "c++", "c++98"), ("c++", "c++", "c++20")]
        {
            // In C++98, <stdint.h> is C's and `long long` a (pedantic) extension of the system's own headers.
            let status = Command::new(compiler)
                .args(strict)
                .arg(format!("-std={standard}"))
                .args(["-x", language])
                .arg(root().join("include").join(header))
                .status()
                .unwrap_or_else(|error| {
                    panic!("cannot run `{compiler}`: {error}; install a C and C++ compiler")
                });
            assert!(status.success(), "{header} as {standard}");
        }
    }
}
