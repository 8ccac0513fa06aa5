//! `heapwright doctor` and `heapwright demo`, on the carried library and on one that is none.

mod support;

use serde_json::Value;
use std::collections::HashSet;
use std::process::Output;
use support::{Folder, answer, errors, heapwright};

fn start(arguments: &[&str]) -> Output {
    heapwright().args(arguments).output().expect("the command can be started")
}

fn report(output: &Output) -> Value {
    serde_json::from_str(&answer(output)).unwrap_or_else(|error| panic!("{error}: {}", answer(output)))
}

#[test]
fn the_doctor_says_what_a_report_needs() {
    let output = start(&["doctor", "--json"]);
    let report = report(&output);
    assert_eq!(output.status.code(), Some(0), "{report}");
    assert_eq!(report["command"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(report["library"]["preload"], "works", "{report}");
    assert_eq!(report["library"]["path"], report["library"]["malloc_served_by"]);
    assert_eq!(report["library"]["sha256"].as_str().map(str::len), Some(64));
    assert!(
        report["library"]["effective_options"].as_array().is_some_and(|list| !list.is_empty()),
        "{report}"
    );
    let page = report["system"]["page_size"].as_u64().expect("a number");
    assert!(page.is_power_of_two() && page >= 4096);
    for (section, name) in [
        ("system", "kernel"),
        ("system", "architecture"),
        ("memory", "transparent_huge_pages"),
        ("memory", "overcommit_memory"),
        ("memory", "max_map_count"),
        ("memory", "RLIMIT_AS"),
        ("memory", "RLIMIT_DATA"),
        ("memory", "cgroup_limits"),
        ("environment", "HEAPWRIGHT_CONF"),
        ("environment", "LD_PRELOAD"),
    ] {
        assert!(report[section].get(name).is_some(), "no {section}.{name} in {report}");
    }
}

#[test]
fn the_doctor_s_text_has_the_same_findings() {
    let output = start(&["doctor"]);
    let text = answer(&output);
    assert!(output.status.success(), "{text}");
    for line in
        ["version", "preload                works", "sha256", "page size", "HEAPWRIGHT_CONF", "RLIMIT_AS"]
    {
        assert!(text.contains(line), "no {line} in {text}");
    }
}

#[test]
fn the_doctor_names_rivals_and_settings() {
    let folder = Folder::new("rivals");
    let rival = folder.program("libmimalloc.so.2", "int nothing;", ["-shared", "-fPIC"]);
    let output = heapwright()
        .args(["doctor", "--json"])
        .env("LD_PRELOAD", &rival)
        .env("HEAPWRIGHT_CONF", "dirty_limit=1M")
        .output()
        .expect("the command can be started");
    let report = report(&output);
    assert_eq!(report["environment"]["rival_allocators"][0], format!("mimalloc ({rival})"));
    assert_eq!(report["environment"]["HEAPWRIGHT_CONF"], "dirty_limit=1M");
    assert_eq!(report["library"]["preload"], "works", "{report}");
}

#[test]
fn the_doctor_sees_a_library_that_does_not_work() {
    let folder = Folder::new("sick");
    let library = folder.program("libnothing.so", "int nothing;", ["-shared", "-fPIC"]);
    let output = start(&["doctor", "--json", "--library", &library]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        report(&output)["library"]["preload"],
        "the program runs, but the library does not begin in it"
    );

    let source = "#include <unistd.h>\n__attribute__((constructor)) static void start(void) { _exit(9); }";
    let library = folder.program("libdeadly.so", source, ["-shared", "-fPIC"]);
    let output = start(&["doctor", "--json", "--library", &library]);
    assert_eq!(output.status.code(), Some(1));
    let problem = report(&output)["library"]["preload"].clone();
    assert!(problem.as_str().is_some_and(|text| text.contains("fails under the library")), "{problem}");

    let output = start(&["doctor", "--library", "/no/such/library.so"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(answer(&output).contains("cannot be used as library"), "{}", answer(&output));
}

#[test]
fn the_tour_calls_everything_and_everything_is_right() {
    let output = start(&["demo"]);
    let text = answer(&output);
    assert_eq!(output.status.code(), Some(0), "{text}{}", errors(&output));
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../capi/exports.txt");
    let exports = std::fs::read_to_string(path).expect("the list of exports, of a checkout");
    let names: Vec<&str> =
        exports.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
    assert!(names.len() > 50, "{exports}");
    let words: HashSet<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    for name in names {
        assert!(words.contains(name), "{name} is exported, but not part of the tour");
    }
    assert!(text.contains("fork"), "{text}");
    assert!(!text.contains("WRONG") && !text.contains("not exported"), "{text}");
}

#[test]
fn the_tour_notices_wrong_answers() {
    let folder = Folder::new("wrong");
    let source = "#include <stddef.h>\nsize_t malloc_usable_size(void *p) { (void)p; return 0; }";
    let library = folder.program("libwrong.so", source, ["-shared", "-fPIC"]);
    let output = start(&["demo", "--library", &library]);
    assert_eq!(output.status.code(), Some(1));
    assert!(answer(&output).contains("WRONG malloc_usable_size(malloc(100))"), "{}", answer(&output));
    assert!(errors(&output).contains("answered wrongly"), "{}", errors(&output));
}
