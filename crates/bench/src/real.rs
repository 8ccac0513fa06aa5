//! Real programs under each peer.
//!
//! Each program is one script in `crates/bench/real`: its header says what it needs and which executables the
//! allocator must serve, `prepare` makes its inputs, `run` is what is measured. What a run prints is found out
//! twice without any library, as it must be the same under all. Then every peer proves, by a witness in each
//! process, that its `malloc` is the one that is called: a figure of another allocator under a peer's name would
//! be worse than none.

mod packages;
mod script;
mod stage;
mod witness;

use crate::job::{Candidate, Expect, Job};
use crate::peers::Peer;
use crate::results::{Group, Missing};
use script::Script;
use stage::Stage;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use witness::Testimony;

/// Installs what is missing (`install`), prepares the inputs in `folder`, and finds out what each program prints.
///
/// The jobs, and which programs cannot take part. A peer under which a program fails, or that does not serve it, is
/// refused in its row.
pub fn gather(
    root: &Path,
    folder: &Path,
    peers: &[Peer],
    quick: bool,
    install: bool,
    say: &dyn Fn(&str),
) -> (Vec<Job>, Vec<Missing>) {
    let mut missing = Vec::new();
    let scripts = script::all(&root.join("crates/bench/real"), &mut missing);
    if install {
        packages::install(&scripts, say);
    }
    let stage = match Stage::open(root, folder) {
        Ok(stage) => stage,
        Err(reason) => {
            missing.push(Missing { name: "real programs".to_owned(), reason });
            return (Vec::new(), missing);
        }
    };
    let mut jobs = Vec::new();
    for script in &scripts {
        say(&format!("{}: preparing, and who serves it", script.name));
        match gather_one(&stage, script, peers, quick) {
            Ok(job) => jobs.push(job),
            Err(reason) => missing.push(Missing { name: script.name.clone(), reason }),
        }
    }
    (jobs, missing)
}

/// The job of one script, or why there is none.
fn gather_one(stage: &Stage, script: &Script, peers: &[Peer], quick: bool) -> Result<Job, String> {
    if let Some(reason) = packages::missing(script) {
        return Err(reason);
    }
    let size = if quick { QUICK } else { FULL };
    let folder = stage.prepare(script)?;
    let expected = expected(stage, script, size)?;
    let candidate = |peer: &Peer| {
        // A peer under which the program fails, or that does not serve it, has failed in this row.
        let (environment, refused) = match prove(stage, script, peer) {
            Ok(environment) => (environment, None),
            Err(reason) => (Vec::new(), Some(reason)),
        };
        Candidate {
            allocator: peer.allocator.name.clone(),
            program: PathBuf::from("/bin/sh"),
            arguments: stage::arguments(script, "run", &folder, Some(size)),
            environment,
            folder: Some(folder.clone()),
            expect: Expect::Output(expected.clone()),
            refused,
        }
    };
    let candidates: Vec<Candidate> = peers.iter().map(candidate).collect();
    if let Some(reason) = candidates.first().and_then(|first| first.refused.as_ref())
        && candidates.iter().all(|candidate| candidate.refused.is_some())
    {
        return Err(format!("no allocator could be shown to serve it: {reason}"));
    }
    Ok(Job {
        group: Group::Real,
        workload: script.name.clone(),
        threads: None,
        about: script.about.clone(),
        timed: true,
        idle: 0,
        rounds: if quick { 1 } else { 3 },
        candidates,
    })
}

/// What the program prints without any library: the same twice, or the script is of no use.
fn expected(stage: &Stage, script: &Script, size: &str) -> Result<String, String> {
    let first = stage.run(script, size, &[])?;
    let second = stage.run(script, size, &[])?;
    match first_difference(&first, &second) {
        None => Ok(first),
        Some((line, one, other)) => Err(format!(
            "its script is broken: two runs without any library differ in line {line}: `{one}` and `{other}`"
        )),
    }
}

/// Runs the program on `peer` with the witness; the environment to measure it in.
fn prove(stage: &Stage, script: &Script, peer: &Peer) -> Result<Vec<(String, OsString)>, String> {
    let Some(library) = &peer.library else {
        // Some programs are linked with an allocator of their own choice, as Debian's redis-server is with jemalloc:
        // there the C library itself is named first, so that its malloc is found before the other.
        return attempt(stage, script, peer, None)
            .or_else(|reason| attempt(stage, script, peer, Some(OsStr::new(C_LIBRARY))).map_err(|_| reason));
    };
    attempt(stage, script, peer, Some(library.as_os_str()))
}

/// One attempt of [`prove`], with `preload` as `LD_PRELOAD`.
fn attempt(
    stage: &Stage,
    script: &Script,
    peer: &Peer,
    preload: Option<&OsStr>,
) -> Result<Vec<(String, OsString)>, String> {
    let own = peer.allocator.environment.iter().map(|(name, value)| (name.clone(), OsString::from(value)));
    let mut environment: Vec<(String, OsString)> = own.collect();
    let seen = stage.testify(script, QUICK, &environment, preload)?;
    Testimony::parse(&seen).judge(&script.serves, peer.library.as_deref())?;
    if let Some(preload) = preload {
        environment.insert(0, ("LD_PRELOAD".to_owned(), preload.to_owned()));
    }
    Ok(environment)
}

/// The first line, counted from one, in which two outputs differ.
fn first_difference(one: &str, other: &str) -> Option<(usize, String, String)> {
    let (mut one, mut other) = (one.lines(), other.lines());
    for number in 1.. {
        match (one.next(), other.next()) {
            (None, None) => return None,
            (a, b) if a == b => {}
            (a, b) => {
                let text = |line: Option<&str>| line.unwrap_or("(the end)").chars().take(80).collect();
                return Some((number, text(a), text(b)));
            }
        }
    }
    None
}

/// The names of the sizes, as the scripts know them.
const FULL: &str = "full";
const QUICK: &str = "quick";

/// The C library, by the name under which the loader has it anyway.
const C_LIBRARY: &str = "libc.so.6";

#[cfg(test)]
mod tests;
