//! What Heapwright is tested with: fakes of the floors below, faults on request, and a model of the heap above.
//!
//! A test of one floor takes [`FakePages`] where the system would be, wraps it in [`Faulty`] to refuse the n-th
//! request, drives the floor with a script of [`Op`]s and lets [`ShadowHeap`] judge what comes back. The suite in
//! [`suite`] holds the fake and the real system to the same protocol, so that the fake stays as rude as Linux.
//!
//! Everything here reports by panicking: it is for tests only.

#![warn(missing_docs)]

mod crew;
mod fake;
mod faulty;
mod op;
mod pattern;
mod rng;
mod script;
mod shadow;
pub mod suite;

pub use crew::{Crew, GlobalSubject};
pub use fake::{Call, FakePages, Leak, Leaks, Options, PageState, Verb};
pub use faulty::{FaultPlan, Faulty, each_fault};
pub use op::{Op, Script, ops, size_from};
pub use rng::Rng;
pub use script::{Outcome, Subject, run, run_checked};
pub use shadow::ShadowHeap;
pub use suite::page_source_suite;
