use super::*;
use crate::report::fixture;

/// The text without its colours.
fn bare(text: &str) -> String {
    let mut bare = String::new();
    let mut parts = text.split('\x1b');
    bare.push_str(parts.next().unwrap_or_default());
    for part in parts {
        bare.push_str(part.split_once('m').unwrap().1);
    }
    bare
}

#[test]
fn no_line_is_wider_than_asked() {
    for width in [60, 80, 100, 160] {
        for colour in [false, true] {
            let text = bare(&table(&fixture::results(), width, colour));
            for line in text.lines() {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
        }
    }
}

#[test]
fn every_row_and_allocator_is_there_whatever_the_width() {
    let results = fixture::results();
    for width in [80, 100, 200] {
        let text = table(&results, width, false);
        let part = &text[text.find("Wall time, to").unwrap()..text.find("Peak RSS, to").unwrap()];
        for row in results.rows.iter().filter(|row| row.timed) {
            assert!(part.contains(&row.title()), "{width}: {}", row.title());
        }
        for own in &results.allocators {
            assert!(part.contains(&own.name), "{width}: {}", own.name);
        }
    }
}

#[test]
fn colour_is_only_there_if_asked_for() {
    let results = fixture::results();
    let (plain, coloured) = (table(&results, 100, false), table(&results, 100, true));
    assert!(!plain.contains('\x1b'));
    assert!(coloured.contains("\x1b[32m1.00\x1b[0m"), "the best of a row is green");
    assert!(coloured.contains("\x1b[1;31m2.28\x1b[0m"), "ours above 1.25 is bold and red");
    assert_eq!(bare(&coloured), plain);
}

#[test]
fn the_losing_rows_come_first_and_the_missing_last() {
    let text = table(&fixture::results(), 100, false);
    let place = |part: &str| text.find(part).unwrap_or_else(|| panic!("no {part} in {text}"));
    assert!(place("Where Heapwright loses") < place("failed churn-mixed ×64: the checksum"));
    assert!(place("failed churn-mixed ×64") < place("Wall time, to the best peer"));
    assert!(place("Wall time, to") < place("Scores:"));
    assert!(place("Scores:") < place("tcmalloc-better: the build failed"));
    assert!(text.contains("scudo failed in lifo-batches ×64: killed by signal 9"));
}

#[test]
fn a_failure_and_a_gap_are_told_apart() {
    let text = table(&fixture::results(), 200, false);
    let part = &text[text.find("Wall time, to").unwrap()..];
    let cell = |title: &str, name: &str| {
        let mut lines = part.lines().skip(1);
        let head = lines.next().unwrap();
        let end = head[..head.find(name).unwrap() + name.len()].chars().count();
        let line = lines.find(|line| line.starts_with(title)).unwrap();
        line.chars().take(end).skip(end - 5).collect::<String>().trim().to_owned()
    };
    assert_eq!(cell("churn-mixed ×64", "heapwright"), "fail");
    assert_eq!(cell("lifo-batches ×4 ", "mimalloc2"), NOTHING);
    assert_eq!(cell("lifo-batches ×1 ", "heapwright"), "2.28");
}

#[test]
fn what_was_asked_for_and_the_loads_are_told() {
    let mut results = fixture::results();
    results.kind = "partial".to_owned();
    let text = table(&results, 200, false);
    let head: Vec<&str> = text.lines().take(3).collect();
    assert!(
        head[0]
            .starts_with("Heapwright beside its peers: only a part of the suite was asked for, 2026-01-02")
    );
    assert_eq!(head[1], "Options: --real");
    assert_eq!(head[2], "Load average at the beginning of each round: 0.20, 1.40");
}

#[test]
fn boards_are_by_group_and_count_failures() {
    let text = table(&fixture::results(), 100, false);
    let boards = &text[text.find("Scores:").unwrap()..text.find("Missing").unwrap()];
    assert!(!boards.contains("All rows"));
    let line = |part: &str, name: &str| -> Vec<String> {
        let part = &boards[boards.find(part).unwrap()..];
        let line = part.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().map(str::to_owned).collect()
    };
    assert_eq!(line("Our own workloads", "scudo")[1..3], ["18/19", "1"]);
    assert_eq!(line("Our own workloads", "heapwright")[1..3], ["18/19", "1"]);
    assert_eq!(line("Real programs", "tcmalloc")[1..3], ["2/3", "1"]);
    assert_eq!(line("Real programs", "heapwright")[1..3], ["3/3", "0"]);
    let left = "Wall time: not in the means, as one has no figure: lifo-batches ×4, lifo-batches ×64, churn-mixed ×64";
    let words: Vec<&str> = boards.split_whitespace().collect();
    assert!(words.join(" ").contains(left), "{boards}");
}

#[test]
fn few_rounds_are_marked_and_so_are_reads_from_disk() {
    let mut results = fixture::results();
    let marked = |text: &str| {
        let part = &text[text.find("Wall time: ").unwrap()..];
        let line = part.lines().find(|line| line.contains("lifo-batches ×1 ")).unwrap().to_owned();
        (line.contains('?'), line.contains("; 5 rounds"), line.contains("; 3 rounds"))
    };
    let text = table(&results, 100, false);
    assert_eq!(marked(&text), (false, true, false));
    assert!(!text.contains("Read from disk"));
    for cell in &mut results.rows[0].cells {
        cell.samples.truncate(3);
    }
    results.rows[0].cells[1].samples[2].major_faults = 1;
    let text = table(&results, 100, false);
    assert_eq!(marked(&text), (true, false, true));
    let read = &text[text.find("Read from disk in some round").unwrap()..];
    assert!(read.lines().any(|line| line == "lifo-batches ×1: glibc"), "{read}");
}

#[test]
fn what_steers_a_terminal_does_not_reach_it() {
    let mut results = fixture::results();
    results.missing[0].reason = "\x1b[2J gone\r\nand\u{7} more".to_owned();
    results.rows[0].workload = "evil\x1b[2J\nrow".to_owned();
    let text = table(&results, 100, false);
    assert!(!text.chars().any(|letter| letter.is_control() && letter != '\n'));
    assert!(text.contains("gone and more"));
}

#[test]
fn nothing_is_infinite_or_not_a_number() {
    let mut results = fixture::results();
    for row in &mut results.rows {
        row.cells.retain(|cell| cell.allocator == OURS);
    }
    let alone = table(&results, 100, false);
    results.rows.clear();
    let empty = table(&results, 100, false);
    for text in [table(&fixture::results(), 100, false), alone, empty] {
        let mut words = text.split(|letter: char| !letter.is_ascii_alphabetic());
        assert!(!words.any(|word| ["NaN", "inf"].contains(&word)), "{text}");
    }
}

#[test]
fn words_are_wrapped_and_long_ones_cut() {
    assert_eq!(wrap("one two three", 7), ["one two", "three"]);
    assert_eq!(wrap("incomprehensible", 6), ["incom…"]);
}
