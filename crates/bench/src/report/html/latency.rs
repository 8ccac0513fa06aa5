//! Times of single calls: four quantiles for each allocator on a logarithmic axis, and as numbers.

use crate::report::axis::Logarithmic;
use crate::report::html::drawing::{at, ticks};
use crate::report::units::{grouped, tick};
use crate::results::{Latency, Quantiles, Results, Row};
use crate::score::{self, OURS};
use maud::{Markup, html};

/// The pictures and the table; nothing where the row has no such times.
pub fn section(results: &Results, row: &Row) -> Markup {
    let mut known: Vec<(&str, Latency)> = row
        .cells
        .iter()
        .filter_map(|cell| Some((cell.allocator.as_str(), score::latency(cell)?)))
        .filter(|(name, _)| results.allocators.iter().any(|own| own.name == *name))
        .collect();
    known.sort_by_key(|(_, own)| own.malloc.p99);
    let malloc: Vec<(&str, Quantiles)> = known.iter().map(|(name, own)| (*name, own.malloc)).collect();
    let free: Vec<(&str, Quantiles)> = known.iter().map(|(name, own)| (*name, own.free)).collect();
    html! {
        @if !known.is_empty() {
            h4 { "Single calls" }
            p.note {
                "Nanoseconds, logarithmic; the reading of the clock is included. From left to right: "
                b.q50 { "●" } " p50, " b.q99 { "■" } " p99, " b.q999 { "▲" } " p99.9, " b.qmax { "|" }
                " max; medians of the rounds. Sorted by p99 of malloc."
            }
            div.pair { (panel("malloc", row, &malloc)) (panel("free", row, &free)) }
            details {
                summary { "Numbers of single calls" }
                (numbers(&known))
            }
        }
    }
}

fn panel(call: &str, row: &Row, all: &[(&str, Quantiles)]) -> Markup {
    let values = all.iter().flat_map(|(_, own)| [own.p50, own.p99, own.p999, own.max]);
    let axis = Logarithmic::new(values.map(|value| value as f64), 4.0, 5);
    html! {
        @if let Some(axis) = axis {
            table.bars.calls aria-label=(format!("{call} in {}, nanoseconds", row.title())) {
                caption { b { (call) } ", ns" }
                thead.hidden { tr { th scope="col" { "Allocator" } th scope="col" { "p50 to max" } th scope="col" { "p99, ns" } } }
                tbody {
                    @for (name, own) in all {
                        tr.ours[*name == OURS] {
                            th scope="row" title=(name) { (name) }
                            td.track aria-hidden="true" { (track(own, &axis)) }
                            td.value title="p99" { (grouped(own.p99 as f64)) }
                        }
                    }
                }
                tfoot aria-hidden="true" { tr { td {} td.axis { (ticks(axis.ticks.iter().map(|value| (axis.place(*value), short(*value))))) } td.value { "p99" } } }
            }
        }
    }
}

/// The marks are texts of the page, placed by share: a drawing that is stretched would bend them.
fn track(own: &Quantiles, axis: &Logarithmic) -> Markup {
    let x = |value: u64| axis.place(value.max(1) as f64) * 100.0;
    let marks =
        [("q50", "●", own.p50), ("q99", "■", own.p99), ("q999", "▲", own.p999), ("qmax", "|", own.max)];
    html! {
        div.marks {
            svg viewBox="0 0 100 20" preserveAspectRatio="none" {
                @for value in &axis.ticks {
                    @let place = at(axis.place(*value) * 100.0);
                    line.grid x1=(place) x2=(place) y1="0" y2="20" {}
                }
                line.range x1=(at(x(own.p50))) x2=(at(x(own.max))) y1="10" y2="10" {}
            }
            @for (class, mark, value) in marks {
                span class=(class) style=(format!("left:{}%", at(x(value)))) { (mark) }
            }
        }
    }
}

/// Powers of a thousand by letter: the ticks of six decades stand side by side.
fn short(value: f64) -> String {
    match value {
        _ if value >= 1e9 => format!("{}G", tick(value / 1e9)),
        _ if value >= 1e6 => format!("{}M", tick(value / 1e6)),
        _ if value >= 1e3 => format!("{}k", tick(value / 1e3)),
        _ => tick(value),
    }
}

fn numbers(known: &[(&str, Latency)]) -> Markup {
    const NAMES: [&str; 4] = ["p50", "p99", "p99.9", "max"];
    let of = |own: &Quantiles| [own.p50, own.p99, own.p999, own.max].map(|value| grouped(value as f64));
    html! {
        div.scroll tabindex="0" role="region" aria-label="Times of single calls" {
            table.numbers {
                thead {
                    tr {
                        th scope="col" rowspan="2" { "Allocator" }
                        th scope="colgroup" colspan="4" { "malloc, ns" }
                        th scope="colgroup" colspan="4" { "free, ns" }
                    }
                    tr { @for name in NAMES.iter().chain(&NAMES) { th scope="col" { (name) } } }
                }
                tbody {
                    @for (name, own) in known {
                        tr.ours[*name == OURS] {
                            th scope="row" { (name) }
                            @for value in of(&own.malloc).iter().chain(&of(&own.free)) { td { (value) } }
                        }
                    }
                }
            }
        }
    }
}
