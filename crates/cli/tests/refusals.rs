//! Programs that cannot run, or not under the library: the cause and the remedy, and a status that tells.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;
use support::{Folder, answer, errors, heapwright, run};

/// The command refused with `status`; its cause has `cause` in it, and a remedy follows.
fn refused(output: &Output, status: i32, cause: &str) {
    let text = errors(output);
    assert_eq!(output.status.code(), Some(status), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].starts_with("heapwright: ") && lines[0].contains(cause), "{text}");
    assert!(lines[1].starts_with("  remedy: "), "{text}");
    assert_eq!(answer(output), "");
}

const HELLO: &str = "#include <stdio.h>\nint main(void) { puts(\"hello\"); return 0; }";

#[test]
fn a_missing_program() {
    refused(&run(["no-such-program-here"]), 127, "there is no program no-such-program-here in PATH");
    refused(&run(["/no/such/program"]), 127, "there is no program /no/such/program");
    refused(&run([""]), 127, "empty");
    refused(&run(["/etc/passwd/program"]), 127, "a part of its path is a file");
}

#[test]
fn a_program_in_this_folder_but_not_in_path() {
    let folder = Folder::new("here");
    folder.program("hello", HELLO, []);
    let output = heapwright().args(["run", "hello"]).current_dir(&folder.0).output().expect("a run");
    refused(&output, 127, "hello in PATH");
    assert!(errors(&output).contains("write ./hello"), "{}", errors(&output));
}

#[test]
fn a_broken_link() {
    let folder = Folder::new("link");
    std::os::unix::fs::symlink("/no/where", folder.path("link")).expect("a link");
    refused(&run([&folder.path("link")]), 127, "is a link to /no/where");
}

#[test]
fn what_is_not_executable() {
    let folder = Folder::new("mode");
    let script = folder.file("script.py", b"print(1)\n");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o644)).expect("a mode");
    let output = run([&script]);
    refused(&output, 126, "is not executable");
    assert!(errors(&output).contains("python3"), "{}", errors(&output));
    refused(&run([folder.0.to_str().expect("UTF-8")]), 126, "is a folder");
}

#[test]
fn path_prefers_what_can_be_executed() {
    let folder = Folder::new("path");
    for (name, mode) in [("first", 0o644), ("second", 0o755)] {
        fs::create_dir(folder.path(name)).expect("a folder");
        let file = folder.file(&format!("{name}/tool"), format!("#!/bin/sh\necho {name}\n").as_bytes());
        fs::set_permissions(file, fs::Permissions::from_mode(mode)).expect("a mode");
    }
    let with_path =
        |path: String| heapwright().args(["run", "-q", "tool"]).env("PATH", path).output().expect("a run");
    let (first, second) = (folder.path("first"), folder.path("second"));
    assert_eq!(answer(&with_path(format!("{first}:{second}"))), "second\n");
    refused(&with_path(first), 126, "is not executable");
}

#[test]
fn a_static_program() {
    let folder = Folder::new("static");
    for (name, option) in [("static", "-static"), ("static-pie", "-static-pie")] {
        let program = folder.program(name, HELLO, [option]);
        let output = run([&program]);
        refused(&output, 126, "is statically linked");
        assert!(errors(&output).contains("libheapwright.a"), "{}", errors(&output));
        let output = run(["--anyway", &program]);
        assert_eq!((output.status.code(), answer(&output).as_str()), (Some(0), "hello\n"));
        assert!(errors(&output).contains("warning:"), "{}", errors(&output));
    }
}

#[test]
fn a_set_uid_program() {
    // As root, a program of somebody else; as anybody else, one of root's that every system has.
    let folder = Folder::new("setuid");
    let program = if rustix::process::getuid().is_root() {
        let program = folder.program("hello", HELLO, []);
        std::os::unix::fs::chown(&program, Some(65534), None).expect("root may give files away");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o4755)).expect("a mode");
        program
    } else {
        "su".to_owned()
    };
    refused(&run([&program]), 126, "is set-uid");
}

#[test]
fn root_s_own_set_uid_program_raises_nothing_for_root() {
    let folder = Folder::new("own-setuid");
    let program = folder.program("hello", HELLO, []);
    fs::set_permissions(&program, fs::Permissions::from_mode(0o4755)).expect("a mode");
    assert_eq!(answer(&run([&program])), "hello\n");
}

#[test]
fn a_script_without_its_interpreter() {
    let folder = Folder::new("script");
    let script = |name: &str, text: &str| folder.file(name, text.as_bytes());
    refused(&run([&script("gone", "#!/no/interpreter -x\n")]), 126, "/no/interpreter");
    refused(&run([&script("env", "#!/usr/bin/env no-such-interpreter\n")]), 126, "no-such-interpreter");
    refused(&run([&script("windows", "#!/bin/sh\r\necho 1\r\n")]), 126, "ends as on Windows");
    refused(&run([&script("windows-env", "#!/usr/bin/env sh\r\necho 1\r\n")]), 126, "ends as on Windows");
}

#[test]
fn scripts_run() {
    let folder = Folder::new("scripts");
    let script = |name: &str, text: &str| folder.file(name, text.as_bytes());
    assert_eq!(answer(&run([&script("plain", "#!/bin/sh\necho plain\n")])), "plain\n");
    assert_eq!(answer(&run([&script("env", "#!/usr/bin/env -S A=1 sh\necho env\n")])), "env\n");
    assert_eq!(answer(&run([&script("none", "echo none\n")])), "none\n");
    let deep = script("deep", &format!("#!{}\n", folder.path("plain")));
    assert_eq!(answer(&run([&deep])), "plain\n");
}

#[test]
fn a_script_of_a_static_interpreter() {
    let folder = Folder::new("interpreter");
    let program = folder.program("static", HELLO, ["-static"]);
    refused(&run([&folder.file("script", format!("#!{program}\n").as_bytes())]), 126, "is statically linked");
}

#[test]
fn another_machine() {
    let folder = Folder::new("machine");
    let program = folder.program("hello", HELLO, []);
    let mut bytes = fs::read(program).expect("the program");
    // The machine in the ELF header: SPARC.
    bytes[18] = 2;
    let output = run([&folder.file("sparc", &bytes)]);
    refused(&output, 126, "machine number 2 program, the library is 64-bit");
    let mut small = b"\x7fELF\x01\x01\x01".to_vec();
    small.resize(64, 0);
    (small[16], small[18], small[40], small[42]) = (2, 3, 52, 32);
    refused(&run([&folder.file("small", &small)]), 126, "is a 32-bit x86 program");
}

#[test]
fn a_damaged_program() {
    let folder = Folder::new("damaged");
    refused(&run([&folder.file("short", b"\x7fELF\x02\x01\x01\0")]), 126, "it is damaged");
    refused(&run([&folder.file("class", b"\x7fELF\x09\x01\x01\0")]), 126, "class");
    refused(
        &run([&folder.file("noise", b"MZ\0\0\x01\x02 not ours")]),
        126,
        "neither a program of this system nor a script",
    );
}

#[test]
fn a_missing_loader() {
    let folder = Folder::new("loader");
    let program = folder.program("hello", HELLO, ["-Wl,--dynamic-linker=/no/ld.so.9"]);
    refused(&run([&program]), 126, "wants the dynamic loader /no/ld.so.9");
}

/// A program with an allocator of its own: how it got it is up to the options.
const OWN_MALLOC: &str = r#"
#include <stddef.h>
#include <stdio.h>
static char memory[1 << 20];
static size_t used;
VISIBILITY void *malloc(size_t size) { void *p = memory + used; used += (size + 31) & ~15ul; return p; }
VISIBILITY void free(void *p) { (void)p; }
int main(void) { malloc(10); puts("hello"); return 0; }
"#;

#[test]
fn a_program_that_exports_its_own_malloc() {
    let folder = Folder::new("exports");
    let program = folder.program("own", OWN_MALLOC, ["-DVISIBILITY=", "-rdynamic"]);
    let output = run([&program]);
    refused(&output, 126, "exports a malloc of its own");
    assert_eq!(answer(&run(["--anyway", &program])), "hello\n");
}

#[test]
fn a_program_with_a_hidden_malloc_is_warned_about() {
    let folder = Folder::new("hidden");
    let hidden = "-DVISIBILITY=__attribute__((visibility(\"hidden\")))";
    let program = folder.program("own", OWN_MALLOC, [hidden]);
    let output = run([&program]);
    assert_eq!((output.status.code(), answer(&output).as_str()), (Some(0), "hello\n"));
    assert!(
        errors(&output).contains("warning: ") && errors(&output).contains("a malloc of its own"),
        "{}",
        errors(&output)
    );
    assert!(!errors(&run(["-q", &program])).contains("warning"));
}

#[test]
fn a_program_with_a_known_allocator_in_it_or_beside_it() {
    let folder = Folder::new("known");
    let source = "#include <stdio.h>\nvoid mi_malloc(void) {}\nint main(void) { mi_malloc(); puts(\"hello\"); return 0; }";
    let program = folder.program("inside", source, []);
    assert!(errors(&run([&program])).contains("has mimalloc in it"), "{}", errors(&run([&program])));

    let beside = folder.program(
        "libjemalloc.so.2",
        "int je_unused;",
        ["-shared", "-fPIC", "-Wl,-soname,libjemalloc.so.2"],
    );
    let origin = "-Wl,-rpath,$ORIGIN";
    let program = folder.program("beside", HELLO, ["-Wl,--no-as-needed", &beside, origin]);
    let output = run([&program]);
    assert_eq!(answer(&output), "hello\n", "{}", errors(&output));
    assert!(errors(&output).contains("links jemalloc (libjemalloc.so.2)"), "{}", errors(&output));
}

#[test]
fn a_sanitized_program() {
    let folder = Folder::new("sanitized");
    let source = "#include <stdio.h>\nvoid __asan_init(void) {}\nint main(void) { __asan_init(); puts(\"hello\"); return 0; }";
    let program = folder.program("asan", source, ["-rdynamic"]);
    refused(&run([&program]), 126, "is built with AddressSanitizer");
}

#[test]
fn a_program_that_nobody_may_read_runs() {
    let folder = Folder::new("unreadable");
    let program = folder.program("hello", HELLO, []);
    fs::set_permissions(&program, fs::Permissions::from_mode(0o711)).expect("a mode");
    assert_eq!(answer(&run([&program])), "hello\n");
}
