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
