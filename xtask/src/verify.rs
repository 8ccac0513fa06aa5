//! The long gates: what takes minutes or hours and is run before a release, and weekly.

use crate::board::{self, Gate};
use crate::shell::{self, built_library, cargo, need};
use crate::{count, fuzz, mutate};

pub const GATES: &[Gate] = &[
    Gate { name: "many", about: "property tests with many more cases", test: false, run: many },
    Gate {
        name: "ignored",
        about: "tests too slow, or with too many rights, for every run",
        test: false,
        run: ignored,
    },
    Gate {
        name: "mutate",
        about: "each ordering weakened: a model test must fail",
        test: false,
        run: mutate::check,
    },
    Gate { name: "count", about: "instruction counts and the golden table", test: false, run: count::check },
    Gate {
        name: "prove",
        about: "a slowdown planted in refill fails the instruction counts",
        test: false,
        run: count::prove,
    },
    Gate { name: "peers", about: "instructions beside mimalloc's: at most 0.85", test: false, run: peers },
    Gate { name: "corpus", about: "real programs at full size", test: false, run: corpus },
    Gate { name: "soak", about: "everything at once for ten minutes", test: false, run: soak },
    Gate { name: "hours", about: "each fuzz target for an hour", test: false, run: fuzz::hours },
];

pub fn find(name: &str) -> Option<&'static Gate> {
    GATES.iter().find(|gate| gate.name == name)
}

/// `cargo xtask verify [--fail-fast] [GATE ...]`.
pub fn verify(words: &[&str]) -> Result<bool, String> {
    let (flags, names): (Vec<&str>, Vec<&str>) =
        words.iter().copied().partition(|word| word.starts_with('-'));
    if let Some(unknown) = flags.iter().find(|flag| **flag != "--fail-fast") {
        return Err(format!("no option `{unknown}`; `cargo xtask help` lists them"));
    }
    Ok(board::run(&board::pick(GATES, &names)?, !flags.is_empty()))
}

fn build() -> Result<(), String> {
    shell::run(cargo(&["build", "--release", "-p", "heapwright-shared"]))
}

fn many() -> Result<(), String> {
    let mut tests = cargo(&["test", "--release", "--no-fail-fast", "--workspace", "--tests"]);
    tests.args([
        "--exclude",
        "heapwright-shared",
        "--exclude",
        "heapwright-capi",
        "--exclude",
        "heapwright-cli",
    ]);
    tests.env("PROPTEST_CASES", "20000").env("CARGO_PROFILE_RELEASE_LTO", "off");
    // Optimised, and with the assertions that a release leaves out.
    tests.env("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true");
    tests.env("CARGO_TARGET_DIR", shell::target().join("many"));
    shell::cargo_test(tests)
}

fn ignored() -> Result<(), String> {
    let mut tests = cargo(&["test", "--no-fail-fast", "--workspace", "--exclude", "heapwright-shared"]);
    tests.args(["--tests", "--", "--ignored"]);
    shell::cargo_test(tests)
}

fn peers() -> Result<(), String> {
    build()?;
    need("valgrind", "apt-get install valgrind")?;
    let library = built_library()?;
    shell::script("tests/golden/peers/run", &["--limit".as_ref(), "0.85".as_ref(), library.as_os_str()])
}

fn corpus() -> Result<(), String> {
    build()?;
    need("python3", "apt-get install python3")?;
    shell::script("tests/preload/run", &["--full".as_ref(), built_library()?.as_os_str()])
}

fn soak() -> Result<(), String> {
    build()?;
    need("cc", "apt-get install gcc")?;
    shell::script("tests/stress/run", &["soak".as_ref(), built_library()?.as_os_str(), "600".as_ref()])
}
