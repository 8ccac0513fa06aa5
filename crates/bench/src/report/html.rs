//! The page: everything in one file that needs no network and no script.
//!
//! Bars are tables whose tracks are drawings without text, so that their text keeps its size on a narrow screen;
//! plots with text inside are drawn at about the size at which a telephone shows them.

mod bars;
mod drawing;
mod head;
mod labels;
mod latency;
mod machine;
mod rows;
mod scaling;
mod scatter;
mod tables;

use crate::results::Results;
use maud::{DOCTYPE, PreEscaped, html};

/// One self-contained page.
pub fn page(results: &Results) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Heapwright beside its peers" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                div.layout {
                    (head::header(results))
                    (head::contents(results))
                    main {
                        (head::losing(results))
                        (tables::scores(results))
                        (scatter::section(results))
                        (rows::sections(results))
                        (scaling::section(results))
                        (machine::machine(results))
                        (machine::allocators(results))
                        (machine::missing(results))
                        (machine::method(results))
                    }
                }
            }
        }
    };
    page.into_string()
}

/// Colours, sizes and the two schemes.
const STYLE: &str = include_str!("html/style.css");

#[cfg(test)]
mod tests;
