//! The kinds of test, each with a command of its own: `cargo xtask test KIND`.

use crate::board::Gate;
use crate::shell::{self, built_library, cargo, library, need};

/// A kind of test and what it runs.
pub struct Kind {
    pub name: &'static str,
    pub about: &'static str,
    steps: &'static [Step],
}

/// One thing to run.
enum Step {
    /// The release build of the shared library.
    Library,
    /// Tests of these packages or targets, as `cargo test` is told; those whose name contains the filter.
    Tests { what: &'static [&'static str], named: Option<&'static str> },
    /// The examples in the documentation.
    Docs,
    /// `tests/stress/run KIND LIB SECONDS`.
    Stress(&'static str, &'static str),
    /// `tests/preload/run HOW LIB`.
    Preload(&'static str),
}

/// The shared library has a panic handler and no unwinder: it is built by itself, and tested from outside.
const UNIT: &[&str] = &["--workspace", "--exclude", "heapwright-shared", "--exclude", "heapwright-capi"];

pub const KINDS: &[Kind] = &[
    Kind {
        name: "basic",
        about: "unit and property tests of every floor, and the examples in the documentation",
        steps: &[Step::Library, Step::Tests { what: UNIT, named: None }, Step::Docs],
    },
    Kind {
        name: "mmap",
        about: "the page protocol on the real system and on the fake; huge blocks",
        steps: &[
            Step::Tests { what: &["-p", "heapwright-os", "-p", "heapwright-testkit"], named: None },
            Step::Tests {
                what: &["-p", "heapwright-span", "--test", "rules", "--test", "model"],
                named: None,
            },
        ],
    },
    Kind {
        name: "faults",
        about: "a refusal at every point where the system can refuse",
        steps: &[
            Step::Tests {
                what: &["-p", "heapwright-span", "-p", "heapwright-engine", "--test", "faults"],
                named: None,
            },
            Step::Tests { what: &["-p", "heapwright-testkit"], named: Some("fault") },
        ],
    },
    Kind {
        name: "c",
        about: "C programs compiled against the library, and its header",
        steps: &[Step::Library, Step::Tests { what: &["-p", "heapwright-capi"], named: None }],
    },
    Kind {
        name: "stress",
        about: "64 threads, blocks that change hands, checked contents",
        steps: &[Step::Library, Step::Stress("stress", "10")],
    },
    Kind {
        name: "threads",
        about: "threads born and ended, their blocks freed by others",
        steps: &[Step::Library, Step::Stress("threads", "10")],
    },
    Kind {
        name: "fork",
        about: "forks, with and without the handlers, of a threaded program",
        steps: &[Step::Library, Step::Stress("fork", "10"), Step::Stress("rawfork", "10")],
    },
    Kind {
        name: "preload",
        about: "real programs under the library: the same output and exit status as without",
        steps: &[Step::Library, Step::Preload("--quick")],
    },
];

/// The steps of one kind, until one fails.
pub fn run(name: &str) -> Result<(), String> {
    let kind = KINDS.iter().find(|kind| kind.name == name).ok_or("no such kind of test")?;
    kind.steps.iter().try_for_each(step)
}

fn step(step: &Step) -> Result<(), String> {
    match step {
        Step::Library => shell::run(cargo(&["build", "--release", "-p", "heapwright-shared"])),
        Step::Tests { what, named } => tests(what, *named),
        Step::Docs => {
            let mut docs = cargo(&["test", "--doc"]);
            docs.args(UNIT);
            shell::cargo_test(docs)
        }
        Step::Stress(kind, seconds) => {
            need("cc", "apt-get install gcc")?;
            let library = built_library()?;
            shell::script("tests/stress/run", &[kind.as_ref(), library.as_os_str(), seconds.as_ref()])
        }
        Step::Preload(how) => {
            need("python3", "apt-get install python3")?;
            shell::script("tests/preload/run", &[how.as_ref(), built_library()?.as_os_str()])
        }
    }
}

/// Runs tests with nextest where it is installed, which tries each in a process of its own; else with cargo.
pub fn tests(what: &[&str], named: Option<&str>) -> Result<(), String> {
    let nextest = shell::has_cargo("nextest");
    let release = library();
    let mut cargo = if nextest {
        cargo(&["nextest", "run", "--no-fail-fast", "--cargo-quiet"])
    } else {
        cargo(&["test", "--no-fail-fast", "--tests"])
    };
    cargo.args(what).args(named);
    // Tests from outside take the library that a step before built, rather than build their own.
    if let (true, Some(folder)) = (release.exists(), release.parent()) {
        cargo.env("HEAPWRIGHT_LIB_DIR", folder);
    }
    // Nextest fails by itself when it finds no test.
    if nextest { shell::run(cargo) } else { shell::cargo_test(cargo) }
}

/// The gates of kinds that are gates as they are.
macro_rules! gates {
    ($($constant:ident $name:literal $about:literal,)*) => {
        $(pub const $constant: Gate = Gate { name: $name, about: $about, test: true, run: || run($name) };)*
    };
}

gates! {
    BASIC "basic" "unit and property tests, documentation examples",
    C "c" "C programs compiled against the library",
    STRESS "stress" "64 threads with checked contents",
    THREADS "threads" "threads born and ended",
    FORK "fork" "forks of a threaded program",
    PRELOAD "preload" "real programs under the library",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_promised_kind_exists() {
        for name in ["basic", "mmap", "stress", "threads", "fork", "faults", "preload", "c"] {
            assert!(KINDS.iter().any(|kind| kind.name == name), "{name}");
        }
    }
}
