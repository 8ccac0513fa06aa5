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

// Descriptors and heaps begin as constants, which the model checker's atomics cannot: under loom only the two
// structures where threads meet without a lock are built.
#[cfg(not(loom))]
mod check;
#[cfg(not(loom))]
pub mod config;
#[cfg(not(loom))]
pub mod engine;
#[cfg(not(loom))]
pub mod guests;
#[cfg(not(loom))]
pub mod heap;
#[cfg(not(loom))]
mod large;
#[cfg(not(loom))]
mod realloc;
#[cfg(not(loom))]
mod registry;
pub mod remote;
pub mod size_class;
#[cfg(not(loom))]
pub mod slab;
pub mod standing;

#[cfg(not(loom))]
pub use config::{Config, Fast};
#[cfg(not(loom))]
pub use engine::{BadFree, Engine};
#[cfg(not(loom))]
pub use heap::{GuestFree, Heap, LocalFree};
#[cfg(not(loom))]
pub use heapwright_span::Kind;
