//! How a peer's library is made: the `peer.toml` of its folder.

use super::run;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder under `crates/bench/peers`, read.
#[derive(Debug)]
pub struct Recipe {
    /// The peer's name: its folder's.
    pub name: String,
    /// The folder.
    pub folder: PathBuf,
    /// Who the library must prove to be.
    pub family: String,
    /// The package whose sources make the allocator.
    pub package: String,
    /// That package's version, as the lock file pins it.
    pub package_version: String,
    /// Where its sources lie.
    pub sources: PathBuf,
    /// What is done with them.
    pub way: Way,
    /// What `peer.toml` says of the version.
    stated: Option<String>,
}

/// The file `peer.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    /// See [`Recipe::family`].
    family: String,
    /// The allocator's version, where it is not the package's.
    version: Option<String>,
    /// See [`Recipe::package`].
    package: String,
    /// See [`Way::Compile`].
    compile: Option<Compile>,
    /// See [`Way::Configure`].
    configure: Option<Configure>,
}

/// What makes a library of the sources.
#[derive(Debug)]
pub enum Way {
    /// The compiler, on named files.
    Compile(Compile),
    /// The project's own `configure` and `make`.
    Configure(Configure),
    /// Cargo: the folder's package is the library.
    Cargo,
}

/// Compiles named files and links them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compile {
    /// Files, relative to the package's sources; those that do not end in `.c` are C++.
    pub files: Vec<String>,
    /// Groups of C++ files, relative to the package's sources: each group is compiled as one file.
    #[serde(default)]
    pub together: Vec<Vec<String>>,
    /// Folders of headers, relative to the package's sources.
    #[serde(default)]
    pub include: Vec<String>,
    /// Flags for every file.
    pub flags: Vec<String>,
    /// Flags for every file, on x86-64 only.
    #[serde(default)]
    pub x86_64_flags: Vec<String>,
    /// Flags for C++ only.
    #[serde(default)]
    pub cxx_flags: Vec<String>,
    /// Flags for C only.
    #[serde(default)]
    pub c_flags: Vec<String>,
    /// Flags for the linker's command.
    #[serde(default)]
    pub link: Vec<String>,
    /// Whether a mark is added that says family and version, because the library has no function that does.
    #[serde(default)]
    pub mark: bool,
}

/// Runs `configure` and `make` on a copy of the sources.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configure {
    /// The project's folder in the package's sources.
    pub folder: String,
    /// The script, in the package's sources.
    pub script: String,
    /// Its arguments; `{build}` stands for what follows `+` in the package's version.
    pub arguments: Vec<String>,
    /// The target to make.
    pub target: String,
    /// The library that is made, in the project's folder.
    pub library: String,
}

/// The part that is read of what `cargo metadata` prints.
#[derive(Deserialize)]
struct Metadata {
    /// All packages.
    packages: Vec<Package>,
}

/// One package.
#[derive(Deserialize)]
struct Package {
    /// Its name.
    name: String,
    /// Its version.
    version: String,
    /// Its manifest.
    manifest_path: PathBuf,
}

impl Recipe {
    /// Reads a peer's folder and finds the sources that its lock file pins, downloading them if need be.
    pub fn read(folder: &Path, name: &str) -> Result<Self, String> {
        let file = folder.join("peer.toml");
        let document: Document =
            toml::from_str(&run::read(&file)?).map_err(|error| one_line(&file, &error.to_string()))?;
        let manifest = folder.join("Cargo.toml");
        let mut command = run::clean("cargo");
        command.args(["metadata", "--locked", "--format-version", "1", "--filter-platform", &platform()?]);
        let text = run::run(command.arg("--manifest-path").arg(&manifest), None)?;
        let metadata: Metadata =
            serde_json::from_str(&text).map_err(|error| one_line(&manifest, &error.to_string()))?;
        let package = metadata.packages.into_iter().find(|package| package.name == document.package);
        let package =
            package.ok_or_else(|| one_line(&manifest, &format!("no package {}", document.package)))?;
        let way = match (document.compile, document.configure) {
            (Some(compile), None) => Way::Compile(compile),
            (None, Some(configure)) => Way::Configure(configure),
            (None, None) => Way::Cargo,
            (Some(_), Some(_)) => return Err(one_line(&file, "either [compile] or [configure], not both")),
        };
        let sources = package.manifest_path.parent().map(Path::to_owned).unwrap_or_default();
        Ok(Self {
            name: name.to_owned(),
            folder: folder.to_owned(),
            family: document.family,
            package: document.package,
            package_version: package.version,
            sources,
            way,
            stated: document.version,
        })
    }

    /// The allocator's version: as stated, else the package's without what follows `+`.
    pub fn version(&self) -> String {
        let own = || self.package_version.split('+').next().unwrap_or_default().to_owned();
        self.stated.clone().unwrap_or_else(own)
    }

    /// What follows `+` in the package's version.
    pub fn build(&self) -> &str {
        self.package_version.split_once('+').map_or("", |(_, build)| build)
    }
}

/// The platform's name, as `rustc -vV` says it.
fn platform() -> Result<String, String> {
    let text = run::run(Command::new("rustc").arg("-vV"), None)?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc -vV names no host".to_owned())
}

/// An error in a file, on one line.
fn one_line(file: &Path, error: &str) -> String {
    let words: Vec<&str> = error.split_whitespace().collect();
    format!("{}: {}", file.display(), words.join(" "))
}
