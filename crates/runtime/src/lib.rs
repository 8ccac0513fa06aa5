//! F4: the process. Which thread has which heap, fork, exit, options.
//!
//! Global state, thread-local state and environment variables are the business of this floor only. Each face
//! declares, with [`face!`], its one static [`Runtime`] and the thread-local slot that leads from a thread to
//! its heap.

#![no_std]
#![warn(missing_docs)]

mod face;
mod fork;
pub mod options;
mod purger;
mod runtime;
pub mod slot;
mod stats;

pub use heapwright_base as base;
pub use heapwright_engine as engine;
pub use runtime::Runtime;
pub use slot::Face;
