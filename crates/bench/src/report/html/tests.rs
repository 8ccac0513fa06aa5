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

/// For looking at: `HEAPWRIGHT_REPORT_PAGE=page.html cargo test -p heapwright-bench fixture_page -- --ignored`.
#[test]
#[ignore = "writes the fixture's page to the file that HEAPWRIGHT_REPORT_PAGE names"]
fn the_fixture_page() {
    let path = std::env::var_os("HEAPWRIGHT_REPORT_PAGE").expect("set HEAPWRIGHT_REPORT_PAGE to a file");
    std::fs::write(path, page(&fixture::results())).unwrap();
}
