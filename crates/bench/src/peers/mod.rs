//! The allocators that take part, as libraries to preload.
//!
//! Each peer of crates.io is a folder under `crates/bench/peers`: a package that pins the sources, and a `peer.toml`
//! that says how its own project makes the shared library of a release ([`recipe`], [`build`]). Debian's peers come
//! from their packages ([`debian`]). Nothing is taken on trust: a peer takes part only if a process that preloads its
//! library says that `malloc` comes from that file and who that is ([`identity`]).

mod build;
mod debian;
mod identity;
mod recipe;
pub mod run;
#[cfg(test)]
mod tests;

use crate::results::{Allocator, Missing};
use identity::Identity;
use recipe::Recipe;
use std::path::{Path, PathBuf};

/// An allocator, ready to serve.
#[derive(Clone, Debug)]
pub struct Peer {
    /// What is recorded of it.
    pub allocator: Allocator,
    /// The library to preload; nothing for the C library's own malloc.
    pub library: Option<PathBuf>,
    /// Who must serve a process that preloads it: what the report's `serving` says.
    pub serving: String,
}

/// A name in the tables and where its library comes from.
struct Entry {
    /// The name.
    name: &'static str,
    /// Where from.
    source: Source,
    /// Variables set for it.
    environment: &'static [(&'static str, &'static str)],
}

/// Where a library comes from.
enum Source {
    /// This tree.
    Tree,
    /// The C library of the system.
    System,
    /// A folder under `crates/bench/peers`.
    Folder(&'static str),
    /// A package of Debian.
    Debian(debian::Wanted),
}

/// For Google's TCMalloc: its caches per processor need rseq, which the C library would take. See its peer.toml.
pub const PER_CPU: &[(&str, &str)] = &[("GLIBC_TUNABLES", "glibc.pthread.rseq=0")];

/// Everyone, in the order of the tables.
const ENTRIES: &[Entry] = &[
    Entry { name: "heapwright", source: Source::Tree, environment: &[] },
    Entry { name: "glibc", source: Source::System, environment: &[] },
    Entry { name: "mimalloc3", source: Source::Folder("mimalloc3"), environment: &[] },
    // Option `allow_thp` of mimalloc's src/options.c: 0 turns huge pages off for the process, by prctl.
    Entry {
        name: "mimalloc3-nothp",
        source: Source::Folder("mimalloc3"),
        environment: &[("MIMALLOC_ALLOW_THP", "0")],
    },
    Entry { name: "mimalloc2", source: Source::Folder("mimalloc2"), environment: &[] },
    Entry { name: "jemalloc", source: Source::Folder("jemalloc"), environment: &[] },
    Entry { name: "snmalloc", source: Source::Folder("snmalloc"), environment: &[] },
    Entry { name: "rpmalloc", source: Source::Folder("rpmalloc"), environment: &[] },
    Entry { name: "rusty_alloc", source: Source::Folder("rusty_alloc"), environment: &[] },
    Entry { name: "tcmalloc-google", source: Source::Folder("tcmalloc-google"), environment: PER_CPU },
    Entry { name: "gperftools", source: Source::Debian(debian::GPERFTOOLS), environment: &[] },
    Entry { name: "scudo", source: Source::Debian(debian::SCUDO), environment: &[] },
    Entry { name: "hardened_malloc", source: Source::Folder("hardened_malloc"), environment: &[] },
];

/// Folders whose building alone would take most of the quick suite's time.
const SLOW: [&str; 1] = ["tcmalloc-google"];

/// A library that may become a peer, and what it must turn out to be.
struct Candidate {
    /// The file; nothing for the C library's own malloc.
    library: Option<PathBuf>,
    /// The family that the process must name.
    family: String,
    /// The version that the process must name, where it is known beforehand.
    version: Option<String>,
    /// Where it came from.
    origin: String,
    /// The version to record if the library does not say one.
    packaged: Option<String>,
}

/// Builds or finds every peer, Heapwright first. `load` is the program of the workloads, which identifies them.
///
/// What is built is kept under `folder` and built again only when its recipe, its tools or its file changed. With
/// `quick` a peer whose building takes minutes takes part only if it was built before.
pub fn gather(
    root: &Path,
    folder: &Path,
    load: &Path,
    quick: bool,
    say: &dyn Fn(&str),
) -> (Vec<Peer>, Vec<Missing>) {
    let (mut peers, mut missing) = (Vec::new(), Vec::new());
    for entry in ENTRIES {
        let peer = patience(entry, folder, quick)
            .and_then(|()| candidate(entry, root, folder, say))
            .and_then(|candidate| accept(entry, candidate, load));
        match peer {
            Ok(peer) => peers.push(peer),
            Err(reason) => {
                say(&format!("{} is missing: {reason}", entry.name));
                missing.push(Missing { name: entry.name.to_owned(), reason });
            }
        }
    }
    (peers, missing)
}

/// Whether there is time to build the entry, if it must be.
fn patience(entry: &Entry, folder: &Path, quick: bool) -> Result<(), String> {
    match &entry.source {
        Source::Folder(name) if quick && SLOW.contains(name) && !build::known(&folder.join(name)) => {
            Err("building it takes minutes; `cargo xtask bench peers` does, and --quick has it from then on"
                .to_owned())
        }
        _ => Ok(()),
    }
}

/// Builds or finds the library of an entry.
fn candidate(entry: &Entry, root: &Path, folder: &Path, say: &dyn Fn(&str)) -> Result<Candidate, String> {
    match &entry.source {
        Source::Tree => tree(root, folder, say),
        Source::System => Ok(Candidate {
            library: None,
            family: "glibc".to_owned(),
            version: None,
            origin: "the system's C library".to_owned(),
            packaged: None,
        }),
        Source::Folder(name) => {
            let recipe = Recipe::read(&root.join("crates/bench/peers").join(name), name)?;
            let library = build::library(&recipe, &folder.join(name), say)?;
            Ok(Candidate {
                library: Some(library),
                origin: format!("{} {}", recipe.package, recipe.package_version),
                version: Some(recipe.version()),
                family: recipe.family,
                packaged: None,
            })
        }
        Source::Debian(wanted) => {
            let found = debian::library(wanted, &folder.join(entry.name), say)?;
            Ok(Candidate {
                library: Some(found.library),
                family: wanted.family.to_owned(),
                version: None,
                origin: format!("Debian {} {}", found.package, found.version),
                packaged: Some(found.version),
            })
        }
    }
}

/// Heapwright itself, as its release build makes it; a copy, so that a later build does not change what is measured.
fn tree(root: &Path, folder: &Path, say: &dyn Fn(&str)) -> Result<Candidate, String> {
    say("building heapwright");
    let made = build::heapwright(root, &folder.join("heapwright"))?;
    Ok(Candidate {
        library: Some(made),
        family: "heapwright".to_owned(),
        version: None,
        origin: "this tree".to_owned(),
        packaged: None,
    })
}

/// Makes a peer of a library that proves in a process to be what it should be.
fn accept(entry: &Entry, candidate: Candidate, load: &Path) -> Result<Peer, String> {
    let environment: Vec<(String, String)> =
        entry.environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let library = match candidate.library {
        Some(library) => Some(run::canonical(&library)?),
        None => None,
    };
    let serving = identity::ask(load, library.as_deref(), &environment)?;
    let found = Identity::parse(&serving)?;
    found.check(&candidate.family, candidate.version.as_deref(), library.as_deref())?;
    let version = match candidate.packaged {
        Some(packaged) if found.version == "-" => packaged,
        _ => found.version,
    };
    let sha256 = match &library {
        Some(library) => Some(run::sha256_of(library)?),
        None => None,
    };
    let name = entry.name.to_owned();
    let allocator = Allocator { name, version, origin: candidate.origin, sha256, environment };
    Ok(Peer { allocator, library, serving })
}
