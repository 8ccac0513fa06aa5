//! How the shared library is linked, and the name under which programs linked with it find it.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

const SONAME: &str = "libheapwright.so.0";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for argument in [
        // The ABI policy (docs/abi.md): the number changes when a symbol goes or changes its meaning.
        "-Wl,-soname,libheapwright.so.0",
        // Initial-exec thread-local storage cannot be given back, and blocks outlive any handle: never unload.
        "-Wl,-z,nodelete",
        // Resolve at load: a lazy resolution inside malloc would run the loader at an arbitrary moment.
        "-Wl,-z,now",
        // Every function we call exists, or the link fails; without this the program would fail at its start.
        "-Wl,-z,defs",
    ] {
        println!("cargo::rustc-cdylib-link-arg={argument}");
    }
    if let Err(error) = link_soname() {
        println!(
            "cargo::warning=no {SONAME} beside the library ({error}); programs linked with -lheapwright need it"
        );
    }
}

/// Puts `libheapwright.so.0` beside `libheapwright.so`. The loader looks for the soname, cargo makes only the
/// plain name; a link, so that it is right before the library exists and after each rebuild.
fn link_soname() -> io::Result<()> {
    let folder = output_folder().ok_or_else(|| io::Error::other("OUT_DIR is not below a target folder"))?;
    let link = folder.join(SONAME);
    if fs::read_link(&link).is_ok_and(|to| to == Path::new("libheapwright.so")) {
        return Ok(());
    }
    match fs::remove_file(&link) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    std::os::unix::fs::symlink("libheapwright.so", link)
}

/// The folder that holds `build/`: where cargo puts what it makes for the user.
fn output_folder() -> Option<PathBuf> {
    let out = PathBuf::from(env::var_os("OUT_DIR")?);
    let build = out.ancestors().find(|folder| folder.file_name().is_some_and(|name| name == "build"))?;
    build.parent().map(Path::to_path_buf)
}
