//! Whose malloc is measured: the system's, ours, and those of `--with`.

use crate::elf;
use crate::failure::Failure;
use crate::library::{Library, can_stand_in_a_list};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The candidate without a library.
pub const SYSTEM: &str = "system";
/// The candidate with ours.
pub const OURS: &str = "heapwright";

const FORM: &str = "write --with name=/path/to/library.so";

/// One allocator to measure.
#[derive(Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its name in every table.
    pub name: String,
    /// What goes in front of the program; nothing for the system's malloc.
    pub library: Option<PathBuf>,
}

/// The system's malloc first: it is the base, and who fails with it fails without us.
pub fn all(ours: &Library, with: &[OsString]) -> Result<Vec<Candidate>, Failure> {
    let mut candidates = vec![
        Candidate { name: SYSTEM.to_owned(), library: None },
        Candidate { name: OURS.to_owned(), library: Some(ours.path.clone()) },
    ];
    let machine = facts(&ours.path).ok().map(|facts| facts.machine);
    for word in with {
        let (name, path) = split(word)?;
        if candidates.iter().any(|known| known.name == name) {
            return Err(Failure::tool(
                format!("--with {}: the name {name} is taken", word.display()),
                "give every allocator a name of its own, other than system and heapwright",
            ));
        }
        let library = check(path, machine)?;
        candidates.push(Candidate { name, library: Some(library) });
    }
    Ok(candidates)
}

/// `name=path`; a name is a word that any table and any terminal can show.
fn split(word: &OsStr) -> Result<(String, &Path), Failure> {
    let bad = |why: &str| Failure::tool(format!("--with {}: {why}", word.display()), FORM);
    let bytes = word.as_bytes();
    let at = bytes.iter().position(|byte| *byte == b'=').ok_or_else(|| bad("there is no name"))?;
    let (name, path) = (&bytes[..at], &bytes[at + 1..]);
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.+@".contains(byte);
    if name.is_empty() || !name.iter().all(plain) {
        return Err(bad("a name is made of letters, digits and any of - _ . + @"));
    }
    if path.is_empty() {
        return Err(bad("there is no library"));
    }
    Ok((String::from_utf8_lossy(name).into_owned(), Path::new(OsStr::from_bytes(path))))
}

/// The full path of a library that can take the place of the system's malloc.
fn check(path: &Path, machine: Option<elf::Machine>) -> Result<PathBuf, Failure> {
    let shown = path.display();
    let bad = |cause: String, remedy: &str| Err(Failure::tool(cause, remedy));
    let full = match path.canonicalize() {
        Ok(full) => full,
        Err(error) => return bad(format!("{shown} cannot be used as library: {error}"), FORM),
    };
    let facts = match facts(&full) {
        Ok(facts) => facts,
        Err(reason) => return bad(format!("{shown} cannot be used as library: {reason}"), FORM),
    };
    if !facts.is_shared_library() {
        return bad(format!("{shown} is a program, not a shared library"), FORM);
    }
    if !facts.exports.iter().any(|name| name == "malloc") {
        return bad(
            format!("{shown} exports no malloc, so the system's would be measured twice"),
            "name an allocator's library, built to take the place of malloc",
        );
    }
    if machine.is_some_and(|machine| machine != facts.machine) {
        return bad(
            format!("{shown} is for {}", facts.machine.name()),
            "name one that is built for this machine",
        );
    }
    if !can_stand_in_a_list(&full) {
        return bad(
            format!("the dynamic loader takes no spaces, colons and dollars in {}", full.display()),
            "move the library to a path without them",
        );
    }
    Ok(full)
}

fn facts(path: &Path) -> Result<elf::Facts, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Err("it is not a file".to_owned());
    }
    elf::read(&file)?.ok_or_else(|| "it is not an ELF file".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::Origin;

    fn cause(with: &[&str]) -> String {
        let ours = Library { path: "/no/such/libheapwright.so".into(), origin: Origin::Option };
        let with: Vec<OsString> = with.iter().map(OsString::from).collect();
        all(&ours, &with).expect_err("it is refused").cause
    }

    #[test]
    fn the_form_is_checked_before_the_file() {
        assert!(cause(&["/lib/x.so"]).contains("there is no name"));
        assert!(cause(&["=/lib/x.so"]).contains("a name is made of"));
        assert!(cause(&["two words=/lib/x.so"]).contains("a name is made of"));
        assert!(cause(&["je="]).contains("there is no library"));
        assert!(cause(&["system=/lib/x.so"]).contains("the name system is taken"));
        assert!(cause(&["heapwright=/lib/x.so"]).contains("the name heapwright is taken"));
    }

    #[test]
    fn what_is_no_library_is_refused() {
        assert!(cause(&["x=/no/such/library.so"]).contains("No such file"));
        assert!(cause(&["x=/"]).contains("it is not a file"));
        assert!(cause(&["x=/proc/self/status"]).contains("it is not an ELF file"));
    }

    #[test]
    fn a_path_may_have_an_equals_sign() {
        assert_eq!(split(OsStr::new("a=b=c")).unwrap(), ("a".to_owned(), Path::new("b=c")));
    }
}
