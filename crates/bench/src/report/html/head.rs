//! What is read first: the summary, the contents, the rows where ours loses.

use crate::report::html::drawing::anchor;
use crate::report::html::scaling;
use crate::report::units::{GROUPS, Unit, group_name, group_title, measure_title, ratio, several};
use crate::results::{Results, Row};
use crate::score::{self, Loss, Measure, OURS, Score};
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
                time datetime=(results.date) { (date) " UTC" } " · " (results.kind) " run · "
                (machine.processor) ", " (several(machine.cores as usize, "core", "cores"))
            }
            p.summary {
                (standing(results, Measure::Time)) " "
                (standing(results, Measure::Peak)) " "
                @let failed = score::failing(results).len();
                @if failed > 0 { "It failed in " (several(failed, "row", "rows")) ". " }
                "Smaller is better; the score is the geometric mean of the ratios to the best peer of each row."
            }
        }
    }
}

/// How ours stands by `measure`, the best peer named beside.
fn standing(results: &Results, measure: Measure) -> Markup {
    let scores = score::scores(results, &GROUPS, measure);
    let name = if measure == Measure::Time { "wall time" } else { "peak RSS" };
    let Some(own) = scores.iter().find(|own| own.allocator == OURS) else {
        return html! { "Heapwright has no score in " (name) "." };
    };
    let lost = score::losing(results, measure, LEAST).len();
    let peers = score::comparable(results, &GROUPS, measure);
    let peer = peers.iter().filter(|own| own.allocator != OURS).min_by(|a, b| a.mean.total_cmp(&b.mean));
    html! {
        "In " (name) " Heapwright scores " b { (ratio(own.mean)) } " over " (several(own.rows, "row", "rows"))
        @if let Some(Score { allocator, mean, .. }) = peer {
            ", where the best peer by the same score, " (allocator) ", has " (ratio(*mean))
        }
        "; it is best in " (own.won) " and loses " (lost) ", at worst by " (ratio(own.worst)) " in " (own.worst_row) "."
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
                ", the worst first. Where the quartiles of both touch, the loss may be noise."
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
            td.left { @if loss.within_spread() { "touch" } @else { "apart" } }
        }
    }
}
