//! Whether a candidate's library is really in use, as far as that can be told without disturbing what is measured.
//!
//! Ours leaves a statistics file in the round that is not measured. Of the others the dynamic loader is asked what it
//! loads for the program, which does not run it: glibc's loader only, so a program of another is not asked.

use super::Stop;
use super::candidates::{Candidate, OURS};
use super::runner::Runner;
use crate::elf;
use crate::failure::Failure;
use crate::library::Library;
use crate::run::Session;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// How many scripts may read each other, as in the kernel.
const MOST_SCRIPTS: usize = 5;
/// No first line of a script is longer.
const LONGEST_LINE: u64 = 4096;

/// What is known of a library's use.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Confirmed {
    /// It is in use, or there is nothing to confirm: the system's malloc.
    Yes,
    /// As far as can be told it is not, for this reason: there is no verdict.
    Unknown(String),
}

/// The unmeasured run of `candidate`, and what it shows.
pub fn warm_up(runner: &Runner, candidate: &Candidate, library: &Library) -> Result<Confirmed, Stop> {
    let Some(path) = &candidate.library else {
        runner.run(candidate, 0)?;
        return Ok(Confirmed::Yes);
    };
    if candidate.name != OURS {
        let confirmed = ask_loader(runner, candidate, path)?;
        runner.run(candidate, 0)?;
        return Ok(confirmed);
    }
    let session = Session::open(Library { path: library.path.clone(), origin: library.origin });
    runner.run_counted(&session, candidate)?;
    // Whose they are does not matter: no process of the run is known by its number here.
    let records = session.records(0);
    Ok(match session.uncounted() {
        Some(_) => ask_loader(runner, candidate, path)?,
        None if records.own.is_some() || !records.others.is_empty() => Confirmed::Yes,
        None => {
            Confirmed::Unknown("the program left no statistics: the library did not begin in it".to_owned())
        }
    })
}

fn ask_loader(runner: &Runner, candidate: &Candidate, library: &Path) -> Result<Confirmed, Stop> {
    if !loader_answers(runner.program()) {
        return Ok(Confirmed::Unknown("no dynamic loader tells what it loads for the program".to_owned()));
    }
    let (answer, complaint) = runner.loaded(candidate)?;
    judge(&answer, &complaint, library).map_err(Stop::Refused)
}

/// Whether the program at `path`, or what reads it if it is a script, has a loader that lists what it would load.
/// Without one the question would run the program.
fn loader_answers(path: &Path) -> bool {
    let mut path = path.to_path_buf();
    for _ in 0..=MOST_SCRIPTS {
        let Ok(file) = File::open(&path) else { return false };
        match elf::read(&file) {
            Ok(Some(facts)) => return facts.interpreter.is_some_and(|loader| is_glibc(&loader)),
            Ok(None) => match reader(&path) {
                Some(next) => path = next,
                None => return false,
            },
            Err(_) => return false,
        }
    }
    false
}

fn is_glibc(loader: &Path) -> bool {
    let name = loader.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("ld") && !name.starts_with("ld-musl")
}

/// The program that the first line of a script names.
fn reader(script: &Path) -> Option<PathBuf> {
    let mut line = Vec::new();
    BufReader::new(File::open(script).ok()?.take(LONGEST_LINE)).read_until(b'\n', &mut line).ok()?;
    let line = line.strip_prefix(b"#!")?.trim_ascii();
    let path = line.split(u8::is_ascii_whitespace).next().filter(|path| !path.is_empty())?;
    Some(PathBuf::from(OsStr::from_bytes(path)))
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

    #[test]
    fn a_script_is_read_by_what_its_first_line_names() {
        let path = std::env::temp_dir().join(format!("heapwright-reader-{}", std::process::id()));
        let of = |text: &str| {
            std::fs::write(&path, text).expect("a file");
            let found = reader(&path);
            std::fs::remove_file(&path).expect("the file goes");
            found
        };
        assert_eq!(of("#! /bin/sh -e\n/bin/false\n"), Some("/bin/sh".into()));
        assert_eq!(of("#!/usr/bin/env"), Some("/usr/bin/env".into()));
        assert_eq!((of("echo\n"), of("#!\n"), of("")), (None, None, None));
    }

    #[test]
    fn only_the_loader_that_lists_is_asked() {
        assert!(is_glibc(Path::new("/lib64/ld-linux-x86-64.so.2")));
        assert!(!is_glibc(Path::new("/lib/ld-musl-x86_64.so.1")));
        assert!(!loader_answers(Path::new("/proc/self/status")));
    }

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
