//! Measuring programs side by side.
//!
//! A shared machine is noisy: an absolute time means little, and the load of the minute touches whoever runs in
//! it. So candidates take turns ([`rounds`]), each is measured as a whole process ([`process`]), and what is
//! reported is medians, their spread and ratios within a round ([`statistics`]), with a verdict only where the
//! difference is larger than what the rounds differ by themselves.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod process;
pub mod rounds;
pub mod statistics;
