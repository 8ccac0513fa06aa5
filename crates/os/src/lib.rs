//! F1: where pages come from.
//!
//! [`PageSource`] is the one seam between Heapwright and the operating system: everything above asks a
//! value of this type for addresses and pages, and a decorator of the same trait counts, guards or fails.
//! [`linux`] is the real one.

#![no_std]
#![warn(missing_docs)]

#[cfg(target_os = "linux")]
pub mod linux;
pub mod source;

pub use source::{PageRun, PageSource, Zeros};
