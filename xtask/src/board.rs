//! Runs gates in order, times each, and ends with a table and one plain line.

use std::time::{Duration, Instant};

/// Something that must hold before a change goes in.
pub struct Gate {
    pub name: &'static str,
    pub about: &'static str,
    /// Whether `cargo xtask test` runs it too.
    pub test: bool,
    pub run: fn() -> Result<(), String>,
}

/// Runs `gates`, all of them unless `fail_fast`; answers whether all passed.
pub fn run(gates: &[&Gate], fail_fast: bool) -> bool {
    let mut rows: Vec<(&str, Result<(), String>, Duration)> = Vec::new();
    for gate in gates {
        println!("\n==> {}: {}", gate.name, gate.about);
        let start = Instant::now();
        let done = (gate.run)();
        if let Err(text) = &done {
            println!("{}: FAILED: {text}", gate.name);
        }
        let failed = done.is_err();
        rows.push((gate.name, done, start.elapsed()));
        if failed && fail_fast {
            break;
        }
    }
    println!();
    for (name, done, time) in &rows {
        let (verdict, why) = match done {
            Ok(()) => ("ok", ""),
            Err(text) => ("FAILED", text.lines().next().unwrap_or("")),
        };
        println!("{name:<10} {verdict:<7} {:>7.1} s  {why}", time.as_secs_f64());
    }
    let passed = rows.iter().filter(|(_, done, _)| done.is_ok()).count();
    let left = gates.len() - rows.len();
    if left > 0 {
        println!("stopped at the first failure: {left} not run");
    }
    println!("{passed} passed, {} failed", rows.len() - passed);
    passed == gates.len()
}

/// Picks gates by name; all of them when no name is given.
pub fn pick<'a>(gates: &'a [Gate], names: &[&str]) -> Result<Vec<&'a Gate>, String> {
    if let Some(unknown) = names.iter().find(|name| !gates.iter().any(|gate| gate.name == **name)) {
        return Err(format!("no gate `{unknown}` here; `cargo xtask list` names them"));
    }
    Ok(gates.iter().filter(|gate| names.is_empty() || names.contains(&gate.name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn gate(name: &'static str, run: fn() -> Result<(), String>) -> Gate {
        Gate { name, about: "", test: false, run }
    }

    #[test]
    fn one_failure_fails_the_whole_but_stops_nothing() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static RAN: AtomicUsize = AtomicUsize::new(0);
        fn good() -> Result<(), String> {
            RAN.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
        let gates = [gate("bad", || Err("on purpose".into())), gate("good", good)];
        let all: Vec<&Gate> = gates.iter().collect();
        assert!(!run(&all, false));
        assert_eq!(RAN.load(Ordering::Relaxed), 1);
        assert!(!run(&all, true));
        assert_eq!(RAN.load(Ordering::Relaxed), 1, "stops at the first failure when asked to");
        assert!(run(&all[1..], false));
    }

    #[test]
    fn gates_are_picked_by_name() {
        let gates = [gate("a", || Ok(())), gate("b", || Ok(()))];
        assert_eq!(pick(&gates, &["b"]).unwrap().len(), 1);
        assert_eq!(pick(&gates, &[]).unwrap().len(), 2);
        assert!(pick(&gates, &["c"]).is_err());
    }
}
