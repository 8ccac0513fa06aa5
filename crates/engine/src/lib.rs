//! F3: the front end, spans cut into blocks.
//!
//! ```text
//!   heap (one a thread)                          slab (one size class)
//!   ┌ direct: size/16 ─▶ current slab ──────────▶ free ─▶ block ─▶ block ─▶ ∅
//!   │ bins:   class   ─▶ current, partial slabs   left: frees until something must be done
//!   └ notified: slabs with remote frees           remote: blocks freed by other threads
//! ```
//!
//! An [`Engine`] is a value: no globals, no thread-local storage, no environment. Two of them in one test do
//! not know of each other. The floor above decides which thread uses which [`Heap`].

#![no_std]
#![warn(missing_docs)]

pub mod config;
pub mod engine;
pub mod heap;
mod large;
mod realloc;
mod registry;
pub mod remote;
pub mod size_class;
pub mod slab;

pub use config::{Config, Fast};
pub use engine::{BadFree, Engine};
pub use heap::{Heap, LocalFree};
pub use heapwright_span::Kind;
