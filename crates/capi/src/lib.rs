//! F5: the C face. What `malloc` and its family mean, above a process that knows how to find memory.
//!
//! The idea: everything that C, POSIX, glibc and the C++ ABI ask of an allocator's *edges* (zero sizes,
//! overflow, odd alignments, `errno`, statistics) is written here once, as functions over a [`Process`], and
//! tested on a fake one. Nothing here has a name that a linker sees: the thin packages (`shared`, and one for
//! each further preset) instantiate a process and give these functions their C names, one line each.
//! The ordinary path of `malloc` and `free` is the inlined call of the process and nothing else.
//!
//! # Departures
//! The exported names are literal functions in the thin package, not the expansion of a macro: cbindgen reads
//! source text, and a debugger shows lines.

#![no_std]
#![warn(missing_docs)]

pub mod aligned;
pub mod blocks;
pub mod errno;
pub mod names;
pub mod operators;
pub mod process;
pub mod report;
pub mod tuning;

pub use process::Process;

#[cfg(test)]
mod fake;
