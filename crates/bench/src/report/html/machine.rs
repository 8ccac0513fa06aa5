//! Where it ran, who took part, who could not, and how it was measured.

use crate::report::units::{kind, loads, options, size, span};
use crate::results::{Allocator, Results};
use crate::score::{ENOUGH, OURS};
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
        ("Load average at the beginning of each round", loads(results)),
        ("rustc", own.rustc.clone()),
        ("cc", own.cc.clone()),
        ("Commit", own.commit.clone()),
        ("Kind of run", kind(results)),
        ("Options", options(results)),
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
                "The allocators take turns: one round runs each of them once, one behind the other, and there are up \
                to " (most) " rounds, so that the load of a minute touches all alike; who takes more than four times \
                the fastest runs two rounds. Each sample is a whole process. A process that prints \
                a wrong result, fails, or is not served by the allocator that it should have, is a failure and has no \
                figure."
            }
            p {
                "Rows that wait on purpose are the exception: there all allocators run side by side, in one round. \
                Only their memory at the end of the work and after the wait is compared; their wall time and peak \
                count nowhere."
            }
            p {
                "A figure is the median of the rounds; the whisker spans the quartiles. The base of a row is the best \
                median among the peers, Heapwright left out: a ratio below 1 says that no peer is as good. The best \
                of many noisy medians is a little too good, so all ratios are a little too large. A row is called \
                lost if the ratio is above " (1.0 + LEAST) "; a row with one allocator alone compares nothing."
            }
            p {
                "Quartiles are held against each other alike for wins and losses, and they are descriptive: they \
                leave out that the rounds are paired. Apart means that the high quartile of the better one is below \
                the low quartile of the other. With fewer than " (ENOUGH) " rounds of one of the two nothing is called \
                apart, not even a ratio above four, whose slower side runs two rounds."
            }
            p {
                "Scores are by group, over the rows that all compared allocators finished: a hard row that one of \
                them failed is left out for all, and the failure is counted beside its score. Such rows stay in the \
                list of losses, in the worst ratios and in the wins."
            }
            p {
                "RSS is resident memory as the kernel counts it; the peak is that of the largest process of the \
                workload. It contains the program and the allocator's library: where it is 3 MiB in all, a loss of \
                1 % is 30 KiB. Times of programs under preload include their start; a cell marked “read from disk” \
                has major page faults in some round, and its time is in part the disk's."
            }
        }
    }
}
