//! Where the carried library is unpacked, and what happens where it cannot be.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use support::{Folder, answer, errors, files, heapwright, run};

/// Runs a program that prints `LD_PRELOAD`, with `variables`.
fn preloaded(variables: &[(&str, &str)]) -> Output {
    let mut command = heapwright();
    command.args(["run", "-q", "sh", "-c", "echo $LD_PRELOAD"]);
    command.envs(variables.iter().copied()).output().expect("the command can be started")
}

/// The unpacked library below `folder`.
fn only_file(folder: &Path) -> PathBuf {
    let found = files(folder);
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

/// A folder that even root's children may walk to: what root prefers.
fn open_folder(name: &str) -> Folder {
    let folder = Folder::new(name);
    fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o755)).expect("a mode");
    folder
}

#[test]
fn the_library_lies_in_the_cache_by_its_content() {
    let folder = open_folder("cache");
    let output = preloaded(&[("XDG_CACHE_HOME", &folder.path(""))]);
    let file = only_file(&folder.0);
    assert_eq!(answer(&output).trim_end(), file.to_str().expect("UTF-8"));
    let name = file.parent().and_then(Path::file_name).expect("a folder").to_str().expect("UTF-8");
    assert!(name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
    assert!(file.starts_with(folder.path("heapwright")), "{}", file.display());
    assert_eq!(fs::metadata(&file).expect("the file").permissions().mode() & 0o777, 0o755);

    let home = open_folder("home");
    let output = preloaded(&[("HOME", &home.path(""))]);
    assert!(answer(&output).starts_with(&home.path(".cache/heapwright/")), "{}", answer(&output));
}

#[test]
fn the_library_is_unpacked_once_and_by_many_at_a_time() {
    let folder = open_folder("once");
    let cache = folder.path("");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let output = preloaded(&[("XDG_CACHE_HOME", &cache)]);
                assert!(answer(&output).starts_with(&cache), "{}{}", answer(&output), errors(&output));
            });
        }
    });
    let file = only_file(&folder.0);
    let before = fs::metadata(&file).expect("the file").modified().expect("a time");
    preloaded(&[("XDG_CACHE_HOME", &cache)]);
    assert_eq!(fs::metadata(&file).expect("the file").modified().expect("a time"), before);
}

#[test]
fn a_changed_library_is_replaced() {
    let folder = open_folder("changed");
    let cache = folder.path("");
    preloaded(&[("XDG_CACHE_HOME", &cache)]);
    let file = only_file(&folder.0);
    let good = fs::read(&file).expect("the library");
    let mut bad = good.clone();
    bad[good.len() / 2] ^= 1;
    for damage in [&bad[..], &good[..1000], b""] {
        fs::write(&file, damage).expect("the file is ours");
        preloaded(&[("XDG_CACHE_HOME", &cache)]);
        assert!(fs::read(&file).expect("the library") == good, "{} bytes stay", damage.len());
    }
}

#[test]
fn a_cache_that_cannot_be_written_is_passed_over() {
    let folder = open_folder("passed");
    let temporary = folder.path("tmp");
    fs::create_dir(&temporary).expect("a folder");
    // A file where the folder should be, and a file system that takes no files: neither is root's to write.
    let file = folder.file("file", b"");
    for cache in [file.as_str(), "/proc", "/no/such/folder"] {
        let output = preloaded(&[("XDG_CACHE_HOME", cache), ("TMPDIR", &temporary)]);
        assert!(answer(&output).starts_with(&temporary), "{cache}: {}{}", answer(&output), errors(&output));
    }
    let output = preloaded(&[("HOME", "/no/such/home"), ("TMPDIR", &temporary)]);
    assert!(answer(&output).starts_with(&temporary), "{}", answer(&output));
    assert!(!Path::new("/no").exists(), "a home is not made");
}

#[test]
fn folders_that_others_can_write_are_not_trusted() {
    let folder = open_folder("trusted");
    let (open, good) = (folder.path("open"), folder.path("good"));
    for path in [&open, &good] {
        fs::create_dir(path).expect("a folder");
    }
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).expect("a mode");
    let output = preloaded(&[("XDG_CACHE_HOME", &open), ("TMPDIR", &good)]);
    assert!(answer(&output).starts_with(&good), "{}", answer(&output));
    // Sticky: nobody else can take our folder away.
    fs::set_permissions(&open, fs::Permissions::from_mode(0o1777)).expect("a mode");
    let output = preloaded(&[("XDG_CACHE_HOME", &open), ("TMPDIR", &good)]);
    assert!(answer(&output).starts_with(&open), "{}", answer(&output));
    // A link that somebody planted under our name.
    let planted = folder.path("planted");
    fs::create_dir(&planted).expect("a folder");
    std::os::unix::fs::symlink(&open, format!("{planted}/heapwright")).expect("a link");
    let output = preloaded(&[("XDG_CACHE_HOME", &planted), ("TMPDIR", &good)]);
    assert!(answer(&output).starts_with(&good), "{}", answer(&output));
}

#[test]
fn folders_whose_names_the_loader_cannot_read_are_passed_over() {
    let folder = open_folder("names");
    let good = folder.path("good");
    fs::create_dir(&good).expect("a folder");
    for name in ["a b", "a:b", "a$LIB"] {
        let cache = folder.path(name);
        fs::create_dir(&cache).expect("a folder");
        let output = preloaded(&[("XDG_CACHE_HOME", &cache), ("TMPDIR", &good)]);
        assert!(answer(&output).starts_with(&good), "{name}: {}", answer(&output));
    }
}

/// Needs the right to mount: `cargo test -p heapwright-cli -- --ignored`.
#[test]
#[ignore = "needs the right to make a mount namespace"]
fn a_noexec_folder_is_passed_over_and_nothing_but_noexec_is_explained() {
    let folder = open_folder("noexec");
    let (noexec, good) = (folder.path("noexec"), folder.path("good"));
    for path in [&noexec, &good] {
        fs::create_dir(path).expect("a folder");
    }
    let command = env!("CARGO_BIN_EXE_heapwright");
    let inside = |script: String| {
        let output = Command::new("unshare").args(["--mount", "sh", "-e", "-c", &script]).output();
        output.expect("this test needs the program unshare")
    };
    let output = inside(format!(
        "mount -t tmpfs -o noexec tmpfs {noexec}; XDG_CACHE_HOME={noexec} TMPDIR={good} {command} run -q sh -c 'echo $LD_PRELOAD'"
    ));
    assert!(answer(&output).starts_with(&good), "{}{}", answer(&output), errors(&output));

    let all = "for f in /tmp /var/tmp /dev/shm; do mount -t tmpfs -o noexec tmpfs $f; done";
    let copy = "/usr/local/heapwright-noexec-test";
    let output = inside(format!(
        "cp {command} {copy}; trap 'rm {copy}' EXIT; {all}; unset XDG_CACHE_HOME XDG_RUNTIME_DIR TMPDIR; HOME=/proc {copy} run true"
    ));
    assert_eq!(output.status.code(), Some(125), "{}", errors(&output));
    assert!(errors(&output).contains("is mounted noexec"), "{}", errors(&output));
    assert!(errors(&output).contains("--library PATH or HEAPWRIGHT_LIBRARY"), "{}", errors(&output));
}

#[test]
fn another_library_can_be_named() {
    let folder = Folder::new("named");
    let source =
        "#include <stdio.h>\n__attribute__((constructor)) static void start(void) { puts(\"loaded\"); }";
    let library = folder.program("libother.so", source, ["-shared", "-fPIC"]);
    let folder_path = folder.0.canonicalize().expect("the folder");
    let full = folder_path.join("libother.so");
    let output = run(["--library", &library, "echo", "hello"]);
    assert_eq!(answer(&output), "loaded\nhello\n");
    assert!(errors(&output).contains("left no statistics"), "{}", errors(&output));
    let output = preloaded(&[("HEAPWRIGHT_LIBRARY", &library)]);
    assert!(answer(&output).contains(full.to_str().expect("UTF-8")), "{}", answer(&output));
}

#[test]
fn what_is_no_library_is_refused() {
    let folder = Folder::new("refused");
    let program = folder.program("program", "int main(void) { return 0; }", []);
    let text = folder.file("text.so", b"no library");
    let spaced = folder.program("lib a.so", "int nothing;", ["-shared", "-fPIC"]);
    let cases = [
        ("/no/such/library.so", "cannot be used as library"),
        (&program, "is a program, not a shared library"),
        (&text, "is not a shared library"),
        (&spaced, "the dynamic loader cannot take"),
    ];
    for (path, cause) in cases {
        let output = run(["--library", path, "true"]);
        assert_eq!(output.status.code(), Some(125), "{path}");
        assert!(
            errors(&output).contains(cause) && errors(&output).contains("remedy:"),
            "{}",
            errors(&output)
        );
    }
}
