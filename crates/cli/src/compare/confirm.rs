//! Whether a candidate's library is really in use, as far as that can be told without disturbing what is measured.
//!
//! Ours leaves a statistics file in the round that is not measured. Of the others the dynamic loader is asked what it
//! loads for the program, which does not run it.

use super::Stop;
use super::candidates::{Candidate, OURS};
use super::runner::Runner;
use crate::failure::Failure;
use crate::library::Library;
use crate::run::Session;
use std::path::Path;

/// What is known of a library's use.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Confirmed {
    /// It is in use, or there is nothing to confirm: the system's malloc.
    Yes,
    /// Nobody can tell, for this reason.
    Unknown(String),
}

/// The unmeasured run of `candidate`, and what it shows.
pub fn warm_up(runner: &Runner, candidate: &Candidate, library: &Library) -> Result<Confirmed, Stop> {
    let Some(path) = &candidate.library else {
        runner.run(candidate, 0)?;
        return Ok(Confirmed::Yes);
    };
    if candidate.name != OURS {
        let (answer, complaint) = runner.loaded(candidate)?;
        runner.run(candidate, 0)?;
        return judge(&answer, &complaint, path).map_err(Stop::Refused);
    }
    let session = Session::open(Library { path: library.path.clone(), origin: library.origin });
    let pid = runner.run_counted(&session, candidate)?;
    let records = session.records(pid);
    Ok(match session.uncounted() {
        Some(reason) => Confirmed::Unknown(format!("there is no folder for statistics ({reason})")),
        None if records.own.is_some() || !records.others.is_empty() => Confirmed::Yes,
        None => {
            Confirmed::Unknown("the program left no statistics: the library did not begin in it".to_owned())
        }
    })
}

/// Reads the loader's list: lines of `name => path (address)` or `path (address)`.
fn judge(answer: &str, complaint: &str, library: &Path) -> Result<Confirmed, Failure> {
    let wanted = library.to_string_lossy();
    let listed = |line: &str| line.split_whitespace().next() == Some(&*wanted);
    let is_list = answer.lines().any(|line| line.trim_end().ends_with(')') && line.contains("(0x"));
    if answer.lines().any(listed) {
        Ok(Confirmed::Yes)
    } else if is_list {
        let why = complaint.lines().find(|line| line.contains(&*wanted)).unwrap_or("it does not say why");
        Err(Failure::cannot_run(
            format!("the dynamic loader does not load {wanted} for this program: {}", why.trim()),
            "build the library for this system, or leave it out",
        ))
    } else {
        Ok(Confirmed::Unknown("the dynamic loader does not tell what it loads".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "\tlinux-vdso.so.1 (0x00007ffc)\n\t/lib/libx.so (0x00007f01)\n\tlibc.so.6 => /lib/libc.so.6 (0x00007f02)\n";

    #[test]
    fn the_list_of_the_loader_is_read() {
        let judge = |list, path: &str| {
            judge(list, "ERROR: ld.so: object '/lib/liby.so' cannot be preloaded\n", Path::new(path))
        };
        assert_eq!(judge(LIST, "/lib/libx.so").unwrap(), Confirmed::Yes);
        assert!(judge(LIST, "/lib/liby.so").unwrap_err().cause.contains("cannot be preloaded"));
        assert!(judge(LIST, "/lib/libz.so").unwrap_err().cause.contains("does not say why"));
        assert!(matches!(judge("hello\n", "/lib/libx.so").unwrap(), Confirmed::Unknown(_)));
    }
}
