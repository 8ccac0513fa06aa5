//! `cargo xtask`: every gate and chore of Heapwright behind one command, on one machine, without a service.

#![forbid(unsafe_code)]

mod board;
mod count;
mod floors;
mod fuzz;
mod gates;
mod kinds;
mod lines;
mod loom;
mod mutate;
mod shell;
mod source;
mod symbols;
mod verify;

use std::process::ExitCode;

const HELP: &str = "\
usage: cargo xtask COMMAND

  ci [--fail-fast] [--without-tests] [GATE ...]
                      the quick gates, cheap first; a table and `N passed, N failed` at the end
  test [--fail-fast] [KIND]
                      the whole test suite, or one kind of it (below)
  verify [--fail-fast] [GATE ...]
                      the long gates: soak, fuzz by the hour, weakened orderings, the full corpus
  count [--accept | --prove]
                      instruction counts of fixed workloads against the committed budget, and the golden table;
                      write the budget; or check that a planted slowdown is noticed
  bench [ARGUMENT ...]
                      the benchmark suite (crates/bench), which has a help of its own: bench --help
  floors | lines | loom | symbols | fuzz | mutate | hours | …
                      one gate by itself
  list                the gates and what each does

kinds of test:
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match words.split_first() {
        Some((&"ci", rest)) => gates::ci(rest),
        Some((&"test", rest)) => gates::test(rest),
        Some((&"verify", rest)) => verify::verify(rest),
        Some((&"count", rest)) => count::command(rest),
        Some((&"bench", rest)) => bench(rest),
        Some((&"list", [])) => {
            list();
            Ok(true)
        }
        Some((name, [])) if gates::find(name).is_some() || verify::find(name).is_some() => one(name),
        None | Some((&("help" | "-h" | "--help"), _)) => {
            help();
            Ok(true)
        }
        Some((other, _)) => Err(format!("no command `{other}`; `cargo xtask help` lists them")),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(text) => {
            eprintln!("xtask: {text}");
            ExitCode::from(2)
        }
    }
}

/// Runs the benchmark suite with `words` and ends with its status.
fn bench(words: &[&str]) -> Result<bool, String> {
    let words = words.strip_prefix(&["--"]).unwrap_or(words);
    let mut suite = shell::cargo(&["run", "--package", "heapwright-bench", "--"]);
    let status = suite.args(words).stdin(std::process::Stdio::inherit()).status();
    let status = status.map_err(|error| format!("cargo does not start: {error}"))?;
    match status.code() {
        Some(code) => std::process::exit(code),
        None => Err(format!("the suite: {status}")),
    }
}

fn one(name: &str) -> Result<bool, String> {
    let gate = gates::find(name).or_else(|| verify::find(name)).ok_or("no such gate")?;
    Ok(board::run(&[gate], false))
}

fn help() {
    print!("{HELP}");
    for kind in kinds::KINDS {
        println!("  {:<10} {}", kind.name, kind.about);
    }
}

fn list() {
    for (title, gates) in [("ci", gates::GATES), ("verify", verify::GATES)] {
        println!("{title}:");
        for gate in gates {
            println!("  {:<10} {}", gate.name, gate.about);
        }
    }
}
