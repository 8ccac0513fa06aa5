//! The workloads of our own: from `suite.toml` and `checksums.toml` to jobs.

use crate::job::{Candidate, Expect, Job};
use crate::peers::Peer;
use crate::results::{Group, title};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

/// Rounds of the full suite, and of the quick one.
const ROUNDS: [usize; 2] = [5, 2];
/// The same for rows that rest.
const RESTING: [usize; 2] = [3, 1];

/// The text of `suite.toml`.
#[derive(Deserialize)]
struct File {
    workload: Vec<Workload>,
}

/// A workload as the file has it; the file says what the fields are.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Workload {
    name: String,
    about: String,
    size: u64,
    quick: u64,
    threads: Vec<u32>,
    quick_threads: Vec<u32>,
    #[serde(default)]
    idle: u32,
    #[serde(default)]
    quick_idle: u32,
    #[serde(default = "yes")]
    timed: bool,
}

fn yes() -> bool {
    true
}

impl Workload {
    fn settings(&self, quick: bool) -> impl Iterator<Item = Setting<'_>> {
        let (size, idle, threads) = if quick {
            (self.quick, self.quick_idle, &self.quick_threads)
        } else {
            (self.size, self.idle, &self.threads)
        };
        threads.iter().map(move |threads| Setting { workload: self, threads: *threads, size, idle })
    }
}

/// The workloads and what they must compute.
pub struct Suite {
    workloads: Vec<Workload>,
    checksums: BTreeMap<String, String>,
}

/// One row of the suite.
pub struct Setting<'a> {
    workload: &'a Workload,
    /// The number of threads.
    pub threads: u32,
    /// How much work.
    pub size: u64,
    idle: u32,
}

impl Setting<'_> {
    /// Its name in `checksums.toml`.
    pub fn key(&self) -> String {
        format!("{} x{} {}", self.workload.name, self.threads, self.size)
    }

    /// What the program of the workloads is told.
    pub fn arguments(&self) -> Vec<OsString> {
        let (threads, size, idle) = (self.threads.to_string(), self.size.to_string(), self.idle.to_string());
        let words = [self.workload.name.as_str(), "--threads", &threads, "--size", &size, "--idle", &idle];
        words.into_iter().map(OsString::from).collect()
    }

    /// Its name in the tables.
    pub fn title(&self) -> String {
        title(&self.workload.name, Some(self.threads))
    }
}

impl Suite {
    /// Reads the two files in `folder`.
    ///
    /// # Errors
    /// A file that cannot be read or understood; a missing file of checksums is an empty one.
    pub fn read(folder: &Path) -> Result<Suite, String> {
        let path = folder.join("suite.toml");
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let checksums = std::fs::read_to_string(folder.join("checksums.toml")).unwrap_or_default();
        Suite::parse(&text, &checksums)
    }

    fn parse(suite: &str, checksums: &str) -> Result<Suite, String> {
        let file: File = toml::from_str(suite).map_err(|error| format!("suite.toml: {error}"))?;
        let checksums = toml::from_str(checksums).map_err(|error| format!("checksums.toml: {error}"))?;
        Ok(Suite { workloads: file.workload, checksums })
    }

    /// The rows of the full or the quick suite.
    pub fn settings(&self, quick: bool) -> Vec<Setting<'_>> {
        self.workloads.iter().flat_map(|workload| workload.settings(quick)).collect()
    }

    /// The jobs: each row with a candidate for each peer.
    ///
    /// # Errors
    /// A row whose checksum is not known: what it computes could not be judged.
    pub fn jobs(&self, load: &Path, peers: &[Peer], quick: bool) -> Result<Vec<Job>, String> {
        self.settings(quick).iter().map(|setting| self.job(setting, load, peers, quick)).collect()
    }

    fn job(&self, setting: &Setting<'_>, load: &Path, peers: &[Peer], quick: bool) -> Result<Job, String> {
        let checksum = self.checksums.get(&setting.key()).ok_or_else(|| {
            format!(
                "checksums.toml has no checksum of `{}`; `heapwright-bench bless` finds it",
                setting.key()
            )
        })?;
        let candidate = |peer: &Peer| Candidate {
            allocator: peer.allocator.name.clone(),
            program: load.to_path_buf(),
            arguments: setting.arguments(),
            environment: environment(peer),
            folder: None,
            expect: Expect::Report { checksum: Some(checksum.clone()), serving: peer.serving.clone() },
            refused: None,
        };
        Ok(Job {
            group: Group::Own,
            workload: setting.workload.name.clone(),
            threads: Some(setting.threads),
            about: setting.workload.about.clone(),
            timed: setting.workload.timed && setting.idle == 0,
            idle: setting.idle,
            rounds: if setting.idle > 0 { RESTING } else { ROUNDS }[usize::from(quick)],
            candidates: peers.iter().map(candidate).collect(),
        })
    }
}

/// The variables that put a peer under a program.
pub fn environment(peer: &Peer) -> Vec<(String, OsString)> {
    let own = peer.allocator.environment.iter().map(|(name, value)| (name.clone(), OsString::from(value)));
    let library = peer.library.iter().map(|path| ("LD_PRELOAD".to_owned(), path.clone().into_os_string()));
    library.chain(own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[[workload]]\nname = 'a'\nabout = 'b'\nsize = 10\nquick = 2\nthreads = [1, 8]\n\
                        quick-threads = [8]\n";

    #[test]
    fn a_row_for_each_number_of_threads() {
        let suite = Suite::parse(TEXT, "").unwrap();
        let keys = |quick| suite.settings(quick).iter().map(Setting::key).collect::<Vec<_>>();
        assert_eq!(keys(false), ["a x1 10", "a x8 10"]);
        assert_eq!(keys(true), ["a x8 2"]);
    }

    #[test]
    fn a_row_without_a_checksum_is_refused() {
        let suite = Suite::parse(TEXT, "\"a x8 2\" = \"00ff\"").unwrap();
        assert!(suite.jobs(Path::new("load"), &[], true).is_ok());
        let text = suite.jobs(Path::new("load"), &[], false).unwrap_err();
        assert!(text.contains("a x1 10") && text.contains("bless"), "{text}");
    }

    #[test]
    fn a_misspelt_field_is_refused() {
        let text = TEXT.replace("size", "sise");
        assert!(Suite::parse(&text, "").is_err_and(|error| error.contains("sise")));
    }

    /// The committed files belong together.
    #[test]
    fn every_row_of_the_suite_has_its_checksum() {
        let suite = Suite::read(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
        for quick in [false, true] {
            let jobs = suite.jobs(Path::new("load"), &[], quick).unwrap();
            assert!(jobs.len() >= 20);
        }
    }
}
