//! `heapwright run` on programs that can run: their end is passed through, their memory is counted.

mod support;

use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use support::{Folder, answer, errors, heapwright, run, summary};

/// 1000 blocks of 1000 bytes, of which 100 stay; then a large block for a moment.
const COUNTABLE: &str = r#"
#include <stdlib.h>
#include <string.h>
int main(void) {
    static char *blocks[1000];
    for (int i = 0; i < 1000; i++) memset(blocks[i] = malloc(1000), 1, 1000);
    char *large = malloc(64 << 20);
    memset(large, 1, 64 << 20);
    free(large);
    for (int i = 100; i < 1000; i++) free(blocks[i]);
    return 0;
}
"#;

fn number(summary: &Value, name: &str) -> u64 {
    summary["process"][name].as_u64().unwrap_or_else(|| panic!("no {name} in {summary}"))
}

#[test]
fn the_output_and_status_of_the_program_are_its_own() {
    let output = run(["--", "sh", "-c", "echo out; echo err >&2; exit 7"]);
    assert_eq!(output.status.code(), Some(7));
    assert_eq!(answer(&output), "out\n");
    assert!(
        errors(&output).starts_with("err\nheapwright: sh ended with status 7 after "),
        "{}",
        errors(&output)
    );
}

#[test]
fn a_signal_that_ends_the_program_ends_the_command() {
    for (name, number) in [("TERM", 15), ("KILL", 9), ("SEGV", 11), ("ABRT", 6), ("INT", 2)] {
        let output = run(["sh", "-c", &format!("kill -{name} $$")]);
        assert_eq!(output.status.signal(), Some(number), "{name}: {}", errors(&output));
        assert!(errors(&output).contains(&format!("sh was ended by SIG{name}")), "{}", errors(&output));
    }
}

#[test]
fn signals_for_the_command_reach_the_program() {
    for (name, status) in [("TERM", 43), ("INT", 44), ("HUP", 45), ("USR1", 46)] {
        let script = format!("trap 'exit {status}' {name}; echo ready; while :; do sleep 0.05; done");
        let mut child = heapwright()
            .args(["run", "sh", "-c", &script])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the command can be started");
        let mut line = String::new();
        let mut reader = BufReader::new(child.stdout.take().expect("its output"));
        reader.read_line(&mut line).expect("the program's line");
        assert_eq!(line, "ready\n");
        let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
        assert!(sent.expect("these tests need the program kill").success());
        assert_eq!(child.wait().expect("its end").code(), Some(status), "{name}");
    }
}

#[test]
fn the_program_starts_with_no_signal_blocked() {
    let output = run(["-q", "sh", "-c", "grep SigBlk /proc/self/status"]);
    assert_eq!(answer(&output), "SigBlk:\t0000000000000000\n");
}

#[test]
fn what_the_caller_ignores_the_program_ignores() {
    let script =
        format!("trap '' HUP; {} run -q sh -c 'kill -HUP $$; echo alive'", env!("CARGO_BIN_EXE_heapwright"));
    let output = Command::new("sh").args(["-c", &script]).output().expect("a shell");
    assert_eq!(answer(&output), "alive\n");
}

#[test]
fn standard_input_is_the_program_s() {
    let mut child = heapwright()
        .args(["run", "--quiet", "cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command can be started");
    child.stdin.take().expect("its input").write_all(b"through").expect("it reads");
    assert_eq!(answer(&child.wait_with_output().expect("its end")), "through");
}

#[test]
fn blocks_are_counted() {
    let folder = Folder::new("counted");
    let program = folder.program("countable", COUNTABLE, []);
    let output = run(["--json", &program]);
    assert!(output.status.success(), "{}", errors(&output));
    let summary = summary(&output);
    assert_eq!(summary["exact"], true, "{summary}");
    assert_eq!(summary["status"], 0);
    assert_eq!(summary["signal"], Value::Null);
    let (allocations, frees) = (number(&summary, "allocations"), number(&summary, "frees"));
    assert!((1001..1100).contains(&allocations), "{summary}");
    assert!((901..1000).contains(&frees), "{summary}");
    assert_eq!(number(&summary, "live_blocks"), allocations - frees);
    assert!((100_000..400_000).contains(&number(&summary, "live_bytes")), "{summary}");
    assert!(((64 << 20) + 900_000..70 << 20).contains(&number(&summary, "peak_live_bytes")), "{summary}");
    assert!(number(&summary, "returned_bytes") >= 64 << 20, "{summary}");
    let rss = summary["peak_rss_bytes"].as_u64().expect("a number");
    assert!((64 << 20..80 << 20).contains(&rss), "{summary}");
}

#[test]
fn the_peak_of_a_small_program_is_its_own_not_the_command_s() {
    let folder = Folder::new("small");
    let program = folder.program("nothing", "int main(void) { return 0; }", []);
    let rss = summary(&run(["--json", &program]))["peak_rss_bytes"].as_u64().expect("a number");
    assert!(rss < 3 << 20, "{rss}");
}

#[test]
fn the_peak_is_not_that_of_a_process_which_the_command_s_own_waited_for_before() {
    let folder = Folder::new("before");
    let large = "#include <stdlib.h>\n#include <string.h>\n\
        int main(void) { char *p = malloc(64 << 20); if (!p) return 1; memset(p, 1, 64 << 20); return p[5] != 1; }";
    let large = folder.program("large", large, []);
    let small = folder.program("nothing", "int main(void) { return 0; }", []);
    // The shell becomes the command, and its dead child the command's: so it is under `cargo run`.
    let mut shell = Command::new("sh");
    shell.args(["-c", "\"$1\" && exec \"$2\" run --json \"$3\"", "sh", &large]);
    let output = shell.args([env!("CARGO_BIN_EXE_heapwright"), &small]).output().expect("a shell");
    assert!(output.status.success(), "{}", errors(&output));
    let rss = summary(&output)["peak_rss_bytes"].as_u64().expect("a number");
    assert!(rss < 3 << 20, "{rss}");
}

#[test]
fn the_summary_for_people_has_every_line() {
    let folder = Folder::new("lines");
    let program = folder.program("countable", COUNTABLE, []);
    let text = errors(&run([&program]));
    let lines: Vec<&str> = text.lines().map(|line| line.trim_start()).collect();
    assert!(lines[0].starts_with("heapwright: countable ended with status 0 after "), "{text}");
    for (line, start) in
        lines[1..].iter().zip(["peak RSS", "peak live", "allocations", "returned", "still live"])
    {
        assert!(line.starts_with(start), "{text}");
    }
    assert_eq!(lines.len(), 6, "{text}");
    assert!(!text.contains("at least"), "{text}");
    assert!(!text.contains('\u{1b}'), "no colours where no terminal is: {text}");
}

#[test]
fn other_processes_are_summed() {
    let folder = Folder::new("others");
    let program = folder.program("countable", COUNTABLE, []);
    let summary = summary(&run(["--json", "sh", "-c", &format!("{program}; {program}; {program}; true")]));
    assert_eq!(summary["others"]["processes"], 3, "{summary}");
    let allocations = summary["others"]["allocations"].as_u64().expect("a number");
    assert!((3003..3300).contains(&allocations), "{summary}");
    assert_eq!(summary["others"]["unfinished"], 0, "{summary}");
}

#[test]
fn a_program_that_skips_its_end_is_counted_from_below() {
    let folder = Folder::new("skips");
    let source = "#include <stdlib.h>\n#include <signal.h>\nint main(void) { for (int i = 0; i < 100000; i++) malloc(100); raise(SIGKILL); }";
    let program = folder.program("killed", source, []);
    let output = run([&program]);
    assert_eq!(output.status.signal(), Some(9));
    let text = errors(&output);
    assert!(text.contains("peak live         at least "), "{text}");
    assert!(text.contains("lower bounds"), "{text}");
    assert_eq!(summary(&run(["--json", &program]))["exact"], false);
}

#[test]
fn quiet_says_nothing() {
    let output = run(["--quiet", "sh", "-c", "exit 3"]);
    assert_eq!((output.status.code(), errors(&output).as_str()), (Some(3), ""));
}

#[test]
fn the_summary_goes_where_it_is_told() {
    let folder = Folder::new("output");
    let file = folder.path("summary.json");
    let output = run(["--json", "--output", &file, "true"]);
    assert_eq!(errors(&output), "");
    let summary: Value = serde_json::from_str(&fs::read_to_string(&file).expect("the file")).expect("JSON");
    assert_eq!(summary["program"], "true");
    let output = run(["--json", "-o", "-", "true"]);
    assert!(answer(&output).starts_with("{\"program\":\"true\""), "{}", answer(&output));

    let output = run(["--output", "/no/such/folder/file", "sh", "-c", "echo ran"]);
    assert_eq!(output.status.code(), Some(125));
    assert_eq!(answer(&output), "", "the program is not run in vain");
    assert!(errors(&output).contains("remedy:"), "{}", errors(&output));
}

#[test]
fn options_are_handed_on_after_those_of_the_caller() {
    let output = heapwright()
        .args([
            "run",
            "-q",
            "--option",
            "purge_delay=5s",
            "--option",
            "verbose=0",
            "sh",
            "-c",
            "echo $HEAPWRIGHT_CONF",
        ])
        .env("HEAPWRIGHT_CONF", "dirty_limit=1M")
        .output()
        .expect("the command can be started");
    let conf = answer(&output);
    assert!(conf.starts_with("dirty_limit=1M,purge_delay=5s,verbose=0,stats=/"), "{conf}");
    for bad in ["purge_delay", "=1", "a=1,b=2", "stats=/tmp"] {
        let output = run(["--option", bad, "true"]);
        assert_eq!(output.status.code(), Some(125), "{bad}");
        assert!(errors(&output).contains("remedy:"), "{}", errors(&output));
    }
}

#[test]
fn the_library_goes_before_what_is_preloaded() {
    let folder = Folder::new("preloaded");
    folder.program("libjemalloc.so", "int nothing;", ["-shared", "-fPIC"]);
    let other = folder.path("libjemalloc.so");
    let output = heapwright()
        .args(["run", "sh", "-c", "echo $LD_PRELOAD"])
        .env("LD_PRELOAD", &other)
        .output()
        .expect("the command can be started");
    let list = answer(&output);
    let (first, rest) = list.trim_end().split_once(':').expect("two libraries");
    assert!(first.ends_with("/libheapwright.so"), "{list}");
    assert_eq!(rest, other);
    assert!(errors(&output).contains("warning: LD_PRELOAD names"), "{}", errors(&output));
}

#[test]
fn the_private_folder_goes_with_the_run() {
    let folder = Folder::new("private");
    for script in ["exit 0", "kill -9 $$"] {
        let script = format!("echo $HEAPWRIGHT_CONF; {script}");
        let output = heapwright()
            .args(["run", "-q", "sh", "-c", &script])
            .env("TMPDIR", &folder.0)
            .output()
            .expect("the command can be started");
        let stats = answer(&output);
        let path = stats.trim_end().strip_prefix("stats=").expect("the folder's name");
        assert!(path.starts_with(folder.path("heapwright-run-").as_str()), "{path}");
        assert!(!fs::exists(path).expect("a path that can be looked up"), "{path} is left");
    }
}

#[test]
fn the_program_sees_the_name_it_was_called_by() {
    let output = run(["-q", "sh", "-c", "ps -o args= -p $$ 2>/dev/null || tr '\\0' ' ' < /proc/$$/cmdline"]);
    assert!(answer(&output).starts_with("sh -c "), "{}", answer(&output));
}

#[test]
fn colours_are_for_those_who_ask() {
    let coloured = heapwright().args(["run", "true"]).env("CLICOLOR_FORCE", "1").output().expect("a run");
    assert!(errors(&coloured).contains("\u{1b}[1mheapwright:"), "{}", errors(&coloured));
    let plain = heapwright()
        .args(["run", "true"])
        .env("CLICOLOR_FORCE", "1")
        .env("NO_COLOR", "1")
        .output()
        .expect("a run");
    assert!(!errors(&plain).contains('\u{1b}'), "{}", errors(&plain));
}
