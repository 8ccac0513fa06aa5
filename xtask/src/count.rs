//! Instruction counts of fixed workloads: the gate against slow creep, the same on every machine with a processor
//! of the kind.
//!
//! The workloads are loops of `tests/golden/workloads.c`; each is run twice under callgrind with different numbers of
//! rounds, and the difference divided by the extra operations is the cost of one, the start of the process left out.

use crate::shell::{self, built_library, cargo, need, root, target};
use crate::source;
use std::fs;
use std::path::{Path, PathBuf};

const BUDGET: &str = "xtask/count.txt";
const WORKLOADS: &[&str] = &["pair", "batch", "small", "medium", "calloc"];
/// Pairs of malloc and free in one round of a workload.
const ROUND: u64 = 1000;
const FEW: u64 = 60;
const MANY: u64 = 180;
/// The budget may be exceeded by this much: counts move a little with the compiler's layout.
const TOLERANCE: f64 = 0.02;

/// `cargo xtask count [--accept]`.
pub fn command(words: &[&str]) -> Result<bool, String> {
    match words {
        [] => check().map(|()| true),
        ["--accept"] => accept().map(|()| true),
        _ => Err("usage: cargo xtask count [--accept]".into()),
    }
}

pub fn check() -> Result<(), String> {
    let measured = measure()?;
    let budget = source::read(&root().join(BUDGET));
    let budget = budget.map_err(|_| format!("{BUDGET} is missing: review `cargo xtask count --accept`"))?;
    let wrong = compare(&measured, &budget);
    wrong.iter().for_each(|text| println!("{text}"));
    let golden = shell::script("tests/golden/check", &[built_library()?.as_os_str()]);
    if wrong.is_empty() { golden } else { Err(format!("{} workloads are over budget", wrong.len())) }
}

/// Writes what was measured as the budget: the change is reviewed as a diff.
fn accept() -> Result<(), String> {
    let mut text =
        String::from("# instructions per pair, loop included; written by `cargo xtask count --accept`\n");
    for (name, cost) in measure()? {
        text += &format!("{name} {cost:.1}\n");
    }
    fs::write(root().join(BUDGET), text).map_err(|error| format!("{BUDGET}: {error}"))
}

fn measure() -> Result<Vec<(String, f64)>, String> {
    need("valgrind", "apt-get install valgrind")?;
    need("cc", "apt-get install gcc")?;
    shell::run(cargo(&["build", "--release", "-p", "heapwright-shared"]))?;
    let library = built_library()?;
    let program = workloads()?;
    let mut found = Vec::new();
    for name in WORKLOADS {
        let more = instructions(&program, name, &library, MANY)?;
        let less = instructions(&program, name, &library, FEW)?;
        let cost = (more - less) as f64 / ((MANY - FEW) * ROUND) as f64;
        println!("{name:<12} {cost:>8.1} instructions");
        found.push(((*name).to_owned(), cost));
    }
    Ok(found)
}

fn workloads() -> Result<PathBuf, String> {
    let folder = target().join("count");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let program = folder.join("workloads");
    let mut cc = shell::command("cc");
    cc.args(["-O2", "-fno-builtin", "-o"]).arg(&program).arg("tests/golden/workloads.c");
    shell::run(cc)?;
    Ok(program)
}

fn instructions(program: &Path, workload: &str, library: &Path, rounds: u64) -> Result<i64, String> {
    let mut valgrind = shell::command("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    valgrind.arg(program).args([workload, &rounds.to_string()]).env("LD_PRELOAD", library);
    let output = valgrind.output().map_err(|error| format!("valgrind does not start: {error}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("{workload} under valgrind: {}\n{text}", output.status));
    }
    collected(&text).ok_or(format!("valgrind did not say what it counted:\n{text}"))
}

/// The number behind `Collected :`.
fn collected(text: &str) -> Option<i64> {
    let line = text.lines().find(|line| line.contains("Collected :"))?;
    line.rsplit(':').next()?.trim().parse().ok()
}

/// What is over the budget, or not in it.
fn compare(measured: &[(String, f64)], budget: &str) -> Vec<String> {
    let allowed = |name: &str| {
        budget.lines().find_map(|line| {
            let (own, cost) = line.split_once(' ')?;
            if own == name { cost.trim().parse::<f64>().ok() } else { None }
        })
    };
    let judge = |(name, cost): &(String, f64)| match allowed(name) {
        None => Some(format!("{name}: no budget in {BUDGET}")),
        Some(most) if *cost > most * (1.0 + TOLERANCE) => {
            Some(format!("{name}: {cost:.1} instructions, {most:.1} are allowed"))
        }
        Some(_) => None,
    };
    measured.iter().filter_map(judge).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callgrind_is_read() {
        assert_eq!(collected("==12== Events    : Ir\n==12== Collected : 3212345\n"), Some(3_212_345));
        assert_eq!(collected("==12== no\n"), None);
    }

    #[test]
    fn creep_is_noticed() {
        let budget = "# why\npair 36.0\nchurn 70.0\n";
        let of = |name: &str, cost: f64| compare(&[(name.to_owned(), cost)], budget).len();
        assert_eq!((of("pair", 36.5), of("pair", 30.0), of("pair", 37.0)), (0, 0, 1));
        assert_eq!(of("unknown", 1.0), 1);
    }
}
