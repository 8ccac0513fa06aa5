//! Where it ran, who took part, who could not, and how it was measured.

use crate::report::units::{size, span};
use crate::results::{Allocator, Results};
use crate::score::OURS;
use heapwright_measure::statistics::LEAST;
use maud::{Markup, html};

/// The machine and the tools.
pub fn machine(results: &Results) -> Markup {
    let own = &results.machine;
    let facts = [
        ("Processor", own.processor.clone()),
        ("Cores that may be used", own.cores.to_string()),
        ("Memory", size(own.memory)),
        ("System", own.system.clone()),
        ("Kernel", own.kernel.clone()),
        ("Page size", size(own.page)),
        ("Transparent huge pages", own.huge_pages.clone()),
        (
            "Load average at the beginning",
            format!("{:.2}", if own.load.is_finite() { own.load } else { 0.0 }),
        ),
        ("rustc", own.rustc.clone()),
        ("cc", own.cc.clone()),
        ("Commit", own.commit.clone()),
        ("Kind of run", results.kind.clone()),
        ("Time of the whole run, peers built", span(results.seconds)),
    ];
    html! {
        section #machine {
            h2 { "The machine" }
            dl.facts { @for (name, value) in facts { dt { (name) } dd { (value) } } }
            @if own.commit.ends_with('+') {
                p.note { "The + after the commit says that files of the tree had been changed." }
            }
        }
    }
}

/// Who took part.
pub fn allocators(results: &Results) -> Markup {
    html! {
        section #allocators {
            h2 { "The allocators" }
            div.scroll tabindex="0" role="region" aria-label="Allocators" {
                table.words {
                    thead {
                        tr {
                            @for title in ["Name", "Version", "Origin", "Environment", "SHA-256"] {
                                th scope="col" { (title) }
                            }
                        }
                    }
                    tbody { @for own in &results.allocators { (allocator(own)) } }
                }
            }
        }
    }
}

fn allocator(own: &Allocator) -> Markup {
    html! {
        tr.ours[own.name == OURS] {
            th scope="row" { (own.name) }
            td { (own.version) }
            td { (own.origin) }
            td {
                @if own.environment.is_empty() { "as it is" }
                @for (name, value) in &own.environment { code { (name) "=" (value) } " " }
            }
            td {
                @match &own.sha256 {
                    Some(sum) => code.sum { (sum) },
                    None => "no library of its own",
                }
            }
        }
    }
}

/// Who could not take part.
pub fn missing(results: &Results) -> Markup {
    html! {
        section #missing {
            h2 { "What is missing" }
            @if results.missing.is_empty() {
                p { "Nothing: everybody took part." }
            } @else {
                dl.missing { @for own in &results.missing { dt { (own.name) } dd { (own.reason) } } }
            }
        }
    }
}

/// How it was measured.
pub fn method(results: &Results) -> Markup {
    let rounds = results.rows.iter().flat_map(|row| &row.cells).map(|cell| cell.samples.len());
    let most = rounds.max().unwrap_or(0);
    html! {
        section #method {
            h2 { "The method" }
            p {
                "The allocators take turns: one round runs each of them once, and there are up to " (most) " rounds, \
                so that the load of a minute touches all alike; who takes more than four times the fastest runs two \
                rounds. Each sample is a whole process. A process that prints \
                a wrong result, fails, or is not served by the allocator that it should have, is a failure and has no \
                figure."
            }
            p {
                "A figure is the median of the rounds; the whisker spans the quartiles. The base of a row is the best \
                median among the peers, Heapwright left out: a ratio below 1 says that no peer is as good. The best \
                of many noisy medians is a little too good, so all ratios are a little too large. A row is called \
                lost if the ratio is above " (1.0 + LEAST) "; a row with one allocator alone compares nothing. \
                Whatever has no figure in a row is left out of its own mean, not out of the others'."
            }
            p {
                "RSS is resident memory as the kernel counts it; the peak is that of the largest process of the \
                workload. Times of programs under preload include their start."
            }
        }
    }
}
