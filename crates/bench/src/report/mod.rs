//! The results for people: an HTML page, a text for the terminal, a table of samples.

mod axis;
#[cfg(test)]
mod fixture;
pub mod html;
pub mod samples;
pub mod text;
mod units;
