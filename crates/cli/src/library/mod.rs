//! Which library goes in front of a program: one that the user names, or the one the command carries.

mod folders;
mod unpack;

use crate::elf;
use crate::failure::Failure;
use std::env;
use std::fs::File;
use std::path::{Path, PathBuf};

pub use folders::private;
pub use unpack::{can_stand_in_a_list, sha256};

static LIBRARY: unpack::Carried = unpack::Carried {
    name: "libheapwright.so",
    bytes: include_bytes!(env!("HEAPWRIGHT_LIBRARY_PATH")),
    hash: env!("HEAPWRIGHT_LIBRARY_SHA256"),
};

static DEMO: unpack::Carried = unpack::Carried {
    name: "heapwright-demo",
    bytes: include_bytes!(env!("HEAPWRIGHT_DEMO_PATH")),
    hash: env!("HEAPWRIGHT_DEMO_SHA256"),
};

/// The target the carried library was built for.
pub const BUILD_TARGET: &str = env!("HEAPWRIGHT_BUILD_TARGET");

/// A library, ready to be loaded.
pub struct Library {
    /// Where it lies; absolute, and fit for `LD_PRELOAD`.
    pub path: PathBuf,
    /// Who chose it.
    pub origin: Origin,
}

/// Who chose the library.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// `--library`.
    Option,
    /// `HEAPWRIGHT_LIBRARY`.
    Environment,
    /// Nobody: it is the carried one.
    Carried,
}

impl Origin {
    /// For people and machines.
    pub fn name(self) -> &'static str {
        match self {
            Origin::Option => "--library",
            Origin::Environment => "HEAPWRIGHT_LIBRARY",
            Origin::Carried => "carried by the command",
        }
    }
}

/// The library to use, unpacked if it has to be.
pub fn choose(given: Option<&Path>) -> Result<Library, Failure> {
    if let Some(path) = given {
        return named(path, Origin::Option);
    }
    match env::var_os("HEAPWRIGHT_LIBRARY").filter(|value| !value.is_empty()) {
        Some(path) => named(Path::new(&path), Origin::Environment),
        None => Ok(Library { path: unpack::unpack(&LIBRARY)?, origin: Origin::Carried }),
    }
}

/// The carried demo program, unpacked.
pub fn demo_program() -> Result<PathBuf, Failure> {
    unpack::unpack(&DEMO)
}

/// A library the user names: it must be one, and the dynamic loader must be able to read its name in a list.
fn named(path: &Path, origin: Origin) -> Result<Library, Failure> {
    let remedy = format!(
        "name a libheapwright.so with {}",
        if origin == Origin::Option { "--library" } else { "HEAPWRIGHT_LIBRARY" }
    );
    let shown = path.display();
    let full = path
        .canonicalize()
        .map_err(|error| Failure::tool(format!("{shown} cannot be used as library: {error}"), &remedy))?;
    let facts = File::open(&full).map_err(|error| error.to_string()).and_then(|file| elf::read(&file));
    match facts {
        Ok(Some(facts)) if facts.is_shared_library() => {}
        Ok(Some(_)) => {
            return Err(Failure::tool(format!("{shown} is a program, not a shared library"), remedy));
        }
        Ok(None) => return Err(Failure::tool(format!("{shown} is not a shared library"), remedy)),
        Err(error) => {
            return Err(Failure::tool(
                format!("{shown} cannot be read as a shared library: {error}"),
                remedy,
            ));
        }
    }
    if !can_stand_in_a_list(&full) {
        return Err(Failure::tool(
            format!(
                "the dynamic loader cannot take {}: its list of libraries has spaces, colons and dollars for itself",
                full.display()
            ),
            "move the library to a path without them",
        ));
    }
    Ok(Library { path: full, origin })
}
