//! The yardstick.
#![forbid(unsafe_code)]
#![allow(dead_code)]

mod job;
mod peers;
mod programs;
mod real;
mod report;
mod report_line;
mod results;
mod score;

fn main() {}
