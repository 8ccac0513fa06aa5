//! The yardstick.
#![forbid(unsafe_code)]
#![allow(dead_code)]

mod results;
mod score;

fn main() {}
