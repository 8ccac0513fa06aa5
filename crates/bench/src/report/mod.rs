//! The results for people: an HTML page, a text for the terminal, a table of samples.

pub mod html;
pub mod samples;
pub mod text;
