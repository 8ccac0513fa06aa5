//! `heapwright compare`: what it says of programs that work, of programs that fail, and of what it cannot measure.

mod support;

use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output, Stdio};
use support::{Folder, answer, errors, heapwright};

/// An allocator that serves from the C library and wastes time in each malloc.
const SLOW: &str = r#"
#include <stddef.h>
void *__libc_malloc(size_t size);
void *malloc(size_t size) {
    for (volatile int i = 0; i < 2000; i++) {}
    return __libc_malloc(size);
}
"#;

/// Enough calls of malloc that the slow one is seen on a busy machine.
const BUSY: &str = r#"
#include <stdlib.h>
int main(void) {
    for (int i = 0; i < 20000; i++) free(malloc(100));
    return 0;
}
"#;

const LIBRARY: [&str; 2] = ["-shared", "-fPIC"];

fn compare<const N: usize>(arguments: [&str; N]) -> Output {
    heapwright().arg("compare").args(arguments).output().expect("the command can be started")
}

fn json(output: &Output) -> Value {
    let text = answer(output);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in: {text}{}", errors(output)))
}

fn refused(output: &Output, status: i32, cause: &str) {
    let text = errors(output);
    assert_eq!(output.status.code(), Some(status), "{text}");
    assert!(text.starts_with("heapwright: ") && text.contains(cause), "{text}");
    assert!(text.contains("\n  remedy: "), "{text}");
    assert_eq!(answer(output), "");
}

#[test]
fn a_program_that_does_nothing_gets_a_table_and_a_conclusion() {
    let output = compare(["-n", "6", "--", "true"]);
    let text = answer(&output);
    assert_eq!(output.status.code(), Some(0), "{text}{}", errors(&output));
    assert!(text.starts_with("heapwright compare: true, 6 rounds in turns\n"), "{text}");
    for part in ["\nwall time\n", "\nCPU time\n", "\npeak RSS\n", "\n  system  ", "\nnote: a run takes "] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let last = text.lines().last().expect("a conclusion");
    assert!(last.starts_with("heapwright: "), "{text}");
    assert!(last.contains("no difference") || last.contains("the program "), "{text}");
    assert_eq!(errors(&output), "");
}

#[test]
fn few_rounds_bear_no_verdict() {
    let output = compare(["-n", "5", "--json", "--", "true"]);
    let result = json(&output);
    let verdicts = result["verdicts"].as_array().expect("verdicts");
    assert_eq!(verdicts.len(), 3);
    assert!(verdicts.iter().all(|verdict| verdict["verdict"] == "too few rounds"), "{result}");
    assert!(result["conclusions"][0].as_str().expect("a line").contains("too few rounds"), "{result}");
}

#[test]
fn rounds_must_be() {
    refused(&compare(["-n", "0", "--", "true"]), 125, "nothing is measured in 0 rounds");
    assert_eq!(compare(["-n", "many", "--", "true"]).status.code(), Some(2));
}

#[test]
fn every_sample_of_every_candidate_is_in_the_json() {
    let folder = Folder::new("compare-json");
    let slow = folder.program("libslow.so", SLOW, LIBRARY);
    let output = compare(["-n", "7", "--json", "--with", &format!("slow={slow}"), "--", "true"]);
    let result = json(&output);
    assert_eq!(result["rounds"], 7);
    assert_eq!(result["program"], "true");
    let candidates = result["candidates"].as_array().expect("candidates");
    let names: Vec<&Value> = candidates.iter().map(|candidate| &candidate["name"]).collect();
    assert_eq!(names, ["system", "heapwright", "slow"]);
    for candidate in candidates {
        let samples = candidate["samples"].as_array().expect("samples");
        assert_eq!(samples.len(), 7);
        assert!(samples.iter().all(|sample| sample["wall_seconds"].as_f64() > Some(0.0)), "{candidate}");
        assert!(samples.iter().all(|sample| sample["peak_rss_bytes"].as_u64() > Some(100_000)));
        assert_eq!(candidate["confirmed"], true, "{candidate}");
    }
    assert_eq!(candidates[0]["library"], Value::Null);
    assert_eq!(result["verdicts"].as_array().map(Vec::len), Some(6));
}

#[test]
fn a_slow_malloc_is_told_as_slower_and_not_ours() {
    let folder = Folder::new("compare-slow");
    let (slow, busy) = (folder.program("libslow.so", SLOW, LIBRARY), folder.program("busy", BUSY, []));
    let output = compare(["-n", "8", "--with", &format!("slow={slow}"), "--", &busy]);
    let text = answer(&output);
    let last = text.lines().last().unwrap_or_default();
    assert!(last.starts_with("slow: the program runs ") && last.contains(" % slower"), "{text}");
    let ours = text.lines().find(|line| line.starts_with("heapwright: ")).unwrap_or_default();
    assert!(!ours.contains("slower"), "{text}");
}

#[test]
fn a_program_that_fails_has_its_status_and_no_verdict() {
    let output = compare(["-n", "6", "--", "sh", "-c", "echo out; echo why >&2; exit 7"]);
    assert_eq!(output.status.code(), Some(7));
    assert_eq!(answer(&output), "");
    let text = errors(&output);
    assert_eq!(
        text,
        "why\nheapwright: sh ended with status 7 with the system's malloc before the first round: no verdict\n  \
         the program fails by itself\n"
    );
    let output = compare(["-n", "6", "--", "sh", "-c", "kill -SEGV $$"]);
    assert_eq!(output.status.signal(), Some(11), "{}", errors(&output));
}

#[test]
fn a_failure_under_one_allocator_is_laid_at_its_door() {
    let folder = Folder::new("compare-door");
    let null = folder.program(
        "libnull.so",
        "#include <stddef.h>\nvoid *malloc(size_t s) { (void)s; return 0; }",
        LIBRARY,
    );
    let program =
        folder.program("needs", "#include <stdlib.h>\nint main(void) { return malloc(9) ? 0 : 4; }", []);
    let output = compare(["-n", "6", "--with", &format!("null={null}"), "--", &program]);
    let text = errors(&output);
    assert_eq!(output.status.code(), Some(4), "{text}");
    assert!(text.contains("ended with status 4 with null before the first round: no verdict"), "{text}");
    assert!(text.contains("with the system's malloc it succeeds"), "{text}");
    assert_eq!(answer(&output), "");
}

#[test]
fn a_program_that_trips_over_its_own_traces_fails_by_itself() {
    let folder = Folder::new("compare-traces");
    let output = compare(["-n", "6", "--", "mkdir", &folder.path("made")]);
    let text = errors(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("with heapwright before the first round: no verdict"), "{text}");
    assert!(
        text.contains("with the system's malloc it ended with status 1 too: the program fails by itself"),
        "{text}"
    );
}

#[test]
fn a_failure_in_a_later_round_is_noticed() {
    let folder = Folder::new("compare-later");
    let script = format!("echo x >> {0}; test $(wc -l < {0}) -lt 6", folder.path("runs"));
    let output = compare(["-n", "6", "--", "sh", "-c", &script]);
    let text = errors(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains(" in round 2: no verdict"), "{text}");
    assert!(text.contains("the program fails by itself"), "{text}");
}

#[test]
fn a_library_of_with_must_be_an_allocator_for_this_machine() {
    let folder = Folder::new("compare-with");
    let nothing = folder.program("libnothing.so", "int nothing(void) { return 0; }", LIBRARY);
    let with = |with: &str| compare(["--with", with, "--", "true"]);
    refused(&with("x=/no/such/lib.so"), 125, "/no/such/lib.so cannot be used as library");
    refused(&with(&format!("x={nothing}")), 125, "exports no malloc");
    refused(&with(&format!("x={}", folder.file("text.so", b"no library"))), 125, "it is not an ELF file");
    refused(&with(&nothing), 125, "there is no name");
    refused(&with(&format!("system={nothing}")), 125, "the name system is taken");
}

#[test]
fn what_cannot_run_is_refused_as_in_run() {
    refused(
        &compare(["--", "no-such-program-here"]),
        127,
        "there is no program no-such-program-here in PATH",
    );
    let folder = Folder::new("compare-own");
    let own = "#include <stddef.h>\nchar b[99];\nvoid *malloc(size_t s) { (void)s; return b; }\nint main(void) { return !malloc(1); }";
    let own = folder.program("own", own, ["-rdynamic"]);
    refused(&compare(["--", &own]), 126, "exports a malloc of its own");
    let output = compare(["-n", "1", "--anyway", "--", &own]);
    assert!(errors(&output).contains("warning: "), "{}", errors(&output));
    refused(&compare(["--option", "stats=/tmp", "--", "true"]), 125, "the option stats");
    // Only the kernel can say so, to the process that starts it.
    let busy = folder.program("busy", BUSY, []);
    let writer = fs::OpenOptions::new().append(true).open(&busy).expect("a file");
    refused(&compare(["--", &busy]), 126, "/busy cannot be started: Text file busy");
    drop(writer);
}

#[test]
fn another_allocator_in_ld_preload_is_not_the_system_s() {
    let output = heapwright()
        .args(["compare", "--", "true"])
        .env("LD_PRELOAD", "/lib/libjemalloc.so.2")
        .output()
        .expect("the command can be started");
    let text = errors(&output);
    assert_eq!(output.status.code(), Some(125), "{text}");
    assert!(text.contains("would be measured as the system's malloc"), "{text}");
}

/// The system's malloc would be compared with itself.
#[test]
fn a_library_that_leaves_no_statistics_bears_no_verdict() {
    let folder = Folder::new("compare-unconfirmed");
    let slow = folder.program("libslow.so", SLOW, LIBRARY);
    let output = compare(["--library", &slow, "-n", "6", "--", "true"]);
    refused(&output, 125, "heapwright is not in use, as far as can be told: no verdict (the program left no");
    let output = compare(["--library", &slow, "-n", "6", "--anyway", "--", "true"]);
    let (text, said) = (answer(&output), errors(&output));
    assert_eq!(output.status.code(), Some(125), "{said}");
    assert!(text.ends_with("\nheapwright: not in use, as far as can be told: no verdict\n"), "{text}");
    assert!(!text.contains("95 %") && said.contains("the library did not begin in it"), "{text}{said}");
    let output = compare(["--library", &slow, "-n", "6", "--anyway", "--json", "--", "true"]);
    let result = json(&output);
    assert_eq!(
        (output.status.code(), &result["candidates"][1]["confirmed"]),
        (Some(125), &Value::Bool(false))
    );
    let verdicts = result["verdicts"].as_array().expect("verdicts");
    assert!(verdicts.len() == 3 && verdicts.iter().all(|row| row["verdict"] == "unconfirmed"), "{result}");
}

/// To ask a loader that is not there would run the program once more.
#[test]
fn a_static_program_runs_only_when_it_is_measured() {
    let folder = Folder::new("compare-static");
    let slow = folder.program("libslow.so", SLOW, LIBRARY);
    let traces = folder.path("runs");
    let code = format!(
        "#include <stdio.h>\nint main(void) {{ FILE *f = fopen(\"{traces}\", \"a\"); fputs(\"x\\n\", f); fclose(f); }}"
    );
    let program = folder.program("static", &code, ["-static"]);
    let script = folder.file("script", format!("#!{program}\n").as_bytes());
    for program in [&program, &script] {
        let _ = fs::remove_file(&traces);
        let output = compare(["-n", "1", "--anyway", "--with", &format!("slow={slow}"), "--", program]);
        let text = answer(&output);
        assert_eq!(
            fs::read_to_string(&traces).expect("traces").lines().count(),
            6,
            "{text}{}",
            errors(&output)
        );
        assert!(text.ends_with("\nslow: not in use, as far as can be told: no verdict\n"), "{text}");
    }
}

/// What the command itself needs is no part of a program's peak. Here a library makes everyone but the program large.
#[test]
fn a_small_program_has_a_small_peak() {
    let folder = Folder::new("compare-peak");
    let large = "#define _GNU_SOURCE\n#include <errno.h>\n#include <string.h>\nstatic char bytes[16 << 20];\n\
        __attribute__((constructor)) static void grow(void) {\n\
            if (strcmp(program_invocation_short_name, \"small\")) memset(bytes, 1, sizeof bytes);\n\
        }\n";
    let large = folder.program("liblarge.so", large, LIBRARY);
    let small = folder.program("small", "int main(void) { return 0; }", []);
    let output = heapwright()
        .args(["compare", "-n", "1", "--json", "--", &small])
        .env("LD_PRELOAD", large)
        .output()
        .expect("the command can be started");
    let result = json(&output);
    let peak = result["candidates"][0]["samples"][0]["peak_rss_bytes"].as_u64();
    assert!(peak.is_some_and(|peak| peak > 100 << 10 && peak < 3 << 20), "{peak:?}");
}

#[test]
fn a_program_sees_nothing_of_how_it_was_launched() {
    let script = "test -z \"$HEAPWRIGHT_LAUNCH_PRELOAD\" && test \"$0\" = sh && ! read line && kill -USR1 0";
    let output = compare(["-n", "1", "--", "sh", "-c", script, "sh"]);
    let text = errors(&output);
    assert_eq!(output.status.signal(), Some(10), "{text}");
    assert!(text.contains("the program fails by itself"), "{text}");
    // A signal for the group that the program survives.
    let output = compare(["-n", "1", "--", "sh", "-c", "trap '' TERM USR2; kill -TERM 0; kill -USR2 0"]);
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
}

/// The measured runs of every candidate see the same environment but for `LD_PRELOAD`.
#[test]
fn environments_differ_by_ld_preload_only() {
    let folder = Folder::new("compare-env");
    let script = format!(
        "env | grep -v ^LD_PRELOAD= | sort >> {}; env | grep ^LD_PRELOAD= >> {}; true",
        folder.path("rest"),
        folder.path("preload")
    );
    let output = compare(["-n", "1", "--", "sh", "-c", &script]);
    assert!(output.status.success(), "{}", errors(&output));
    let rest = fs::read_to_string(folder.path("rest")).expect("the program's traces");
    // Of four runs only the one that is not measured, under ours, leaves statistics.
    assert_eq!(rest.matches("HEAPWRIGHT_CONF=").count(), 1, "{rest}");
    let preload = fs::read_to_string(folder.path("preload")).expect("the program's traces");
    assert_eq!(preload.lines().count(), 2, "{preload}");
    assert!(preload.lines().all(|line| line.ends_with("libheapwright.so")), "{preload}");
}

#[test]
fn the_program_s_output_is_discarded_or_passed_through_to_standard_error() {
    let script = ["sh", "-c", "echo out; echo err >&2; read x && echo input"];
    let output =
        heapwright().args(["compare", "-n", "1", "--", "sh", "-c", "echo out; echo err >&2"]).output();
    assert_eq!(errors(&output.expect("a run")), "");
    let output = heapwright()
        .args(["compare", "-n", "1", "--show-output", "--"])
        .args(script)
        .output()
        .expect("a run");
    // Standard input is empty, so the script fails in its first run, having said both.
    assert!(
        errors(&output).starts_with("out\nerr\nheapwright: sh ended with status 1"),
        "{}",
        errors(&output)
    );
    assert_eq!(answer(&output), "");
}

#[test]
fn a_signal_ends_the_program_its_children_and_the_command() {
    let folder = Folder::new("compare-signal");
    let fifo = folder.path("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().expect("mkfifo").success());
    let script = format!("trap '' TERM; sleep 4242 & echo $! > {fifo}; wait; sleep 4242");
    let mut child = heapwright()
        .args(["compare", "--", "sh", "-c", &script])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command can be started");
    let mut sleeper = String::new();
    let fifo = fs::File::open(&fifo).expect("the fifo");
    BufReader::new(fifo).read_line(&mut sleeper).expect("the number of the sleeping process");
    let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(sent.expect("these tests need the program kill").success());
    assert_eq!(child.wait().expect("its end").signal(), Some(15));
    // It was killed; the kernel may need a moment to take it away.
    let gone = || {
        let status = fs::read_to_string(format!("/proc/{}/status", sleeper.trim())).unwrap_or_default();
        status.is_empty() || status.contains("State:\tZ") || status.contains("State:\tX")
    };
    let waits = (0..200).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        gone()
    });
    assert!(waits, "process {sleeper} is left behind");
}

#[test]
fn the_suite_is_looked_for_in_a_checkout() {
    let folder = Folder::new("bench");
    let output = heapwright().args(["bench", "--quick"]).current_dir(&folder.0).output().expect("a run");
    refused(&output, 125, "is in no checkout of Heapwright");
    assert!(errors(&output).contains("clone the repository"), "{}", errors(&output));
}

/// Cargo is played by a script that says how it was called.
#[test]
fn arguments_for_the_suite_and_its_status_are_passed_on() {
    let folder = Folder::new("bench-found");
    fs::create_dir_all(folder.0.join("crates/bench/src")).expect("a folder");
    fs::write(folder.0.join("Cargo.toml"), "").expect("a file");
    fs::write(folder.0.join("crates/bench/Cargo.toml"), "").expect("a file");
    let cargo = folder.file("cargo", b"#!/bin/sh\necho \"$PWD: $*\"\nexit 9\n");
    let output = heapwright()
        .args(["bench", "--quick", "--rounds", "3"])
        .current_dir(folder.0.join("crates/bench/src"))
        .env("CARGO", cargo)
        .output()
        .expect("a run");
    assert_eq!(output.status.code(), Some(9), "{}", errors(&output));
    let root = folder.0.canonicalize().expect("a folder");
    let root = root.display();
    // In the folder it was called in: `--out results` means the same as everywhere.
    let wanted = format!(
        "{root}/crates/bench/src: run --manifest-path {root}/Cargo.toml --package heapwright-bench -- --quick \
         --rounds 3\n"
    );
    assert_eq!(answer(&output), wanted);
}
