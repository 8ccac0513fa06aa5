use super::*;
use crate::results::Allocator;
use std::cell::RefCell;
use std::fs;

/// A tree of sources with these scripts, removed in the end.
struct Tree(PathBuf);

impl Tree {
    fn with(name: &str, scripts: &[(&str, &str)]) -> Tree {
        let root = std::env::temp_dir().join(format!("heapwright-real-{}-{name}", std::process::id()));
        fs::create_dir_all(root.join("crates/bench/real")).unwrap();
        fs::create_dir_all(root.join("tests/preload")).unwrap();
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        fs::copy(sources.join("tests/preload/witness.c"), root.join("tests/preload/witness.c")).unwrap();
        for (name, text) in scripts {
            fs::write(root.join(format!("crates/bench/real/{name}.sh")), text).unwrap();
        }
        Tree(root)
    }

    fn gather(&self, peers: &[Peer]) -> (Vec<Job>, Vec<Missing>) {
        gather(&self.0, &self.0.join("work"), peers, true, false, &|_| {})
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn peer(name: &str, library: Option<PathBuf>) -> Peer {
    let allocator = Allocator {
        name: name.to_owned(),
        version: "1".to_owned(),
        origin: "here".to_owned(),
        sha256: None,
        environment: vec![("PEER_OPTION".to_owned(), name.to_owned())],
    };
    Peer { allocator, library, serving: String::new() }
}

/// A library that has no malloc: preloaded, it serves nobody.
fn idle_library(tree: &Tree) -> PathBuf {
    let source = tree.0.join("idle.c");
    let library = tree.0.join("libidle.so");
    fs::write(&source, "int idle_library;\n").unwrap();
    let built =
        std::process::Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status();
    assert!(built.unwrap().success());
    library
}

const SORT: &str = "#!/bin/sh\n# needs: sort=coreutils\n# serves: sort\n# about: Sorts.\n\
    case $1 in prepare) seq 1 50 > \"$2/in\" ;; run) echo \"$3\"; sort -rn \"$2/in\" | head -1 ;; esac\n";

#[test]
fn a_program_becomes_a_job_with_what_it_must_print() {
    let tree = Tree::with("job", &[("sort", SORT)]);
    let (jobs, missing) = tree.gather(&[peer("glibc", None)]);
    assert!(missing.is_empty(), "{missing:?}");
    let [job] = &jobs[..] else { panic!("{jobs:?}") };
    assert_eq!((job.workload.as_str(), job.about.as_str(), job.rounds), ("sort", "Sorts.", 1));
    let [candidate] = &job.candidates[..] else { panic!("{job:?}") };
    let Expect::Output(expected) = &candidate.expect else { panic!("{candidate:?}") };
    assert_eq!(expected, "quick\n50\n");
    assert_eq!(candidate.environment, [("PEER_OPTION".to_owned(), OsString::from("glibc"))]);
    let output = std::process::Command::new(&candidate.program).args(&candidate.arguments).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), *expected);
}

#[test]
fn a_library_that_serves_nobody_is_refused_and_said() {
    let tree = Tree::with("idle", &[("sort", SORT)]);
    let idle = idle_library(&tree);
    let (jobs, missing) = tree.gather(&[peer("idle", Some(idle.clone())), peer("glibc", None)]);
    assert!(missing.is_empty(), "{missing:?}");
    let refused: Vec<_> =
        jobs[0].candidates.iter().map(|one| (one.allocator.as_str(), &one.refused)).collect();
    let [("idle", Some(reason)), ("glibc", None)] = &refused[..] else { panic!("{refused:?}") };
    assert!(reason.contains("libc.so"), "{reason}");
    let (jobs, missing) = tree.gather(&[peer("idle", Some(idle))]);
    assert!(jobs.is_empty());
    assert_eq!(missing[0].name, "sort");
}

#[test]
fn a_script_that_prints_something_else_each_time_is_broken() {
    let text =
        SORT.replace("echo \"$3\"", "echo same; n=$(cat n 2> /dev/null || echo 0); echo $((n + 1)) | tee n");
    let tree = Tree::with("broken", &[("sort", &text)]);
    let (jobs, missing) = tree.gather(&[peer("glibc", None)]);
    assert!(jobs.is_empty());
    assert!(missing[0].reason.contains("differ in line 2: `1` and `2`"), "{missing:?}");
}

#[test]
fn a_script_that_fails_says_why() {
    let text = SORT.replace("echo \"$3\"", "echo 'no room' >&2; exit 3");
    let tree = Tree::with("fails", &[("sort", &text)]);
    let (jobs, missing) = tree.gather(&[peer("glibc", None)]);
    assert!(jobs.is_empty());
    assert!(missing[0].reason.contains("3") && missing[0].reason.contains("no room"), "{missing:?}");
}

#[test]
fn a_program_that_is_not_installed_and_a_header_without_a_witness_are_missing() {
    let scripts = [
        ("absent", SORT.replace("sort=coreutils", "no-such-command=some-package")),
        ("blind", SORT.replace("# serves: sort\n", "")),
    ];
    let scripts: Vec<(&str, &str)> = scripts.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let tree = Tree::with("absent", &scripts);
    let said = RefCell::new(Vec::new());
    let (jobs, missing) =
        gather(&tree.0, &tree.0.join("work"), &[peer("glibc", None)], true, false, &|text| {
            said.borrow_mut().push(text.to_owned());
        });
    assert!(jobs.is_empty());
    let reason = |name: &str| missing.iter().find(|one| one.name == name).unwrap().reason.clone();
    assert_eq!(reason("absent"), "no-such-command is not installed: apt-get install some-package");
    assert!(reason("blind").contains("# serves:"), "{}", reason("blind"));
    assert_eq!(said.borrow().len(), 1, "only one script is worth preparing");
}

#[test]
fn a_header_is_read_up_to_the_code() {
    let text = "#!/bin/sh\n# needs: a=b /usr/bin/c=d\n# serves: a c*\n# about: What: it does.\nset -eu\n# needs: x=y\n";
    let script = script::parse("name", Path::new("/x/name.sh"), text).unwrap();
    let needs: Vec<_> =
        script.needs.iter().map(|need| (need.command.as_str(), need.package.as_str())).collect();
    assert_eq!(needs, [("a", "b"), ("/usr/bin/c", "d")]);
    assert_eq!(script.serves, ["a", "c*"]);
    assert_eq!(script.about, "What: it does.");
    for fault in ["a=b", "# serves: a", "# about"] {
        assert!(script::parse("name", Path::new("/x"), &text.replace(fault, "?")).is_err(), "{fault}");
    }
}

#[test]
fn the_scripts_of_the_suite_have_sound_headers() {
    let mut missing = Vec::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("real");
    let scripts = script::all(&folder, &mut missing);
    assert!(missing.is_empty(), "{missing:?}");
    assert!(scripts.len() >= 10, "{}", scripts.len());
}

#[test]
fn outputs_differ_where_one_ends_early() {
    assert_eq!(first_difference("a\nb\n", "a\nb"), None);
    assert_eq!(first_difference("a\n", "a\nb\n"), Some((2, "(the end)".to_owned(), "b".to_owned())));
}
