//! The quick gates of `cargo xtask ci`, cheap first.

use crate::board::{self, Gate};
use crate::shell::{self, built_library, cargo, need};
use crate::{count, floors, fuzz, kinds, lines, loom, symbols};

pub const GATES: &[Gate] = &[
    Gate { name: "fmt", about: "the format of the source", test: false, run: fmt },
    Gate { name: "floors", about: "crates and modules look down only", test: false, run: floors::check },
    Gate { name: "lines", about: "no file grows into a sink", test: false, run: lines::check },
    Gate { name: "clippy", about: "no warning in any target", test: false, run: clippy },
    Gate { name: "docs", about: "the documentation builds and its links hold", test: false, run: docs },
    kinds::BASIC,
    Gate {
        name: "loom",
        about: "every interleaving of the shared structures",
        test: false,
        run: loom::check,
    },
    Gate { name: "header", about: "the C header is what the source says", test: false, run: header },
    kinds::C,
    Gate { name: "death", about: "one dying program per misuse", test: false, run: death },
    Gate {
        name: "symbols",
        about: "no panic and no allocation in the library",
        test: false,
        run: symbols::check,
    },
    Gate {
        name: "golden",
        about: "the code of the fast path, instruction by instruction",
        test: false,
        run: golden,
    },
    Gate { name: "count", about: "instruction counts of fixed workloads", test: false, run: count::counts },
    Gate { name: "timing", about: "a quick timing beside the C library's malloc", test: false, run: timing },
    kinds::STRESS,
    kinds::THREADS,
    kinds::FORK,
    kinds::PRELOAD,
    Gate { name: "fuzz", about: "random scripts against the model", test: false, run: fuzz::smoke },
];

pub fn find(name: &str) -> Option<&'static Gate> {
    GATES.iter().find(|gate| gate.name == name)
}

/// `cargo xtask test [--fail-fast] [KIND]`: the gates that are the test suite, or one kind of test.
pub fn test(words: &[&str]) -> Result<bool, String> {
    let fail_fast = words.contains(&"--fail-fast");
    let names: Vec<&str> = words.iter().copied().filter(|word| *word != "--fail-fast").collect();
    match names.as_slice() {
        [] => Ok(board::run(&GATES.iter().filter(|gate| gate.test).collect::<Vec<_>>(), fail_fast)),
        [name] if kinds::KINDS.iter().any(|kind| kind.name == *name) => {
            let done = kinds::run(name);
            println!(
                "test {name}: {}",
                done.as_ref().err().map_or("passed".into(), |text| format!("FAILED: {text}"))
            );
            Ok(done.is_ok())
        }
        _ => {
            let known: Vec<&str> = kinds::KINDS.iter().map(|kind| kind.name).collect();
            Err(format!("no such kind of test; there are: {}", known.join(" ")))
        }
    }
}

/// `cargo xtask ci [--fail-fast] [--without-tests] [GATE ...]`.
pub fn ci(words: &[&str]) -> Result<bool, String> {
    let (flags, names): (Vec<&str>, Vec<&str>) =
        words.iter().copied().partition(|word| word.starts_with('-'));
    if let Some(unknown) = flags.iter().find(|flag| !["--fail-fast", "--without-tests"].contains(flag)) {
        return Err(format!("no option `{unknown}`; `cargo xtask help` lists them"));
    }
    let mut gates = board::pick(GATES, &names)?;
    if flags.contains(&"--without-tests") {
        gates.retain(|gate| !gate.test);
    }
    Ok(board::run(&gates, flags.contains(&"--fail-fast")))
}

fn fmt() -> Result<(), String> {
    shell::run(cargo(&["fmt", "--all", "--check"]))
}

/// The shared library is checked by itself: the features that the tools ask of `libc` would link the standard
/// library into it, which has a panic handler of its own.
fn clippy() -> Result<(), String> {
    let rest = ["--workspace", "--exclude", "heapwright-shared", "--all-targets"];
    for what in [&rest[..], &["-p", "heapwright-shared"]] {
        let mut clippy = cargo(&["clippy", "--quiet", "--keep-going"]);
        clippy.args(what).args(["--", "-D", "warnings"]);
        shell::run(clippy)?;
    }
    Ok(())
}

/// The command is documented by itself: its name is also that of a library.
fn docs() -> Result<(), String> {
    let library = ["--workspace", "--exclude", "heapwright-shared", "--exclude", "heapwright-cli"];
    for what in [&library[..], &["-p", "heapwright-cli"]] {
        let mut docs = cargo(&["doc", "--quiet", "--no-deps"]);
        docs.args(what).env("RUSTDOCFLAGS", "-D warnings");
        shell::run(docs)?;
    }
    Ok(())
}

fn build() -> Result<(), String> {
    shell::run(cargo(&["build", "--release", "-p", "heapwright-shared"]))
}

fn header() -> Result<(), String> {
    kinds::tests(&["-p", "heapwright-capi", "--test", "header"], None)
}

/// The programs of `tests/c` that misuse the heap and must end, or go on, as promised. The gate `c` runs them too.
const MISUSES: &[&str] =
    &["foreign_free", "foreign_realloc", "foreign_policy", "interior_free", "double_free"];

fn death() -> Result<(), String> {
    build()?;
    let library = built_library()?;
    let mut wrong = Vec::new();
    for name in MISUSES {
        let mut dying =
            cargo(&["test", "--quiet", "-p", "heapwright-capi", "--test", "conformance", "preload"]);
        dying.env("HEAPWRIGHT_ONLY", name).env("HEAPWRIGHT_LIB_DIR", library.parent().unwrap_or(&library));
        wrong.extend(shell::cargo_test(dying).err());
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("{} of {} misuses", wrong.len(), MISUSES.len())) }
}

fn timing() -> Result<(), String> {
    build()?;
    need("python3", "apt-get install python3")?;
    need("cc", "apt-get install gcc")?;
    shell::script("tests/golden/timing", &[built_library()?.as_os_str()])
}

fn golden() -> Result<(), String> {
    build()?;
    need("python3", "apt-get install python3")?;
    shell::script("tests/golden/check", &[built_library()?.as_os_str()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_promised_gate_exists_and_names_are_unique() {
        let promised = [
            "fmt", "floors", "lines", "clippy", "docs", "basic", "loom", "c", "death", "preload", "golden",
            "symbols", "header", "fuzz",
        ];
        promised.iter().for_each(|name| assert!(find(name).is_some(), "{name}"));
        let mut names: Vec<&str> = GATES.iter().map(|gate| gate.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), GATES.len());
    }

    #[test]
    fn unknown_words_are_refused() {
        assert!(ci(&["--fast"]).is_err());
        assert!(ci(&["no-such-gate"]).is_err());
        let text = test(&["speed"]).unwrap_err();
        assert!(text.contains("basic") && text.contains("preload"), "{text}");
    }
}
