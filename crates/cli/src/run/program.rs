//! Looks at a program before it runs, to explain what would otherwise fail obscurely or silently.
//!
//! The dynamic loader adds the library to a program; so there must be one, it must be willing (not for
//! programs with raised privileges), machine and library must agree, and the program must not bring an
//! allocator that comes before every library. Scripts are followed to the program that reads them.

use super::{privileges, rivals, script};
use crate::elf::{self, Facts};
use crate::failure::Failure;
use std::fs::File;
use std::path::Path;

/// How many scripts may read each other, as in the kernel.
const MOST_SCRIPTS: usize = 5;

/// What was found about a program that can run.
#[derive(Default, Debug)]
pub struct Report {
    /// Reasons why the allocator will not serve it. Empty for most programs.
    pub refusals: Vec<Failure>,
    /// What is worth knowing, but no reason to stop.
    pub warnings: Vec<String>,
}

/// Examines the file at `path`, which is executable, for a run under `library`.
///
/// An error means that the program cannot start at all; [`Report::refusals`], that it can, without us.
pub fn examine(path: &Path, library: &Facts) -> Result<Report, Failure> {
    let mut report = Report::default();
    let mut queue = vec![path.to_path_buf()];
    let mut scripts = 0;
    while let Some(path) = queue.pop() {
        let shown = path.display();
        let Ok(file) = File::open(&path) else {
            // Programs may be executable and not readable: nothing can be said about them.
            report.warnings.push(format!("{shown} cannot be read, so nothing about it was checked"));
            continue;
        };
        match elf::read(&file) {
            Err(reason) => {
                let cause = format!("{shown} is no program of this system: {reason}");
                return Err(Failure::cannot_run(cause, "build it or fetch it again"));
            }
            Ok(Some(facts)) => program(&path, &facts, library, &mut report)?,
            Ok(None) => match script::read(&path, &file)? {
                script::Kind::Script(script) if scripts < MOST_SCRIPTS => {
                    scripts += 1;
                    queue.extend(script.started_by_env);
                    queue.push(script.interpreter);
                }
                script::Kind::Script(_) => {
                    let cause = format!("{shown} is read by a script that is read by a script, and so on");
                    return Err(Failure::cannot_run(cause, "name a program as the script's interpreter"));
                }
                script::Kind::Text => {}
                script::Kind::Unknown => report.refusals.push(Failure::cannot_run(
                    format!("{shown} is neither a program of this system nor a script"),
                    "name a program; or add --anyway if the kernel knows how to start it (binfmt_misc)",
                )),
            },
        }
    }
    Ok(report)
}

/// Judges one ELF program.
fn program(path: &Path, facts: &Facts, library: &Facts, report: &mut Report) -> Result<(), Failure> {
    let shown = path.display();
    if facts.machine != library.machine {
        let (program, ours) = (facts.machine.name(), library.machine.name());
        report.refusals.push(Failure::cannot_run(
            format!("{shown} is a {program} program, the library is {ours}"),
            format!("build libheapwright.so for {program} and name it with --library"),
        ));
        return Ok(());
    }
    match &facts.interpreter {
        Some(loader) if !loader.exists() => {
            return Err(Failure::cannot_run(
                format!("{shown} wants the dynamic loader {}, which is not here", loader.display()),
                "install the C library it was built for, or build it on this system",
            ));
        }
        Some(loader) if is_musl(loader) != library.needed.iter().any(|name| name.contains("musl")) => {
            report.warnings.push(format!(
                "{shown} and the library are built for different C libraries ({} loads it); \
                 if it does not start, name a matching libheapwright.so with --library",
                loader.display()
            ));
        }
        None if !facts.is_loader() => {
            report.refusals.push(Failure::cannot_run(
                format!("{shown} is statically linked: no dynamic loader runs that could add the library"),
                "link libheapwright.a into it, or build it without -static",
            ));
            return Ok(());
        }
        _ => {}
    }
    if let Some(reason) = privileges::raised(path) {
        report.refusals.push(Failure::cannot_run(
            format!("{shown} {reason}: the dynamic loader ignores LD_PRELOAD for it"),
            "run the command as the user whose rights it takes, or run a copy without them",
        ));
    }
    rivals::judge(path, facts, report);
    Ok(())
}

/// Whether a loader is musl's.
fn is_musl(loader: &Path) -> bool {
    loader.file_name().is_some_and(|name| name.to_string_lossy().starts_with("ld-musl"))
}
