//! Plain tables: scores, and what the processor did.

use crate::report::html::drawing::anchor;
use crate::report::units::{GROUPS, NOTHING, Unit, group_title, grouped, measure_title, number, ratio};
use crate::results::{Group, Results, Row, Sample};
use crate::score::{self, Board, Measure, OURS, Score};
use heapwright_measure::statistics::median;
use maud::{Markup, html};

/// The scores of each group.
pub fn scores(results: &Results) -> Markup {
    let some = |group: &Group| results.rows.iter().any(|row| row.group == *group);
    html! {
        section #scores {
            h2 { "Scores" }
            p.note {
                "Each row's median is divided by that of the row's best peer (Heapwright left out); the score is the \
                geometric mean over the rows that all compared allocators finished. Smaller is better. Compared is \
                who finished at least half of the rows; the others have no score and stand last. Clear wins: rows in \
                which the quartiles are apart from those of the best other, with " (score::ENOUGH) " rounds or more \
                of both. First: rows in which no median is less, by however little. There is no score over all \
                groups: not everybody takes part in all."
            }
            @for group in GROUPS.into_iter().filter(some) {
                h3 { (group_title(group)) }
                (board(results, group))
            }
        }
    }
}

/// Both measures of a group in one table, by the score in time.
fn board(results: &Results, group: Group) -> Markup {
    let boards = [Measure::Time, Measure::Peak].map(|measure| Board::new(results, group, measure));
    let mean = |name: &str| boards[0].of(name).and_then(|own| own.mean).unwrap_or(f64::INFINITY);
    let part = |name: &str| score::part(results, group, name);
    let mut names: Vec<&str> = results.allocators.iter().map(|own| own.name.as_str()).collect();
    names.retain(|name| part(name).ran + part(name).failed > 0);
    names.sort_by(|a, b| mean(a).total_cmp(&mean(b)));
    html! {
        div.scroll tabindex="0" role="region" aria-label=(format!("Scores: {}", group_title(group))) {
            table.numbers {
                (board_head())
                tbody {
                    @for name in names {
                        tr.ours[name == OURS] {
                            th scope="row" { (name) }
                            td { (part(name).ran) " of " (part(name).rows) }
                            td { (part(name).failed) }
                            @for board in &boards { (mean_cell(board, name)) }
                            @for board in &boards { td { (count(board.of(name), |own| own.won)) } }
                            @for board in &boards { td { (count(board.of(name), |own| own.first)) } }
                            @for board in &boards { (worst_cells(results, group, board.of(name))) }
                        }
                    }
                }
            }
        }
        @for (board, measure) in boards.iter().zip([Measure::Time, Measure::Peak]) {
            @if !board.left_out.is_empty() {
                p.note {
                    (measure_title(measure)) ": the scores are over " (board.rows - board.left_out.len()) " of "
                    (board.rows) " rows. Left out, because a compared allocator has no figure there: "
                    (board.left_out.join(", ")) "."
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
                th scope="col" rowspan="2" { "Rows run" }
                th scope="col" rowspan="2" { "Failed" }
                th scope="colgroup" colspan="2" { "Score" }
                th scope="colgroup" colspan="2" { "Clear wins" }
                th scope="colgroup" colspan="2" { "First" }
                th scope="colgroup" colspan="4" { "Worst ratio" }
            }
            tr {
                @for _ in 0..3 { th scope="col" { "time" } th scope="col" { "RSS" } }
                @for title in ["time", "RSS"] {
                    th scope="col" { (title) }
                    th.left scope="col" { "in row" }
                }
            }
        }
    }
}

fn mean_cell(board: &Board, name: &str) -> Markup {
    html! {
        @match board.of(name).and_then(|own| own.mean) {
            Some(mean) => td.lead[mean.total_cmp(&board.best_mean()).is_eq()] { (ratio(mean)) },
            None => td { (NOTHING) },
        }
    }
}

fn count(score: Option<&Score>, of: fn(&Score) -> usize) -> String {
    score.map_or_else(|| NOTHING.to_owned(), |own| of(own).to_string())
}

fn worst_cells(results: &Results, group: Group, score: Option<&Score>) -> Markup {
    let place = |own: &Score| {
        let row = results.rows.iter().find(|row| row.group == group && row.title() == own.worst_row);
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
        td {
            (grouped(of(|own| own.major_faults as f64)))
            @let most = samples.iter().map(|own| own.major_faults).max().unwrap_or(0);
            @if most > 0 { small.read { " read from disk, up to " (grouped(most as f64)) } }
        }
        td { (number(of(|own| own.peak_rss as f64) / Unit::MEBIBYTES.factor)) }
    }
}
