//! Whether preloading works here: two programs are run under the library.

use super::Finding;
use crate::library::{self, Library};
use crate::run::{Records, Session};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// The result of the check.
pub struct Check {
    /// Whether programs run under the library.
    pub works: bool,
    /// What was found.
    pub findings: Vec<Finding>,
}

/// What one program did.
struct Trial {
    /// It ended with status 0.
    succeeded: bool,
    output: String,
    complaint: String,
    records: Records,
}

/// Runs `true`, and a program that says who serves its `malloc`, under `library`.
pub fn check(library: Library) -> Check {
    let path = library.path.clone();
    let session = Session::open(library);
    let truth = on_path("true").map(|program| (program.clone(), attempt(&session, &program, &[])));
    let probe = library::demo_program().map(|program| attempt(&session, &program, &["--probe"]));
    let probe = probe.map_err(|failure| failure.cause).and_then(|trial| trial);

    let mut problem = match &truth {
        None => Some("there is no program true in PATH to try".to_owned()),
        Some((_, trial)) => trial.as_ref().map_or_else(|reason| Some(reason.clone()), problem_of),
    };
    let mut findings = Vec::new();
    if let Ok(trial) = &probe {
        let server = value(&trial.output, "malloc=");
        let ours = server.as_deref().is_some_and(|server| is_same_file(Path::new(server), &path));
        if truth.is_none() && ours {
            problem = problem_of(trial);
        } else if !ours && problem.is_none() {
            problem = Some(format!("malloc is served by {}", server.as_deref().unwrap_or("something else")));
        }
        findings.push(("malloc_served_by", server.into()));
        findings.push(("libc", value(&trial.output, "libc=").into()));
        let options: Vec<Value> =
            trial.output.lines().filter_map(|line| line.strip_prefix("conf=")).map(Value::from).collect();
        findings.push(("effective_options", Value::Array(options)));
    }
    let tried = truth.map(|(program, _)| program.to_string_lossy().into_owned());
    findings.insert(0, ("preload", problem.clone().unwrap_or_else(|| "works".to_owned()).into()));
    findings.insert(1, ("tried", tried.into()));
    findings.push((
        "statistics",
        session
            .uncounted()
            .map_or_else(|| "works".to_owned(), |reason| format!("no folder: {reason}"))
            .into(),
    ));
    Check { works: problem.is_none(), findings }
}

fn attempt(session: &Session, program: &Path, arguments: &[&str]) -> Result<Trial, String> {
    let mut command = session.command(program, &[]);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let run = command.spawn().and_then(|child| Ok((child.id(), child.wait_with_output()?)));
    let (pid, output) = run.map_err(|error| format!("{} cannot be run: {error}", program.display()))?;
    Ok(Trial {
        succeeded: output.status.success(),
        output: String::from_utf8_lossy(&output.stdout).into_owned(),
        complaint: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        records: session.records(pid),
    })
}

/// What is wrong with a trial, if anything is.
fn problem_of(trial: &Trial) -> Option<String> {
    let first = trial.complaint.lines().next().unwrap_or("it says nothing");
    match &trial.records.own {
        _ if !trial.succeeded => {
            Some(format!("a program that does nothing fails under the library: {first}"))
        }
        None if trial.complaint.is_empty() => {
            Some("the program runs, but the library does not begin in it".to_owned())
        }
        None => Some(format!("the library is not loaded: {first}")),
        Some(own) if !own.is_complete() => Some("the library does not see the end of the program".to_owned()),
        Some(_) => None,
    }
}

fn value(output: &str, key: &str) -> Option<String> {
    output.lines().find_map(|line| line.strip_prefix(key)).map(str::to_owned)
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    let full = |path: &Path| fs::canonicalize(path).ok();
    full(one).is_some() && full(one) == full(other)
}

fn on_path(name: &str) -> Option<PathBuf> {
    let list = std::env::var_os("PATH").unwrap_or_else(|| "/bin:/usr/bin".into());
    std::env::split_paths(&list).map(|folder| folder.join(name)).find(|path| path.is_file())
}
