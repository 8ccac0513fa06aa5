//! Who serves a process, as the process itself says.

use super::run;
use crate::children::sealed;
use std::path::Path;
use std::process::Command;

/// What `heapwright-load identify` says: `FAMILY VERSION PATH build-id ID`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The allocator.
    pub family: String,
    /// Its version, `-` where the library does not say one.
    pub version: String,
    /// The file.
    pub path: String,
    /// Its build id, `-` where it has none.
    pub build_id: String,
}

/// Runs the program of the workloads under a library, in the environment that it is measured in, and returns its line.
///
/// A library that is not there only makes the loader complain, and the C library serves: any complaint is an error.
pub fn ask(load: &Path, library: Option<&Path>, environment: &[(String, String)]) -> Result<String, String> {
    let mut command = Command::new(load);
    sealed(&mut command);
    command.arg("identify");
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    if let Some(library) = library {
        command.env("LD_PRELOAD", library);
    }
    let said = run::run(&mut command, None);
    let under = library.map_or_else(String::new, |library| format!(" under {}", library.display()));
    let said = said.map_err(|error| format!("the process{under} cannot say who serves it: {error}"))?;
    Ok(said.trim().to_owned())
}

impl Identity {
    /// Reads the line.
    pub fn parse(line: &str) -> Result<Self, String> {
        let fail = || format!("the process says `{line}` instead of FAMILY VERSION PATH build-id ID");
        if line.starts_with("mixed:") {
            return Err(format!("the calls of the family go to several libraries ({line})"));
        }
        let (rest, build_id) = line.rsplit_once(" build-id ").ok_or_else(fail)?;
        let mut words = rest.splitn(3, ' ').map(str::to_owned);
        match (words.next(), words.next(), words.next()) {
            (Some(family), Some(version), Some(path)) => {
                Ok(Self { family, version, path, build_id: build_id.to_owned() })
            }
            _ => Err(fail()),
        }
    }

    /// Whether it is who it should be.
    pub fn check(&self, family: &str, version: Option<&str>, library: Option<&Path>) -> Result<(), String> {
        if let Some(library) = library
            && Path::new(&self.path) != library
        {
            let (path, library) = (&self.path, library.display());
            return Err(format!("malloc comes from {path} in a process that preloads {library}"));
        }
        // Without one another file under the same path would say the same.
        if library.is_some() && self.build_id == "-" {
            return Err(format!("{} has no build id; link it with -Wl,--build-id=sha1", self.path));
        }
        if self.family != family {
            return Err(format!("{} is {} {}, not {family}", self.path, self.family, self.version));
        }
        match version {
            Some(version) if self.version != version => {
                Err(format!("{} is {family} {}, not {version}", self.path, self.version))
            }
            _ => Ok(()),
        }
    }
}
