use super::*;
use crate::results::Group;
use std::ffi::OsString;
use std::sync::Once;

fn shell(allocator: &str, script: &str, expect: Expect) -> Candidate {
    Candidate {
        allocator: allocator.to_owned(),
        program: PathBuf::from("/bin/sh"),
        arguments: vec![OsString::from("-c"), OsString::from(script)],
        environment: Vec::new(),
        folder: None,
        expect,
        refused: None,
    }
}

fn job(candidates: Vec<Candidate>, rounds: usize, idle: u32) -> Job {
    let (workload, about) = ("w".to_owned(), "a".to_owned());
    Job { group: Group::Own, workload, threads: None, about, timed: true, idle, rounds, candidates }
}

/// The launcher of the development build, made first: cargo builds no programs of other packages for a test.
fn launcher(name: &str) -> Launcher {
    static BUILT: Once = Once::new();
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/bench/tests");
    BUILT.call_once(|| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "-p", "heapwright-measure", "--bins", "--target-dir"]).arg(&target);
        assert!(cargo.status().unwrap().success());
    });
    let folder = target.join("run").join(name);
    Launcher { program: target.join("debug/heapwright-launch"), folder }
}

fn runner(name: &str, jobs: Vec<Job>) -> Runner {
    Runner::new(jobs, launcher(name)).unwrap()
}

fn later() -> Instant {
    Instant::now() + Duration::from_secs(3600)
}

fn said(text: &str) -> Expect {
    Expect::Output(text.to_owned())
}

fn served(checksum: &str) -> Expect {
    Expect::Report { checksum: Some(checksum.to_owned()), serving: "us 1 /lib".to_owned() }
}

const REPORT: &str = r#"echo '{"checksum":"ff","serving":"us 1 /lib","end_rss":4096}'"#;

fn failure(runner: &Runner) -> &str {
    runner.rows[0].cells[0].failure.as_deref().unwrap_or("none")
}

#[test]
fn candidates_take_turns_and_the_first_moves_on() {
    let pair = vec![shell("a", "echo 1", said("1")), shell("b", "echo 1", said("1"))];
    let mut runner = runner("turns", vec![job(pair, 2, 0)]);
    let mut order = Vec::new();
    for round in 0..runner.rounds() {
        runner.round(round, later(), &mut |_, allocator| order.push(allocator.to_owned()));
    }
    assert_eq!(order, ["a", "b", "b", "a"]);
    assert!(runner.rows[0].cells.iter().all(|cell| cell.samples.len() == 2 && cell.failure.is_none()));
    assert!(runner.rows[0].cells[0].samples[0].peak_rss > 0);
}

#[test]
fn a_wrong_result_is_no_result() {
    for (script, expect, word) in [
        ("echo 2", said("1"), "something else"),
        ("echo broken >&2; exit 3", said(""), "status 3; it said: broken"),
        ("kill -9 $$", said(""), "signal 9"),
        (REPORT, served("fe"), "wrong result"),
        ("echo no", served("ff"), "cannot be read"),
    ] {
        let mut runner = runner("wrong", vec![job(vec![shell("a", script, expect)], 2, 0)]);
        runner.round(0, later(), &mut |_, _| ());
        assert!(failure(&runner).contains(word), "{script}: {}", failure(&runner));
        assert!(runner.rows[0].cells[0].samples.is_empty());
    }
}

#[test]
fn another_allocator_than_promised_is_noticed() {
    let swapped = REPORT.replace("us 1 /lib", "them 2 /lib");
    let mut runner = runner("swapped", vec![job(vec![shell("a", &swapped, served("ff"))], 1, 0)]);
    runner.round(0, later(), &mut |_, _| ());
    assert!(failure(&runner).contains("served by them 2 /lib, not by us 1 /lib"), "{}", failure(&runner));
}

#[test]
fn a_report_is_taken_over() {
    let mut runner = runner("report", vec![job(vec![shell("a", REPORT, served("ff"))], 1, 0)]);
    runner.round(0, later(), &mut |_, _| ());
    assert_eq!(runner.rows[0].cells[0].samples[0].end_rss, Some(4096), "{}", failure(&runner));
}

#[test]
fn sleepers_sleep_side_by_side() {
    let sleepers = (0..4).map(|_| shell("a", "echo resting; sleep 1; echo 1", said("1"))).collect();
    let mut runner = runner("idle", vec![job(sleepers, 1, 1)]);
    let began = Instant::now();
    runner.round(0, later(), &mut |_, _| ());
    assert!(began.elapsed() < Duration::from_secs(3), "one after the other");
    assert!(runner.rows[0].cells.iter().all(|cell| cell.samples.len() == 1));
}

#[test]
fn one_that_hangs_is_ended_with_all_it_started() {
    let candidate = shell("a", "sleep 60 & sleep 60; echo 1", said("1"));
    let launcher = launcher("hang");
    fs::create_dir_all(&launcher.folder).unwrap();
    let started = Started::new(&candidate, &launcher, 0).unwrap();
    let began = Instant::now();
    let ended = started.finish(&candidate, Duration::from_millis(300));
    assert!(ended.is_err_and(|text| text.contains("longer than")));
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
fn the_callers_variables_stay_outside() {
    let candidate = shell("a", "echo ${CARGO_MANIFEST_DIR-none} ${LC_ALL-none}", said("none C"));
    let mut runner = runner("env", vec![job(vec![candidate], 1, 0)]);
    runner.round(0, later(), &mut |_, _| ());
    assert_eq!(failure(&runner), "none");
}

/// The parent's memory is not the child's: the kernel would count it as its peak.
#[test]
fn a_large_parent_does_not_make_small_children_large() {
    let mut ballast = vec![0_u8; 64 << 20];
    ballast.iter_mut().step_by(4096).for_each(|byte| *byte = 1);
    let mut runner = runner("ballast", vec![job(vec![shell("a", "echo 1", said("1"))], 1, 0)]);
    runner.round(0, later(), &mut |_, _| ());
    let peak = runner.rows[0].cells[0].samples[0].peak_rss;
    assert!(peak < 16 << 20, "{peak} with {} bytes beside it", ballast.len());
}

#[test]
fn who_stands_far_behind_runs_twice() {
    // Slow and large: who is slow and small may be the base of the row's memory.
    let large = "x=$(head -c 4000000 /dev/zero | tr '\\0' a); sleep 0.3; echo 1";
    let pair = vec![shell("a", "echo 1", said("1")), shell("b", large, said("1"))];
    let mut runner = runner("far", vec![job(pair, 4, 0)]);
    for round in 0..runner.rounds() {
        runner.round(round, later(), &mut |_, _| ());
    }
    let rounds: Vec<usize> = runner.rows[0].cells.iter().map(|cell| cell.samples.len()).collect();
    assert_eq!(rounds, [4, 2]);
}

#[test]
fn work_before_the_rest_is_done_in_turn() {
    let file = std::env::temp_dir().join(format!("heapwright-turn-{}", std::process::id()));
    // Fails if the other works at the same time.
    let work =
        format!("mkdir {0} && sleep 0.3 && rmdir {0} && echo resting && sleep 0.5; echo 1", file.display());
    let pair = vec![shell("a", &work, said("1")), shell("b", &work, said("1"))];
    let mut runner = runner("turn", vec![job(pair, 1, 1)]);
    runner.round(0, later(), &mut |_, _| ());
    assert!(runner.rows[0].cells.iter().all(|cell| cell.failure.is_none()), "{:?}", runner.rows[0].cells);
}

#[test]
fn who_was_refused_fails_without_running() {
    let refused = Some("crashed before".to_owned());
    let candidate = Candidate { refused, ..shell("a", "echo 1", said("1")) };
    let mut runner = runner("refused", vec![job(vec![candidate], 1, 0)]);
    runner.round(0, later(), &mut |_, _| ());
    assert_eq!((failure(&runner), runner.rows[0].cells[0].samples.len()), ("crashed before", 0));
}

#[test]
fn after_the_deadline_no_row_begins() {
    let mut runner = runner("late", vec![job(vec![shell("a", "echo 1", said("1"))], 1, 0)]);
    assert_eq!(runner.round(0, Instant::now(), &mut |_, _| ()), ["w"]);
    assert!(runner.rows[0].cells[0].samples.is_empty());
}

#[test]
fn a_flood_is_no_output() {
    let flood = shell("a", "head -c 3000000 /dev/zero", said("1"));
    let mut runner = runner("flood", vec![job(vec![flood], 1, 0)]);
    runner.round(0, later(), &mut |_, _| ());
    assert!(failure(&runner).contains("more than"), "{}", failure(&runner));
}
