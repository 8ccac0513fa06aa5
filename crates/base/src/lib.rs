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

/// Keeps its items where there is no standard library to bring them: a panic handler, say.
///
/// Cargo gives a crate one set of features in a build, and the tools beside the floors ask the floors' own
/// dependencies for the standard library. They ask this crate for `hosted` too, so that the libraries among the
/// packages know.
#[cfg(not(feature = "hosted"))]
#[macro_export]
macro_rules! unhosted {
    ($($item:item)*) => { $($item)* };
}

/// Drops its items: the standard library of this build brings them.
#[cfg(feature = "hosted")]
#[macro_export]
macro_rules! unhosted {
    ($($item:item)*) => {
        extern crate std as _;
    };
}
