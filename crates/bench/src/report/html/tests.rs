use super::*;
use crate::report::fixture;
use crate::report::html::drawing::anchor;

/// Where `text` first is in the page.
fn place(page: &str, text: &str) -> usize {
    page.find(text).unwrap_or_else(|| panic!("the page has no {text}"))
}

/// The words of a page: what stands between anything but letters.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_ascii_alphabetic())
}

#[test]
fn every_row_has_a_picture_and_a_link() {
    let results = fixture::results();
    let page = page(&results);
    for row in &results.rows {
        let anchor = anchor(row);
        assert_eq!(page.matches(&format!("id=\"{anchor}\"")).count(), 1, "{anchor}");
        assert!(page.contains(&format!("href=\"#{anchor}\"")), "{anchor}");
    }
    let timed = results.rows.iter().filter(|row| row.timed).count();
    assert_eq!(page.matches("aria-label=\"Wall time of ").count(), timed + 3, "and three plots of scaling");
    assert_eq!(page.matches("aria-label=\"Peak RSS of ").count(), results.rows.len());
    assert_eq!(page.matches("aria-label=\"RSS after idle of ").count(), 1, "the row that waits");
}

#[test]
fn every_link_has_its_end() {
    let page = page(&fixture::results());
    for link in page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(page.contains(&format!("id=\"{link}\"")), "#{link} leads nowhere");
    }
}

#[test]
fn the_losing_rows_come_before_the_scores() {
    let page = page(&fixture::results());
    let (losing, scores) = (place(&page, "id=\"losing\""), place(&page, "id=\"scores\""));
    assert!(losing < scores);
    let part = &page[losing..scores];
    assert!(part.contains("the checksum was 12ab, not 34cd"), "our own failure is among them");
    for measure in ["Wall time: ", "Peak RSS: ", "RSS at the end of the work: ", "RSS after idle: "] {
        assert!(part.contains(measure), "{measure}");
    }
}

#[test]
fn text_from_outside_is_escaped() {
    let page = page(&fixture::results());
    assert!(!page.contains("<script"));
    assert!(page.contains("gcc&lt;script&gt;&amp;&quot;x&quot;"));
    assert!(page.contains("no &lt;bazel&gt; here"));
    assert!(page.contains("exit status 1: &lt;cannot open&gt;"));
}

#[test]
fn nothing_is_infinite_or_not_a_number() {
    let mut results = fixture::results();
    let whole = page(&results);
    for row in &mut results.rows {
        row.cells.retain(|cell| cell.allocator == crate::score::OURS);
    }
    let alone = page(&results);
    results.rows.clear();
    results.allocators.truncate(1);
    let empty = page(&results);
    for page in [whole, alone, empty] {
        assert!(!words(&page).any(|word| ["NaN", "inf", "infinity"].contains(&word)));
    }
}

#[test]
fn the_page_needs_no_network() {
    let page = page(&fixture::results());
    for outside in ["http:", "https:", "src=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn what_is_missing_and_failed_is_said() {
    let results = fixture::results();
    let page = page(&results);
    assert!(page.contains("tcmalloc-better"));
    assert!(page.contains("killed by signal 9 after 120 s: out of memory"));
    for own in &results.allocators {
        assert!(page.contains(&own.origin), "{}", own.origin);
        assert!(own.sha256.iter().all(|sum| page.contains(sum)));
    }
}

#[test]
fn a_part_of_the_suite_is_called_one_before_all_numbers() {
    let mut results = fixture::results();
    results.kind = "partial".to_owned();
    let page = page(&results);
    let head = &page[..place(&page, "id=\"losing\"")];
    for text in [
        "only a part of the suite was asked for",
        "--real",
        "0.20, 1.40",
        "Our own workloads",
        "Rust programs",
    ] {
        assert!(head.contains(text), "{text}");
    }
}

#[test]
fn a_row_that_waits_loses_no_peak_and_says_why() {
    let mut results = fixture::results();
    let row = results.rows.iter_mut().find(|row| row.workload == "idle").unwrap();
    let ours = row.cells.iter_mut().find(|cell| cell.allocator == crate::score::OURS).unwrap();
    for sample in &mut ours.samples {
        (sample.peak_rss, sample.idle_rss) = (sample.peak_rss * 50, Some(sample.peak_rss * 50));
    }
    let page = page(&results);
    let part = |from: &str, to: &str| page[place(&page, from)..place(&page, to)].to_owned();
    assert!(
        !part("aria-label=\"Losses: Peak RSS\"", "aria-label=\"Losses: RSS at the end")
            .contains("row-own-idle")
    );
    assert!(part("aria-label=\"Losses: RSS after idle", "id=\"scores\"").contains("row-own-idle"));
    assert_eq!(page.matches("and all wait side by side, in one round").count(), 1);
}

#[test]
fn rounds_and_reads_from_disk_are_told() {
    let mut results = fixture::results();
    let before = page(&results);
    assert!(
        before.contains("for the looks of it. (5 rounds)")
            && !before.contains("Read from disk in some round")
    );
    assert!(!before.contains("small class=\"read\"") && !before.contains("few rounds"));
    for cell in &mut results.rows[0].cells {
        cell.samples.truncate(3);
    }
    results.rows[0].cells[2].samples[1].major_faults = 17;
    let after = page(&results);
    assert!(after.contains("for the looks of it. (3 rounds)") && after.contains("few rounds"));
    assert!(after.contains("Read from disk in some round: mimalloc3."));
    assert_eq!(after.matches("<small class=\"read\"> read from disk, up to 17</small>").count(), 1);
}

/// For looking at: `HEAPWRIGHT_REPORT_PAGE=page.html cargo test -p heapwright-bench fixture_page -- --ignored`.
#[test]
#[ignore = "writes the fixture's page to the file that HEAPWRIGHT_REPORT_PAGE names"]
fn the_fixture_page() {
    let path = std::env::var_os("HEAPWRIGHT_REPORT_PAGE").expect("set HEAPWRIGHT_REPORT_PAGE to a file");
    std::fs::write(path, page(&fixture::results())).unwrap();
}
