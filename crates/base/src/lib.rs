//! F0: the words every floor of Heapwright shares.
//!
//! Units, checked arithmetic, the synchronisation facade, ranked locks, the list of counters and the texts of
//! violations. Nothing here knows what a heap is; nothing here allocates, unwinds or asks the operating system for
//! anything except through a type its user supplies.

#![no_std]
#![warn(missing_docs)]

pub mod addr;
pub mod bytes;
pub mod counters;
pub mod fatal;
pub mod lock;
pub mod sync;
pub mod thread;

pub use addr::{Align, Bytes, OutOfPages, align_up};
pub use fatal::{Line, Violation};
