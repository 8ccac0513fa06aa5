//! Prints `include/heapwright.h`, made by cbindgen from the source of the native API.
//!
//! A package outside the workspace, for two reasons: cbindgen depends on crates that the library uses too, and
//! features are unified across a workspace, so that the `no_std` library would be built with `std`; and the
//! version of the generator is pinned here, whatever is installed.
//!
//! Usage: `heapwright-header FOLDER`, the folder of the package `heapwright-shared`.

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(package) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("heapwright-header: which package? Give the folder of heapwright-shared");
        return ExitCode::FAILURE;
    };
    match header(&package) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("heapwright-header: {error}; see cbindgen.toml and src/native.rs of the package");
            ExitCode::FAILURE
        }
    }
}

fn header(package: &std::path::Path) -> Result<String, String> {
    let config = cbindgen::Config::from_file(package.join("cbindgen.toml"))?;
    let bindings = cbindgen::Builder::new()
        .with_src(package.join("src/native.rs"))
        .with_config(config)
        .generate()
        .map_err(|error| error.to_string())?;
    let mut text = Vec::new();
    bindings.write(&mut text);
    String::from_utf8(text).map_err(|error| error.to_string())
}
