//! Each row's picture: time and memory side by side, and what belongs to it.

use crate::report::html::bars::{self, Bar, Panel};
use crate::report::html::drawing::anchor;
use crate::report::html::{latency, tables};
use crate::report::units::{GROUPS, Unit, group_name, group_title, measure_title, rounds, several};
use crate::results::{Results, Row, Sample};
use crate::score::{self, Figure, Measure, OURS};
use heapwright_measure::statistics::median;
use maud::{Markup, html};

/// All rows, by group.
pub fn sections(results: &Results) -> Markup {
    html! {
        @for group in GROUPS {
            @let rows: Vec<&Row> = results.rows.iter().filter(|row| row.group == group).collect();
            @if !rows.is_empty() {
                section id=(format!("group-{}", group_name(group))) {
                    h2 { (group_title(group)) }
                    p.note {
                        (several(rows.len(), "row", "rows")) ". Bars are medians of the rounds, whiskers the quartiles; \
                        × is the ratio to the best peer; ★ marks the best of all. Sorted by the left panel. A bar with a gap near its \
                        end is longer than its axis: read the number."
                    }
                    @for row in rows { (article(results, row)) }
                }
            }
        }
    }
}

fn article(results: &Results, row: &Row) -> Markup {
    let leading = leading(row);
    let order = order(results, row, leading);
    html! {
        article id=(anchor(row)) {
            h3 { (row.title()) }
            p.about { (row.about) " (" (rounds(row)) ")" }
            @if score::waits(row) {
                p.note {
                    "Neither wall time nor the peak counts here: the workload waits on purpose, and all wait side by \
                    side, in one round."
                }
            } @else if !row.timed {
                p.note { "Wall time does not count here." }
            }
            @let readers = score::readers(row);
            @if !readers.is_empty() {
                p.note { "Read from disk in some round: " (readers.join(", ")) "." }
            }
            div.pair {
                @if leading != Measure::Peak { (panel(row, &order, leading)) }
                (panel(row, &order, Measure::Peak))
            }
            (legend(row))
            (failures(row))
            (latency::section(results, row))
            (tables::processor(row, &order))
        }
    }
}

/// What the left panel shows, and the row is sorted by: time, or what a row that waits is about.
fn leading(row: &Row) -> Measure {
    let waits = || if score::counts(row, Measure::Idle) { Measure::Idle } else { Measure::Peak };
    if row.timed { Measure::Time } else { waits() }
}

/// The allocators of a row: the best first, those without a figure last.
fn order<'a>(results: &'a Results, row: &Row, measure: Measure) -> Vec<&'a str> {
    let figures = score::figures(row, measure);
    let value = |name: &str| {
        let own = figures.iter().find(|(other, _)| *other == name).and_then(|(_, own)| *own);
        own.map_or(f64::INFINITY, |own| own.median)
    };
    let of_row = |name: &&str| row.cells.iter().any(|cell| cell.allocator == *name);
    let mut names: Vec<&str> =
        results.allocators.iter().map(|own| own.name.as_str()).filter(of_row).collect();
    names.sort_by(|a, b| value(a).total_cmp(&value(b)));
    names
}

fn panel(row: &Row, order: &[&str], measure: Measure) -> Markup {
    let figures = score::figures(row, measure);
    let of = |name: &str| -> Option<Figure> { figures.iter().find(|(other, _)| *other == name)?.1 };
    let largest = order.iter().filter_map(|name| of(name)).map(|own| own.median).fold(0.0, f64::max);
    let title = measure_title(measure);
    let bar = |name: &&str| -> Bar<'_> {
        let figure = of(name).ok_or_else(|| bars::reason(score::failure(row, name)));
        let known = measure == Measure::Peak && figure.is_ok();
        let thin = if known { later(row, name) } else { Vec::new() };
        let live = if known { middle(row, name, |sample| sample.end_live) } else { None };
        Bar { name: row_name(row, name), figure, thin, live }
    };
    let bars: Vec<Bar<'_>> = order.iter().map(bar).collect();
    let unit = Unit::of(measure, largest);
    Panel { title, unit, bars, label: format!("{} of {}, {}", title, row.title(), unit.name) }.draw()
}

/// The name as the row's cell has it, which lives as long as the row.
fn row_name<'a>(row: &'a Row, name: &str) -> &'a str {
    row.cells.iter().map(|cell| cell.allocator.as_str()).find(|own| *own == name).unwrap_or(OURS)
}

/// Memory after the peak, as far as the row tells it and no panel of its own does.
fn later(row: &Row, name: &str) -> Vec<(&'static str, f64)> {
    let end = middle(row, name, |sample| sample.end_rss).map(|value| ("end", value));
    let idle = middle(row, name, |sample| sample.idle_rss).filter(|_| leading(row) != Measure::Idle);
    let idle = idle.map(|value| ("idle", value));
    end.into_iter().chain(idle).collect()
}

/// The median of something of a cell's samples.
fn middle(row: &Row, name: &str, of: fn(&Sample) -> Option<u64>) -> Option<f64> {
    let cell = row.cells.iter().find(|cell| cell.allocator == name)?;
    let values: Vec<f64> = cell.samples.iter().filter_map(of).map(|value| value as f64).collect();
    (!values.is_empty()).then(|| median(&values))
}

/// What the thin bars and the line mean, where a row has them.
fn legend(row: &Row) -> Markup {
    let any = |of: fn(&Sample) -> bool| row.cells.iter().flat_map(|cell| &cell.samples).any(of);
    let (end, idle) = (any(|sample| sample.end_rss.is_some()), any(|sample| sample.idle_rss.is_some()));
    let idle = idle && leading(row) != Measure::Idle;
    let live = any(|sample| sample.end_live.is_some());
    html! {
        @if end || idle || live {
            p.note {
                @if end { "Thin bar, “end”: RSS when the work had ended, MiB. " }
                @if idle { "Thin bar, “idle”: RSS after some idle seconds, MiB. " }
                @if live { "Dashed line: bytes that were live at the end, as asked for." }
            }
        }
    }
}

fn failures(row: &Row) -> Markup {
    let failed: Vec<(&str, &str)> = row
        .cells
        .iter()
        .filter_map(|cell| Some((cell.allocator.as_str(), cell.failure.as_deref()?)))
        .collect();
    html! {
        @if !failed.is_empty() {
            ul.failures { @for (name, reason) in failed { li { b { (name) } " failed: " (reason) } } }
        }
    }
}
