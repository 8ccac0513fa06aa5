//! Peers that Debian packages.

use super::run;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A library that some package brings.
pub struct Wanted {
    /// Who it must prove to be.
    pub family: &'static str,
    /// What the package's name begins with.
    prefix: &'static str,
    /// What it ends with; between the two may be a number, and the highest is taken.
    suffix: &'static str,
    /// What the library's path ends with; `{arch}` stands for the processor's name.
    file: &'static str,
}

/// gperftools' tcmalloc without its profilers: what the project advises for use as an allocator only.
pub const GPERFTOOLS: Wanted = Wanted {
    family: "gperftools",
    prefix: "libtcmalloc-minimal4",
    suffix: "",
    file: "/libtcmalloc_minimal.so.4",
};

/// Scudo, the standalone allocator of LLVM's compiler-rt.
pub const SCUDO: Wanted = Wanted {
    family: "scudo",
    prefix: "libclang-rt-",
    suffix: "-dev",
    file: "/libclang_rt.scudo_standalone-{arch}.so",
};

/// A library that was found.
pub struct Found {
    /// The file.
    pub library: PathBuf,
    /// The package.
    pub package: String,
    /// The package's version.
    pub version: String,
}

/// Finds the library, and installs its package first if that is allowed.
pub fn library(wanted: &Wanted, folder: &Path, say: &dyn Fn(&str)) -> Result<Found, String> {
    let names = run::run(Command::new("apt-cache").args(["pkgnames", wanted.prefix]), None)
        .map_err(|error| format!("{error} (this peer is taken from Debian's packages)"))?;
    let package = newest(wanted, &names).ok_or_else(|| {
        format!("apt knows no package {}*{}; try `apt-get update`", wanted.prefix, wanted.suffix)
    })?;
    if installed(&package).is_none() {
        install(&package, folder, say)?;
    }
    let version = installed(&package).ok_or_else(|| format!("{package} is not installed"))?;
    let files = run::run(Command::new("dpkg-query").args(["-L", &package]), None)?;
    let ending = wanted.file.replace("{arch}", std::env::consts::ARCH);
    let library = files.lines().find(|line| line.ends_with(&ending));
    let library = library.ok_or_else(|| format!("{package} {version} holds no file *{ending}"))?;
    Ok(Found { library: PathBuf::from(library), package, version })
}

/// The package with the highest number among names.
fn newest(wanted: &Wanted, names: &str) -> Option<String> {
    let number = |name: &str| {
        let number = name.strip_prefix(wanted.prefix)?.strip_suffix(wanted.suffix)?;
        if number.is_empty() { Some(0) } else { number.parse::<u32>().ok() }
    };
    let found = names.lines().filter_map(|name| Some((number(name)?, name))).max();
    found.map(|(_, name)| name.to_owned())
}

/// The version of a package that is installed.
fn installed(package: &str) -> Option<String> {
    let format = "${db:Status-Status} ${Version}";
    let said = run::run(Command::new("dpkg-query").args(["-W", "-f", format, package]), None).ok()?;
    said.strip_prefix("installed ").map(str::to_owned)
}

/// Installs a package, which only the superuser may.
fn install(package: &str, folder: &Path, say: &dyn Fn(&str)) -> Result<(), String> {
    let arguments = ["install", "-y", "--no-install-recommends", package];
    if fs::metadata("/proc/self").map(|data| data.uid()).unwrap_or(u32::MAX) != 0 {
        return Err(format!("{package} is not installed; run `sudo apt-get {}`", arguments.join(" ")));
    }
    say(&format!("installing {package}"));
    run::create(folder)?;
    let log = folder.join("log");
    let apt = || {
        let mut command = run::clean("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    if run::run(apt().args(arguments), Some(&log)).is_ok() {
        return Ok(());
    }
    // A list of packages that is old names files that the archive no longer has.
    run::run(apt().arg("update"), Some(&log))?;
    run::run(apt().args(arguments), Some(&log)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_number_is_taken() {
        let names = "libclang-rt-14-dev\nlibclang-rt-9-dev\nlibclang-rt-22-dev-wasm32\nlibclang-rt-dev\n\
                     libclang-rt-22-dev\nlibclang-rt-19-dev\n";
        assert_eq!(newest(&SCUDO, names).as_deref(), Some("libclang-rt-22-dev"));
        assert_eq!(newest(&SCUDO, "libclang-rt-dev-wasm64\n"), None);
        let names = "libtcmalloc-minimal4-dbg\nlibtcmalloc-minimal4\n";
        assert_eq!(newest(&GPERFTOOLS, names).as_deref(), Some("libtcmalloc-minimal4"));
    }
}
