//! What is read first: the summary, the contents, the rows where ours loses.

use crate::report::html::drawing::anchor;
use crate::report::html::scaling;
use crate::report::units::{
    GROUPS, Unit, group_name, group_title, kind, loads, measure_title, options, ratio, rounds, several,
    spread_name,
};
use crate::results::{Group, Results, Row};
use crate::score::{self, Board, Loss, Measure, OURS};
use heapwright_measure::statistics::LEAST;
use maud::{Markup, html};

/// Title, date and the summary.
pub fn header(results: &Results) -> Markup {
    let date = results.date.get(..16).unwrap_or(&results.date).replace('T', " ");
    let machine = &results.machine;
    html! {
        header {
            h1 { "Heapwright beside its peers" }
            p.date {
                time datetime=(results.date) { (date) " UTC" } " · " (kind(results)) " · "
                (machine.processor) ", " (several(machine.cores as usize, "core", "cores"))
            }
            p.date {
                "Options: " code { (options(results)) } ". Load average at the beginning of each round: "
                (loads(results)) "."
            }
            ul.summary {
                @for group in GROUPS {
                    @if results.rows.iter().any(|row| row.group == group) {
                        li {
                            b { (group_title(group)) } ": " (standing(results, group, Measure::Time)) "; "
                            (standing(results, group, Measure::Peak)) "."
                            @let failed = score::part(results, group, OURS).failed;
                            @if failed > 0 { " It failed in " (several(failed, "row", "rows")) "." }
                        }
                    }
                }
            }
            p.note {
                "Smaller is better; a score is the geometric mean of the ratios to the best peer of each row of the \
                group. A clear win is one whose quartiles are apart from those of the best other."
            }
        }
    }
}

/// How ours stands in `group` by `measure`, the best peer named beside.
fn standing(results: &Results, group: Group, measure: Measure) -> Markup {
    let name = if measure == Measure::Time { "wall time" } else { "peak RSS" };
    let board = Board::new(results, group, measure);
    let Some(own) = board.of(OURS) else { return html! { "no score in " (name) } };
    let losses = score::losing(results, measure, LEAST);
    let lost = losses.iter().filter(|loss| loss.row.group == group).count();
    html! {
        (name) " "
        @match own.mean {
            Some(mean) => b { (ratio(mean)) },
            None => "without a score",
        }
        @if !board.left_out.is_empty() {
            " over " (board.rows - board.left_out.len()) " of " (several(board.rows, "row", "rows"))
        }
        @if let Some((peer, mean)) = board.best_peer() { " (best peer by score: " (peer) ", " (ratio(mean)) ")" }
        ", " (several(own.won, "clear win", "clear wins")) ", " (several(lost, "loss", "losses")) " in "
        (several(own.rows, "row", "rows")) ", at worst " (ratio(own.worst)) " in " (own.worst_row)
    }
}

/// Links to all parts.
pub fn contents(results: &Results) -> Markup {
    html! {
        nav aria-label="Contents" {
            ul {
                li { a href="#losing" { "Where Heapwright loses" } }
                li { a href="#scores" { "Scores" } }
                li { a href="#picture" { "Time against memory" } }
                @for group in GROUPS {
                    @let rows: Vec<&Row> = results.rows.iter().filter(|row| row.group == group).collect();
                    @if !rows.is_empty() {
                        li {
                            a href=(format!("#group-{}", group_name(group))) { (group_title(group)) }
                            details {
                                summary { (several(rows.len(), "row", "rows")) }
                                ul { @for row in rows { li { a href=(format!("#{}", anchor(row))) { (row.title()) } } } }
                            }
                        }
                    }
                }
                @if scaling::any(results) { li { a href="#scaling" { "Scaling with threads" } } }
                li { a href="#machine" { "Machine" } }
                li { a href="#allocators" { "Allocators" } }
                li { a href="#missing" { "Missing" } }
                li { a href="#method" { "Method" } }
            }
        }
    }
}

/// The rows where ours loses, the worst first, and those in which it failed before all.
pub fn losing(results: &Results) -> Markup {
    let failing = score::failing(results);
    html! {
        section #losing {
            h2 { "Where Heapwright loses" }
            p.note {
                "All rows in which the best peer is better by more than " (format!("{:.0} %", LEAST * 100.0))
                ", the worst first. Where the quartiles of both touch, the loss may be noise; with fewer than "
                (score::ENOUGH) " rounds of one of the two they say nothing."
            }
            @if !failing.is_empty() {
                h3 { "Failed" }
                ul.failures {
                    @for (row, reason) in failing {
                        li { a href=(format!("#{}", anchor(row))) { (row.title()) } ": " (reason) }
                    }
                }
            }
            (losses(results, Measure::Time))
            (losses(results, Measure::Peak))
            @for measure in [Measure::End, Measure::Idle] {
                @if results.rows.iter().any(|row| score::counts(row, measure)) { (losses(results, measure)) }
            }
        }
    }
}

fn losses(results: &Results, measure: Measure) -> Markup {
    let losses = score::losing(results, measure, LEAST);
    let rows = score::counting(results, &GROUPS, measure).len();
    html! {
        h3 { (measure_title(measure)) ": " (losses.len()) " of " (several(rows, "row", "rows")) }
        @if losses.is_empty() {
            p { "None." }
        } @else {
            div.scroll tabindex="0" role="region" aria-label=(format!("Losses: {}", measure_title(measure))) {
                table.numbers {
                    thead {
                        tr {
                            th.left scope="col" { "Row" }
                            th scope="col" { "Ratio" }
                            th scope="col" { "Heapwright" }
                            th scope="col" { "Best peer" }
                            th.left scope="col" { "which is" }
                            th.left scope="col" { "Quartiles" }
                            th.left scope="col" { "Rounds" }
                        }
                    }
                    tbody { @for loss in &losses { (line(loss, measure)) } }
                }
            }
        }
    }
}

fn line(loss: &Loss<'_>, measure: Measure) -> Markup {
    let unit = Unit::of(measure, loss.own.median);
    html! {
        tr {
            th scope="row" { a href=(format!("#{}", anchor(loss.row))) { (loss.row.title()) } }
            td { b { (ratio(loss.own.ratio)) } }
            td { (unit.say(loss.own.median)) }
            td { (unit.say(loss.best.median)) }
            td.left { (loss.peer) }
            td.left { (spread_name(loss.spread())) }
            td.left { (rounds(loss.row)) }
        }
    }
}
