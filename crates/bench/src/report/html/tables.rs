//! Plain tables: scores, and what the processor did.

use crate::report::html::drawing::anchor;
use crate::report::units::{GROUPS, NOTHING, Unit, group_title, grouped, number, ratio};
use crate::results::{Group, Results, Row, Sample};
use crate::score::{self, Measure, OURS, Score};
use heapwright_measure::statistics::median;
use maud::{Markup, html};

/// The scores over all rows, then over each group.
pub fn scores(results: &Results) -> Markup {
    let groups: Vec<Group> =
        GROUPS.into_iter().filter(|group| results.rows.iter().any(|row| row.group == *group)).collect();
    html! {
        section #scores {
            h2 { "Scores" }
            p.note {
                "Each row's median is divided by that of the row's best peer (Heapwright left out); the score is the \
                geometric mean over the rows. Smaller is better. Won: rows in which nobody was better. Who \
                ran fewer than half of the rows stands last: such a score does not compare."
            }
            h3 { "All rows" }
            (board(results, &groups, "all rows"))
            @if groups.len() > 1 {
                @for group in groups {
                    h3 { (group_title(group)) }
                    (board(results, &[group], group_title(group)))
                }
            }
        }
    }
}

/// Both measures of some groups in one table, by the score in time.
fn board(results: &Results, groups: &[Group], name: &str) -> Markup {
    let time = score::scores(results, groups, Measure::Time);
    let peak = score::scores(results, groups, Measure::Peak);
    let of = |all: &[Score], name: &str| all.iter().find(|own| own.allocator == name).cloned();
    let mut names: Vec<&str> = results.allocators.iter().map(|own| own.name.as_str()).collect();
    names.retain(|name| of(&time, name).is_some() || of(&peak, name).is_some());
    // Who ran few rows stands below those who ran most.
    let known = score::comparable(results, groups, Measure::Time);
    let few = |name: &str| !known.iter().any(|own| own.allocator == name);
    let mean = |name: &str| of(&time, name).map_or(f64::INFINITY, |own| own.mean);
    names.sort_by(|a, b| few(a).cmp(&few(b)).then(mean(a).total_cmp(&mean(b))));
    let best = [Measure::Time, Measure::Peak].map(|measure| score::best_mean(results, groups, measure));
    html! {
        div.scroll tabindex="0" role="region" aria-label=(format!("Scores: {name}")) {
            table.numbers {
                (board_head())
                tbody {
                    @for name in names {
                        tr.ours[name == OURS] {
                            th scope="row" { (name) }
                            @let scores = [of(&time, name), of(&peak, name)];
                            @for (score, best) in scores.iter().zip(&best) { (mean_cell(score.as_ref(), *best)) }
                            @for score in &scores { td { @if let Some(own) = score { (own.won) " of " (own.rows) } } }
                            @for score in &scores { (worst_cells(results, groups, score.as_ref())) }
                            td { (failed(results, groups, name)) }
                        }
                    }
                }
            }
        }
    }
}

fn board_head() -> Markup {
    html! {
        thead {
            tr {
                th scope="col" rowspan="2" { "Allocator" }
                th scope="colgroup" colspan="2" { "Score" }
                th scope="colgroup" colspan="2" { "Rows won" }
                th scope="colgroup" colspan="4" { "Worst ratio" }
                th scope="col" rowspan="2" { "Failed" }
            }
            tr {
                @for _ in 0..2 { th scope="col" { "time" } th scope="col" { "RSS" } }
                @for title in ["time", "RSS"] {
                    th scope="col" { (title) }
                    th.left scope="col" { "in row" }
                }
            }
        }
    }
}

fn failed(results: &Results, groups: &[Group], name: &str) -> usize {
    let rows = results.rows.iter().filter(|row| groups.contains(&row.group));
    rows.filter(|row| score::failure(row, name).is_some()).count()
}

fn mean_cell(score: Option<&Score>, best: f64) -> Markup {
    html! {
        @match score {
            Some(own) => td.lead[own.mean.total_cmp(&best).is_eq()] { (ratio(own.mean)) },
            None => td { (NOTHING) },
        }
    }
}

fn worst_cells(results: &Results, groups: &[Group], score: Option<&Score>) -> Markup {
    let place = |own: &Score| {
        let row = results.rows.iter().find(|row| groups.contains(&row.group) && row.title() == own.worst_row);
        row.map(anchor).unwrap_or_default()
    };
    html! {
        @match score {
            Some(own) => {
                td { (ratio(own.worst)) }
                td.left { a href=(format!("#{}", place(own))) { (own.worst_row) } }
            }
            None => { td { (NOTHING) } td.left {} }
        }
    }
}

/// Processor time and page faults of a row, and the rounds behind its bars.
pub fn processor(row: &Row, order: &[&str]) -> Markup {
    let cells: Vec<_> = order
        .iter()
        .filter_map(|name| row.cells.iter().find(|cell| cell.allocator == *name))
        .filter(|cell| !cell.samples.is_empty() && cell.failure.is_none())
        .collect();
    let values = cells.iter().flat_map(|cell| &cell.samples).map(|sample| sample.wall);
    let unit = Unit::of_time(values.fold(0.0, f64::max));
    html! {
        details {
            summary { "Processor time and page faults" }
            div.scroll tabindex="0" role="region" aria-label=(format!("Processor time of {}", row.title())) {
                table.numbers {
                    thead {
                        tr {
                            th scope="col" { "Allocator" }
                            th scope="col" { "Rounds" }
                            @for title in ["Wall", "User", "System", "User + system"] {
                                th scope="col" { (title) ", " (unit.name) }
                            }
                            th scope="col" { "Minor faults" }
                            th scope="col" { "Major faults" }
                            th scope="col" { "Peak RSS, MiB" }
                        }
                    }
                    tbody {
                        @for cell in cells {
                            tr.ours[cell.allocator == OURS] {
                                th scope="row" { (cell.allocator) }
                                td { (cell.samples.len()) }
                                (medians(&cell.samples, unit))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn medians(samples: &[Sample], unit: Unit) -> Markup {
    let of = |value: fn(&Sample) -> f64| median(&samples.iter().map(value).collect::<Vec<f64>>());
    html! {
        td { (unit.show(of(|own| own.wall))) }
        td { (unit.show(of(|own| own.user))) }
        td { (unit.show(of(|own| own.system))) }
        td { (unit.show(of(|own| own.user + own.system))) }
        td { (grouped(of(|own| own.minor_faults as f64))) }
        td { (grouped(of(|own| own.major_faults as f64))) }
        td { (number(of(|own| own.peak_rss as f64) / Unit::MEBIBYTES.factor)) }
    }
}
