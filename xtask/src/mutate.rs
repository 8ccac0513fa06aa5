//! Weakens one ordering at a time and expects the model tests to notice.
//!
//! The mutants live in a copy of the tree, so nobody's files are touched. A mutant that does not compile proves
//! nothing and counts as a failure of this gate, as does one that every model test passes. A line that loom cannot
//! see says so, in a comment of its own or the one above: `not modelled: reason`.

use crate::loom::{self, Package};
use crate::shell::{root, target};
use crate::source;
use std::fs;
use std::path::Path;
use std::process::Stdio;

/// Files whose orderings the model tests promise to guard: (file, package of the tests).
const GUARDED: &[(&str, &str)] = &[
    ("crates/base/src/lock.rs", "heapwright-base"),
    ("crates/engine/src/remote.rs", "heapwright-engine"),
    ("crates/engine/src/standing.rs", "heapwright-engine"),
];
const EXCUSE: &str = "not modelled:";

/// One ordering of one file, weakened.
#[derive(Debug, PartialEq)]
struct Mutant {
    line: usize,
    from: &'static str,
    to: &'static str,
    text: String,
}

pub fn check() -> Result<(), String> {
    let tree = target().join("mutants-tree");
    source::copy_tree(&tree)?;
    let built = target().join("loom");
    let packages = loom::packages(&tree)?;
    let mut survivors = Vec::new();
    let mut killed = 0;
    for (file, package) in GUARDED {
        let original = source::read(&root().join(file))?;
        let package = packages.iter().find(|it| it.name == *package);
        let package = package.ok_or(format!("no model test guards {file}"))?;
        if !passes(&tree, &built, package)? {
            return Err(format!("the model tests of {} fail before anything is weakened", package.name));
        }
        for mutant in mutants(&original) {
            let verdict = try_one(&tree, &built, package, file, &mutant)?;
            println!("{file}:{}: {} -> {}: {verdict}", mutant.line, mutant.from, mutant.to);
            if verdict == "noticed" {
                killed += 1;
            } else {
                survivors.push(format!("{file}:{}", mutant.line));
            }
        }
        write(&tree.join(file), &original)?;
    }
    println!("{killed} weakened orderings noticed, {} not", survivors.len());
    if survivors.is_empty() { Ok(()) } else { Err(format!("not noticed: {}", survivors.join(", "))) }
}

fn try_one(
    tree: &Path,
    built: &Path,
    package: &Package,
    file: &str,
    mutant: &Mutant,
) -> Result<&'static str, String> {
    write(&tree.join(file), &mutant.text)?;
    for mut command in loom::commands(tree, built, package) {
        command.arg("--no-run");
        if !quiet(command)? {
            return Ok("does not compile");
        }
    }
    Ok(if passes(tree, built, package)? { "NOT NOTICED" } else { "noticed" })
}

fn passes(tree: &Path, built: &Path, package: &Package) -> Result<bool, String> {
    for command in loom::commands(tree, built, package) {
        if !quiet(command)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn quiet(mut command: std::process::Command) -> Result<bool, String> {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().map(|status| status.success()).map_err(|error| format!("cargo does not start: {error}"))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Every weaker version of a file that differs in one ordering.
fn mutants(text: &str) -> Vec<Mutant> {
    let originals: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, code) in source::code_lines(text).iter().enumerate() {
        let above = at.checked_sub(1).map_or("", |above| originals[above]);
        let excused = originals[at].contains(EXCUSE) || above.contains(EXCUSE);
        if excused || code.trim_start().starts_with("use ") || code.contains("compiler_fence") {
            continue;
        }
        for (from, weaker) in [
            ("Release", &["Relaxed"][..]),
            ("Acquire", &["Relaxed"]),
            ("AcqRel", &["Acquire", "Release"]),
            ("SeqCst", &["Relaxed"]),
        ] {
            for place in words(code, from) {
                for to in weaker {
                    let line = weaken(originals[at], place, from, to);
                    let mut lines = originals.clone();
                    lines[at] = &line;
                    let text = lines.join("\n") + "\n";
                    found.push(Mutant { line: at + 1, from, to, text });
                }
            }
        }
    }
    found
}

/// Where `word` stands by itself as an ordering.
fn words(code: &str, word: &str) -> Vec<usize> {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    code.match_indices(word)
        .map(|(at, _)| at)
        .filter(|&at| !part(code[..at].chars().next_back()) && !part(code[at + word.len()..].chars().next()))
        .collect()
}

/// A weaker fence than Acquire or Release is none.
fn weaken(line: &str, place: usize, from: &str, to: &str) -> String {
    let fence = line[..place].rfind("fence(").filter(|start| !line[*start..place].contains(')'));
    if let (Some(start), "Relaxed") = (fence, to) {
        let start = line[..start].rfind(|c: char| c.is_whitespace()).map_or(0, |at| at + 1);
        let end = line[place..].find(')').map_or(line.len(), |end| place + end + 1);
        return format!("{}(){}", &line[..start], &line[end..]);
    }
    let path = if line[..place].ends_with("Ordering::") { "" } else { "core::sync::atomic::Ordering::" };
    format!("{}{path}{to}{}", &line[..place], &line[place + from.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weakened(line: &str) -> Vec<String> {
        mutants(line).into_iter().map(|mutant| mutant.text.trim_end().to_owned()).collect()
    }

    #[test]
    fn each_ordering_is_weakened_alone() {
        assert_eq!(
            weakened("x.compare_exchange(a, b, Ordering::AcqRel, Ordering::Acquire)"),
            [
                "x.compare_exchange(a, b, Ordering::AcqRel, Ordering::Relaxed)",
                "x.compare_exchange(a, b, Ordering::Acquire, Ordering::Acquire)",
                "x.compare_exchange(a, b, Ordering::Release, Ordering::Acquire)",
            ]
        );
        assert_eq!(weakened("x.store(1, Release);"), ["x.store(1, core::sync::atomic::Ordering::Relaxed);"]);
    }

    #[test]
    fn a_fence_is_taken_away() {
        assert_eq!(weakened("    fence(Ordering::Acquire);"), ["    ();"]);
        assert_eq!(weakened("    crate::sync::fence(Ordering::SeqCst);"), ["    ();"]);
    }

    #[test]
    fn comments_imports_excuses_and_relaxed_stay() {
        for line in [
            "// Release: pairs with Acquire",
            "use core::sync::atomic::Ordering::{Acquire, Release};",
            "x.load(Ordering::Relaxed)",
            "x.load(Ordering::Acquire) // not modelled: a hint only",
            "// not modelled: a hint only\nx.load(Ordering::Acquire)",
            "compiler_fence(Ordering::SeqCst)",
            "struct Released;",
        ] {
            assert_eq!(mutants(line), [], "{line}");
        }
    }
}
