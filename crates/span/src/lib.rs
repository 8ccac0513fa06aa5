//! F2: the back end, address space cut into spans.
//!
//! ```text
//!   reservation ─▶ arena   |<--------------------- 1 GiB ---------------------->|
//!                  spans   [ slab ][ slab ][ free, dirty ][ large    ][ free, clean ... never committed ]
//!   page map       address ─▶ span descriptor (out of line, never unmapped)
//! ```
//!
//! [`Spans`] hands out spans and takes them back, coalesces free neighbours of one reservation, keeps what is
//! dirty within bounds and gives the rest back to the operating system. What a span is used for is the
//! business of the floor above, which supplies its part of the descriptor as a [`Payload`].

#![no_std]
#![warn(missing_docs)]

mod check;
pub mod fit;
mod huge;
pub mod page_map;
mod purge;
pub mod span;
pub mod spans;

pub use fit::{BestFit, FirstFit, Fit, NextFit};
pub use page_map::{GRANULE, PageMap};
pub use span::{Kind, Payload, Span, SpanRef};
pub use spans::{Limits, Spans};
