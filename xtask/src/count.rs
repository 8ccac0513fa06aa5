//! Instruction counts of fixed workloads: the gate against slow creep, the same on every machine with a processor
//! of the kind.
//!
//! The workloads are loops of `tests/golden/workloads.c`; each is run twice under callgrind with different numbers of
//! rounds, and the difference divided by the extra operations is the cost of one, the start of the process left out.
//! A row of a slow path counts inside one function of the library only, with what it calls (callgrind's
//! `--toggle-collect`): nothing around it dilutes its change. These counts are exact for one compiler, so their
//! tolerance is smaller than that of whole loops.
//!
//! That the gate notices is itself checked (`cargo xtask count --prove`): in a copy of the tree, instructions worth a
//! tenth of refill's cost are planted in it, and the row of refill must fail.

use crate::shell::{self, built_library, cargo, need, root, target};
use crate::source;
use std::fs;
use std::path::{Path, PathBuf};

const BUDGET: &str = "xtask/count.txt";

/// What is counted.
struct Row {
    name: &'static str,
    workload: &'static str,
    /// The function of the library that is counted, as callgrind's pattern; all of the workload without.
    inside: Option<&'static str>,
}

const fn whole(name: &'static str) -> Row {
    Row { name, workload: name, inside: None }
}

const fn inside(name: &'static str, workload: &'static str, function: &'static str) -> Row {
    Row { name, workload, inside: Some(function) }
}

const ROWS: &[Row] = &[
    whole("pair"),
    whole("batch"),
    whole("small"),
    whole("medium"),
    whole("calloc"),
    whole("slabs"),
    whole("large"),
    whole("grow"),
    inside(REFILL, "slabs", "*Engine*>::refill"),
    inside("attend", "slabs", "*Engine*>::attend"),
    inside("remote-free", "handover", "*Runtime*>::free_slow"),
    inside("collect", "handover", "*Engine*>::refill"),
];
const REFILL: &str = "refill";

/// Operations in one round of a workload.
const ROUND: u64 = 1000;
/// Multiples of the number of sizes that the rounds of `slabs` take in turn.
const FEW: u64 = 24;
const MANY: u64 = 72;
/// The budget of a whole loop may be exceeded by this much: counts move a little with the compiler's layout.
const TOLERANCE: f64 = 0.02;
/// That of one function.
const TOLERANCE_INSIDE: f64 = 0.01;
/// What depends on the clock is put off beyond the end.
const CONF: &str = "purge_delay=86400000ms";

/// `cargo xtask count [--accept | --prove]`.
pub fn command(words: &[&str]) -> Result<bool, String> {
    match words {
        [] => check().map(|()| true),
        ["--accept"] => accept().map(|()| true),
        ["--prove"] => prove().map(|()| true),
        _ => Err("usage: cargo xtask count [--accept | --prove]".into()),
    }
}

/// The counts, and the golden table.
pub fn check() -> Result<(), String> {
    let counts = counts();
    shell::script("tests/golden/check", &[built_library()?.as_os_str()])?;
    counts
}

/// The counts against the budget.
pub fn counts() -> Result<(), String> {
    within(&measure(&build()?, ROWS)?, &budget()?)
}

/// Nothing if every count is as budgeted; prints what is wrong.
fn within(measured: &[(&str, f64)], budget: &str) -> Result<(), String> {
    let wrong = compare(measured, budget);
    wrong.iter().for_each(|wrong| println!("{}", wrong.text));
    let named = |how: How| {
        let names: Vec<&str> =
            wrong.iter().filter(|wrong| wrong.how == how).map(|wrong| wrong.name).collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    let over = named(How::Over).map(|names| format!("over budget: {names}"));
    let stale = named(How::Stale)
        .map(|names| format!("budget stale: {names}: review `cargo xtask count --accept` and commit it"));
    let said: Vec<String> = over.into_iter().chain(stale).collect();
    if said.is_empty() { Ok(()) } else { Err(said.join("; ")) }
}

fn budget() -> Result<String, String> {
    source::read(&root().join(BUDGET))
        .map_err(|_| format!("{BUDGET} is missing: review `cargo xtask count --accept`"))
}

fn build() -> Result<PathBuf, String> {
    shell::run(cargo(&["build", "--release", "-p", "heapwright-shared"]))?;
    built_library()
}

/// The file that is slowed down, the line behind which, and what is put there: iterations of six instructions or so.
const PLANTED: (&str, &str, &str) = (
    "crates/engine/src/engine/refill.rs",
    "    fn refill(&'static self, heap: &'static Heap, class: usize) -> Option<Refilled> {\n",
    "        for step in 0..core::hint::black_box(ITERATIONS) { core::hint::black_box(step); }\n",
);
const ITERATIONS: &str = "2";
/// The share of refill's cost that the planted instructions are worth; outside of it the proof proves something else.
const WORTH: std::ops::RangeInclusive<f64> = 0.05..=0.15;

/// Plants a slowdown in a copy of the tree and requires the gate to fail there, for refill, and to pass without it.
pub fn prove() -> Result<(), String> {
    let tree = target().join("count-tree");
    source::copy_tree(&tree)?;
    let (file, behind, planted) = PLANTED;
    let text = source::read(&tree.join(file))?;
    let Some((before, after)) = text.split_once(behind) else {
        return Err(format!(
            "{file} has no line `{}`: say in xtask/src/count.rs where refill begins",
            behind.trim()
        ));
    };
    let planted = planted.replace("ITERATIONS", ITERATIONS);
    fs::write(tree.join(file), format!("{before}{behind}{planted}{after}"))
        .map_err(|error| format!("{file}: {error}"))?;
    let built = target().join("count-proof");
    let mut cargo = cargo(&["build", "--release", "-p", "heapwright-shared"]);
    cargo.current_dir(&tree).env("CARGO_TARGET_DIR", &built);
    shell::run(cargo)?;
    let rows: Vec<&Row> = ROWS.iter().filter(|row| row.name == REFILL).collect();
    let plain = measure(&build()?, rows.iter().copied())?;
    within(&plain, &budget()?).map_err(|why| format!("without anything planted: {why}"))?;
    let slow = measure(&built.join("release/libheapwright.so"), rows.iter().copied())?;
    let (Some((_, plain)), Some((_, cost))) = (plain.first(), slow.first()) else {
        return Err("no row is refill's".into());
    };
    let worth = cost / plain - 1.0;
    println!("planted: {:.1} % of refill", worth * 100.0);
    if !WORTH.contains(&worth) {
        return Err(format!(
            "the planted instructions are {:.1} % of refill, not about a tenth: change their number",
            worth * 100.0
        ));
    }
    let wrong = compare(&slow, &budget()?);
    wrong.iter().for_each(|wrong| println!("noticed: {}", wrong.text));
    if wrong.iter().all(|wrong| wrong.how != How::Over) {
        Err("the gate passes a refill that is slower by a tenth".into())
    } else {
        Ok(())
    }
}

/// Writes what was measured as the budget: the change is reviewed as a diff.
fn accept() -> Result<(), String> {
    let mut text = String::from(
        "# Instructions per operation (pair of malloc and free, step of realloc); written by `cargo xtask count --accept`.\n\
         # First whole loops, then single functions: refill and attend in `slabs`, frees by another thread and their\n\
         # collection in `handover`. See xtask/src/count.rs for the tolerances.\n",
    );
    for (name, cost) in measure(&build()?, ROWS)? {
        text += &format!("{name} {cost:.2}\n");
    }
    fs::write(root().join(BUDGET), text).map_err(|error| format!("{BUDGET}: {error}"))
}

fn measure<'a>(
    library: &Path,
    rows: impl IntoIterator<Item = &'a Row>,
) -> Result<Vec<(&'a str, f64)>, String> {
    need("valgrind", "apt-get install valgrind")?;
    need("cc", "apt-get install gcc")?;
    let program = workloads()?;
    let mut found = Vec::new();
    for row in rows {
        let more = instructions(&program, row, library, MANY)?;
        let less = instructions(&program, row, library, FEW)?;
        let cost = per_operation(row, more, less)?;
        println!("{:<12} {cost:>9.2} instructions", row.name);
        found.push((row.name, cost));
    }
    Ok(found)
}

/// What one operation costs, by the counts of many rounds and of few.
fn per_operation(row: &Row, more: i64, less: i64) -> Result<f64, String> {
    if more > less {
        return Ok((more - less) as f64 / ((MANY - FEW) * ROUND) as f64);
    }
    let name = row.name;
    Err(match row.inside {
        Some(function) => format!("{name}: nothing is counted inside {function}: renamed, or inlined?"),
        None => format!("{name}: more rounds of {} take no more instructions: does it run?", row.workload),
    })
}

fn workloads() -> Result<PathBuf, String> {
    let folder = target().join("count");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let program = folder.join("workloads");
    let mut cc = shell::command("cc");
    cc.args(["-O2", "-fno-builtin", "-o"]).arg(&program).args(["tests/golden/workloads.c", "-lpthread"]);
    shell::run(cc)?;
    Ok(program)
}

fn instructions(program: &Path, row: &Row, library: &Path, rounds: u64) -> Result<i64, String> {
    let workload = row.workload;
    let mut valgrind = shell::command("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    valgrind.args(row.inside.map(|function| format!("--toggle-collect={function}")));
    valgrind.arg(program).args([workload, &rounds.to_string()]);
    valgrind.env("LD_PRELOAD", library).env("HEAPWRIGHT_CONF", CONF);
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

/// On which side of the budget a count is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum How {
    /// It costs more than it may, or nothing allows it.
    Over,
    /// It costs so much less that it could creep back unnoticed.
    Stale,
}

/// A count that is not as budgeted.
struct Wrong<'a> {
    name: &'a str,
    how: How,
    text: String,
}

/// What is over the budget or not in it, and what has fallen below it by more than twice the tolerance.
fn compare<'a>(measured: &[(&'a str, f64)], budget: &str) -> Vec<Wrong<'a>> {
    let allowed = |name: &str| {
        budget.lines().find_map(|line| {
            let (own, cost) = line.split_once(' ')?;
            if own == name { cost.trim().parse::<f64>().ok() } else { None }
        })
    };
    let judge = |&(name, cost): &(&'a str, f64)| {
        let wrong = |how, text| Some(Wrong { name, how, text });
        let Some(budgeted) = allowed(name) else {
            return wrong(How::Over, format!("{name}: no budget in {BUDGET}"));
        };
        let (most, least) = (budgeted * (1.0 + tolerance(name)), budgeted * (1.0 - 2.0 * tolerance(name)));
        let text = format!("{name}: {cost:.2} instructions, ");
        if cost > most {
            wrong(How::Over, format!("{text}{most:.2} at most ({budgeted:.2} as accepted)"))
        } else if cost < least {
            wrong(How::Stale, format!("{text}budget stale ({budgeted:.2} as accepted): accept it"))
        } else {
            None
        }
    };
    measured.iter().filter_map(judge).collect()
}

fn tolerance(name: &str) -> f64 {
    let inside = ROWS.iter().any(|row| row.name == name && row.inside.is_some());
    if inside { TOLERANCE_INSIDE } else { TOLERANCE }
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
        let budget = "# why\npair 36.0\nchurn 70.0\nrefill 100.0\n";
        let of = |name, cost| compare(&[(name, cost)], budget).first().map(|wrong| wrong.how);
        assert_eq!((of("pair", 36.5), of("pair", 37.0)), (None, Some(How::Over)));
        assert_eq!((of("pair", 34.6), of("pair", 34.5)), (None, Some(How::Stale)));
        assert_eq!(of("unknown", 1.0), Some(How::Over));
        assert_eq!((of("refill", 101.0), of("refill", 101.1)), (None, Some(How::Over)));
        assert_eq!((of("refill", 98.1), of("refill", 97.9)), (None, Some(How::Stale)));
    }

    #[test]
    fn the_gate_names_what_creeps_and_what_is_stale() {
        let budget = "pair 36.0\nbatch 45.0\n";
        assert_eq!(within(&[("pair", 36.1), ("batch", 45.0)], budget), Ok(()));
        let said = within(&[("pair", 40.0), ("batch", 30.0)], budget).unwrap_err();
        assert!(said.starts_with("over budget: pair; budget stale: batch: "), "{said}");
    }

    #[test]
    fn a_row_that_counts_nothing_is_an_error() {
        let (all, one) = (whole("pair"), inside("refill", "slabs", "*refill"));
        assert_eq!(per_operation(&all, 48_000_000, 0), Ok(1000.0));
        assert!(per_operation(&all, 5, 5).unwrap_err().contains("does it run"));
        assert!(per_operation(&one, 5, 5).unwrap_err().contains("renamed, or inlined"));
    }
}
