//! See mod.rs. The libraries here are made by the tests: a few lines of C that say what a peer says.

use super::*;
use std::fs;
use std::process::Command;
use std::sync::OnceLock;

/// The tree.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the package lies two folders deep")
}

/// A folder of a test's own, which goes with it.
struct Folder(PathBuf);

impl std::ops::Deref for Folder {
    type Target = Path;
    fn deref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A folder of this test's own, empty.
fn folder(name: &str) -> Folder {
    let folder = std::env::temp_dir().join(format!("heapwright-peers-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("the folder for temporary files is writable");
    Folder(folder.canonicalize().expect("the folder is there"))
}

/// The program of the workloads, built once.
fn load() -> &'static Path {
    static LOAD: OnceLock<PathBuf> = OnceLock::new();
    LOAD.get_or_init(|| {
        let target =
            std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
        let mut command = Command::new(env!("CARGO"));
        command.args(["build", "-p", "heapwright-load", "--target-dir"]).arg(&target).current_dir(root());
        run::run(&mut command, None).expect("heapwright-load can be built");
        target.join("debug/heapwright-load")
    })
}

/// Makes a library that serves blocks from one array and never takes one back.
fn toy(library: &Path, says: &str, bytes: usize) {
    let source = library.with_extension("c");
    let text = format!(
        r#"
        #include <stddef.h>
        #include <string.h>
        static _Alignas(4096) char all[{bytes}];
        static size_t used;
        const char *heapwright_bench_peer(void) {{ return "{says}"; }}
        void *aligned_alloc(size_t align, size_t size)
        {{
            size_t at = (__atomic_fetch_add(&used, size + align + 32, __ATOMIC_RELAXED) + align + 16) / align * align;
            if (at + size > sizeof all) return NULL;
            memcpy(all + at - 8, &size, 8);
            return all + at;
        }}
        void *malloc(size_t size) {{ return aligned_alloc(16, size); }}
        void free(void *block) {{ (void)block; }}
        void *calloc(size_t count, size_t size) {{ return malloc(count * size); }}
        void *realloc(void *old, size_t size)
        {{
            void *block = malloc(size);
            size_t had = 0;
            if (old) memcpy(&had, (char *)old - 8, 8);
            return old && block ? memcpy(block, old, had < size ? had : size) : block;
        }}
        int posix_memalign(void **out, size_t align, size_t size)
        {{
            *out = aligned_alloc(align, size);
            return 0;
        }}
        "#
    );
    fs::write(&source, text).expect("the test's folder is writable");
    let mut command = Command::new("cc");
    command.args(["-shared", "-fPIC", "-O1", "-fno-builtin", "-Wl,--build-id=sha1", "-o"]);
    run::run(command.arg(library).arg(&source), None).expect("cc makes a library");
}

/// The entry of a peer that only a test has.
const TOY: Entry = Entry { name: "toy", source: Source::Folder("toy"), environment: &[] };

/// Accepts a toy that should be version 1.
fn accepted(library: &Path) -> Result<Peer, String> {
    let candidate = Candidate {
        library: Some(library.to_owned()),
        family: "toy".to_owned(),
        version: Some("1".to_owned()),
        origin: "a test".to_owned(),
        packaged: None,
    };
    accept(&TOY, candidate, load())
}

/// What a later process says.
fn later(peer: &Peer) -> Result<String, String> {
    identity::ask(load(), peer.library.as_deref(), &peer.allocator.environment)
}

#[test]
fn a_library_that_is_swapped_is_noticed() {
    let folder = folder("swapped");
    let library = folder.join("libtoy.so");
    toy(&library, "toy 1", 1 << 24);
    let peer = accepted(&library).expect("a toy is as good a peer as any");
    assert!(peer.serving.starts_with(&format!("toy 1 {} build-id ", library.display())), "{}", peer.serving);
    assert_eq!(peer.allocator.version, "1");
    assert_eq!(later(&peer).as_ref(), Ok(&peer.serving), "nothing changed");

    toy(&library, "toy 1", 1 << 25);
    let other_content = later(&peer).expect("the other library works too");
    assert!(other_content.starts_with("toy 1 "), "{other_content}");
    assert_ne!(other_content, peer.serving, "the same name and version, another content");

    toy(&library, "toy 2", 1 << 24);
    assert_ne!(later(&peer).expect("it works"), peer.serving, "another version");
    toy(&library, "decoy 1", 1 << 24);
    assert_ne!(later(&peer).expect("it works"), peer.serving, "another family");
}

#[test]
fn a_library_that_goes_away_is_noticed() {
    let folder = folder("gone");
    let library = folder.join("libtoy.so");
    toy(&library, "toy 1", 1 << 24);
    let peer = accepted(&library).expect("a toy is as good a peer as any");
    fs::remove_file(&library).expect("it was there");
    let said = later(&peer).expect("the loader goes on with the C library");
    assert!(said.starts_with("glibc "), "{said}");
    assert_ne!(said, peer.serving);
    let error = accepted(&library).expect_err("it is not there");
    assert!(error.contains("cannot be found"), "{error}");
}

#[test]
fn a_library_that_is_someone_else_is_refused() {
    let folder = folder("other");
    let library = folder.join("libtoy.so");
    toy(&library, "decoy 1", 1 << 24);
    let error = accepted(&library).expect_err("it says decoy");
    assert!(error.ends_with("is decoy 1, not toy"), "{error}");
    toy(&library, "toy 2", 1 << 24);
    let error = accepted(&library).expect_err("it says 2");
    assert!(error.ends_with("is toy 2, not 1"), "{error}");

    // A library without any of the names leaves malloc to the C library.
    fs::write(library.with_extension("c"), "int nothing;").expect("the test's folder is writable");
    let mut command = Command::new("cc");
    command.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(library.with_extension("c"));
    run::run(&mut command, None).expect("cc makes a library");
    let error = accepted(&library).expect_err("it serves nothing");
    assert!(error.contains("malloc comes from") && error.contains("libc"), "{error}");
}

#[test]
fn a_library_without_a_build_id_is_refused() {
    let folder = folder("id");
    let library = folder.join("libtoy.so");
    toy(&library, "toy 1", 1 << 24);
    let mut command = Command::new("cc");
    command.args(["-shared", "-fPIC", "-O1", "-fno-builtin", "-Wl,--build-id=none", "-o"]);
    run::run(command.arg(&library).arg(library.with_extension("c")), None).expect("cc makes a library");
    let error = accepted(&library).expect_err("another file could say the same");
    assert!(error.contains("has no build id"), "{error}");
}

#[test]
fn a_process_is_asked_without_the_variables_of_the_caller() {
    let folder = folder("sealed");
    let program = folder.join("load");
    let mut shell = Command::new("sh");
    // Written by a process of its own: a file that this one has open cannot be run.
    let text = r#"printf '#!/bin/sh\necho $LC_ALL$CARGO_MANIFEST_DIR $TOY\n' > "$1" && chmod 755 "$1""#;
    run::run(shell.args(["-c", text, "sh"]).arg(&program), None).expect("sh writes a file");
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some(), "cargo sets it for tests");
    let said = identity::ask(&program, None, &[("TOY".to_owned(), "1".to_owned())]);
    assert_eq!(said.as_deref(), Ok("C 1"));
}

#[test]
fn a_failed_command_names_its_log_without_its_folder() {
    let folder = folder("log");
    let log = folder.join("log");
    let error = run::run(Command::new("sh").args(["-c", "echo broken; exit 3"]), Some(&log)).expect_err("3");
    assert_eq!(
        error,
        "sh failed (exit status: 3): broken; all it said is in `log` in the peer's build folder"
    );
    assert_eq!(fs::read_to_string(&log).expect("it is there"), "broken\n");
}

#[test]
fn a_family_of_two_libraries_is_refused() {
    let folder = folder("mixed");
    let library = folder.join("libtoy.so");
    // `free` alone, which forwards nothing: only its address is asked for before the process ends.
    fs::write(library.with_extension("c"), "void free(void *block) { (void)block; }").expect("writable");
    let mut command = Command::new("cc");
    command.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(library.with_extension("c"));
    run::run(&mut command, None).expect("cc makes a library");
    let error = accepted(&library).expect_err("malloc and free are two libraries'");
    assert!(
        error.contains("several libraries") && error.contains(&format!("free {}", library.display())),
        "{error}"
    );
}

#[test]
fn identities() {
    let identity = Identity::parse("mimalloc 3.3.2 /a folder/lib.so build-id 1a2b").expect("a line");
    assert_eq!((identity.family.as_str(), identity.version.as_str()), ("mimalloc", "3.3.2"));
    assert_eq!((identity.path.as_str(), identity.build_id.as_str()), ("/a folder/lib.so", "1a2b"));
    for line in
        ["", "glibc", "mimalloc 3.3.2 /lib.so", "mimalloc /lib.so build-id 1a", "mixed: malloc /a, free /b"]
    {
        assert!(Identity::parse(line).is_err(), "{line}");
    }
}

#[test]
fn a_library_is_made_once_and_again_when_it_is_touched() {
    let folder = folder("stamp");
    let source = folder.join("recipe");
    fs::create_dir_all(source.join("src")).expect("writable");
    fs::write(source.join("src/lib.rs"), "").expect("writable");
    fs::write(source.join("one.c"), "int one(void) { return VALUE; }").expect("writable");
    let manifest = "[workspace]\n[package]\nname = \"one\"\nversion = \"1.2.3+abc\"\nedition = \"2024\"\n";
    fs::write(source.join("Cargo.toml"), manifest).expect("writable");
    let lock = "version = 4\n\n[[package]]\nname = \"one\"\nversion = \"1.2.3+abc\"\n";
    fs::write(source.join("Cargo.lock"), lock).expect("writable");
    let write = |value: u32| {
        let text = format!(
            "family = \"one\"\npackage = \"one\"\n[compile]\nfiles = [\"one.c\"]\nflags = [\"-DVALUE={value}\"]\n"
        );
        fs::write(source.join("peer.toml"), text).expect("writable");
    };
    let built = std::cell::Cell::new(0);
    let make = || {
        built.set(0);
        let recipe = Recipe::read(&source, "one").expect("a recipe");
        assert_eq!((recipe.version().as_str(), recipe.build()), ("1.2.3", "abc"));
        let say = |text: &str| built.set(built.get() + u32::from(text.starts_with("built")));
        let library = build::library(&recipe, &folder.join("one"), &say).expect("cc makes a library");
        (library, built.get())
    };
    write(1);
    let (library, times) = make();
    assert_eq!(times, 1, "the first time");
    let first = run::sha256_of(&library).expect("it is there");
    assert_eq!(make().1, 0, "nothing changed");
    write(2);
    assert_eq!(make().1, 1, "the recipe changed");
    assert_ne!(run::sha256_of(&library).expect("it is there"), first);
    fs::write(&library, "not a library").expect("writable");
    assert_eq!(make().1, 1, "the file was swapped");
    fs::remove_file(&library).expect("it was there");
    assert_eq!(make().1, 1, "the file was gone");
}

#[test]
fn recipes_can_be_read() {
    for entry in fs::read_dir(root().join("crates/bench/peers")).expect("the peers' folder").flatten() {
        if entry.path().is_dir() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let used =
                ENTRIES.iter().any(|entry| matches!(entry.source, Source::Folder(folder) if folder == name));
            assert!(used, "{name} belongs to no entry");
            let recipe = Recipe::read(&entry.path(), &name).expect("a recipe");
            assert!(recipe.sources.is_dir(), "{name}");
        }
    }
}

/// Builds every peer, which takes minutes, and asks each who it is.
#[test]
#[ignore = "builds every peer"]
fn every_peer_is_there() {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let (peers, missing) =
        gather(root(), &target.join("bench/peers"), load(), false, &|text| println!("{text}"));
    let reasons: Vec<_> =
        missing.iter().map(|missing| format!("{}: {}", missing.name, missing.reason)).collect();
    assert!(missing.is_empty(), "{}", reasons.join("\n"));
    let names: Vec<_> = peers.iter().map(|peer| peer.allocator.name.as_str()).collect();
    assert_eq!(names, ENTRIES.iter().map(|entry| entry.name).collect::<Vec<_>>());
    for peer in &peers {
        assert_eq!(later(peer).as_ref(), Ok(&peer.serving));
    }
}

#[test]
fn the_quick_suite_does_not_wait_for_a_long_build() {
    let folder = folder("patience");
    let slow = ENTRIES.iter().find(|entry| entry.name == "tcmalloc-google").expect("it is in the list");
    let refused = patience(slow, &folder, true);
    assert!(refused.is_err_and(|reason| reason.contains("bench peers")));
    assert!(patience(slow, &folder, false).is_ok());
    fs::create_dir_all(folder.join("tcmalloc-google")).expect("a folder");
    fs::write(folder.join("tcmalloc-google/stamp"), "built").expect("a file");
    assert!(patience(slow, &folder, true).is_ok());
}
