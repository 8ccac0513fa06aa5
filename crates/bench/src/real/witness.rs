//! Who serves a process: what the witness (`tests/preload/witness.c`) wrote down, and whether it will do.

use std::path::Path;

/// Every process that was seen, with the object to which its call of `malloc` was bound.
#[derive(Debug, PartialEq, Eq)]
pub struct Testimony {
    seen: Vec<(String, String)>,
}

impl Testimony {
    /// Reads the witness's lines: an executable's path, a tab, an object's path.
    pub fn parse(text: &str) -> Testimony {
        let line = |line: &str| {
            let (executable, owner) = line.split_once('\t')?;
            let executable = base(executable).trim_end_matches(" (deleted)");
            Some((executable.to_owned(), owner.to_owned()))
        };
        Testimony { seen: text.lines().filter_map(line).collect() }
    }

    /// Whether every process was served by `library` (nothing: the C library), those in `serves` among them.
    ///
    /// # Errors
    /// A line that names the process and what served it instead.
    pub fn judge(&self, serves: &[String], library: Option<&Path>) -> Result<(), String> {
        let served = |owner: &str| match library {
            Some(library) => same_file(Path::new(owner), library),
            None => base(owner).starts_with("libc.so.") || base(owner).starts_with("libc-2."),
        };
        if let Some((executable, owner)) = self.seen.iter().find(|(_, owner)| !served(owner)) {
            let own = if base(owner) == executable { ", built into it," } else { "" };
            return Err(format!("in {executable}, {owner}{own} served malloc instead"));
        }
        match serves.iter().find(|name| !self.seen.iter().any(|(executable, _)| matches(name, executable))) {
            Some(name) => Err(format!("no process of {name} was seen with the library loaded")),
            None => Ok(()),
        }
    }
}

/// The same file, also by another path; the same path where there is no such file.
fn same_file(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether `name` is one of the `patterns` between `|`, in which `*` stands for any text.
fn matches(patterns: &str, name: &str) -> bool {
    patterns.split('|').any(|pattern| matches_one(pattern, name))
}

fn matches_one(pattern: &str, name: &str) -> bool {
    let Some((head, mut rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(head) else { return false };
    while let Some((part, after)) = rest.split_once('*') {
        let Some(at) = name.find(part) else { return false };
        name = &name[at + part.len()..];
        rest = after;
    }
    name.ends_with(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIBRARY: &str = "/nonexistent/libpeer.so";

    fn judge(lines: &str, serves: &[&str], library: Option<&str>) -> Result<(), String> {
        let serves: Vec<String> = serves.iter().map(|name| (*name).to_owned()).collect();
        Testimony::parse(lines).judge(&serves, library.map(Path::new))
    }

    #[test]
    fn the_library_in_every_process_is_what_is_wanted() {
        let lines = "/usr/bin/dash\t/nonexistent/libpeer.so\n/usr/bin/python3.11\t/nonexistent/libpeer.so\n";
        assert_eq!(judge(lines, &["python3*"], Some(LIBRARY)), Ok(()));
    }

    #[test]
    fn another_object_in_one_process_is_a_fault() {
        let lines = "/usr/bin/dash\t/nonexistent/libpeer.so\n/usr/bin/redis-server\t/lib/libjemalloc.so.2\n";
        let reason = judge(lines, &["dash"], Some(LIBRARY)).unwrap_err();
        assert!(reason.contains("redis-server") && reason.contains("/lib/libjemalloc.so.2"), "{reason}");
        let reason =
            judge(&lines.replace("dash\t", "rustc\t/opt/rustc#").replace('#', "\n"), &[], Some(LIBRARY));
        assert!(reason.unwrap_err().contains("built into it"));
    }

    #[test]
    fn a_library_of_the_same_name_elsewhere_is_another() {
        let reason = judge("/bin/lua\t/other/libpeer.so\n", &["lua"], Some(LIBRARY)).unwrap_err();
        assert!(reason.contains("/other/libpeer.so"), "{reason}");
    }

    #[test]
    fn a_program_that_was_not_seen_is_a_fault() {
        let reason =
            judge("/bin/dash\t/nonexistent/libpeer.so\n", &["dash", "postgres"], Some(LIBRARY)).unwrap_err();
        assert!(reason.contains("postgres"), "{reason}");
        assert!(judge("", &["dash"], Some(LIBRARY)).is_err());
    }

    #[test]
    fn without_a_library_the_c_library_must_serve() {
        assert_eq!(judge("/bin/lua\t/lib/x86_64-linux-gnu/libc.so.6\n", &["lua"], None), Ok(()));
        assert!(judge("/bin/lua\t/lib/libjemalloc.so.2\n", &["lua"], None).is_err());
        assert!(judge("/bin/lua\t/lib/libc.so.6\n", &["lua"], Some(LIBRARY)).is_err());
    }

    #[test]
    fn patterns() {
        assert!(
            matches("python3*", "python3.11")
                && matches("*gcc*", "x86_64-linux-gnu-gcc-12")
                && matches("a", "a")
        );
        assert!(matches("b|a*", "ab") && matches("a*|b", "b") && !matches("b|a*", "c"));
        assert!(matches("a*a", "aa") && !matches("a*a", "a"));
        assert!(!matches("python3*", "python2") && !matches("lua", "luajit") && !matches("*-gcc", "gcc-12"));
    }
}
