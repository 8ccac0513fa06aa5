//! The synchronisation facade: the only file that names loom.
//!
//! Under `--cfg loom` the atomics are loom's, so that the model checker sees every access of the structures
//! built on them; otherwise they are core's. Constructors of core's atomics are `const`, loom's are not: a
//! structure that must be const-constructible offers both constructors under the same `cfg`.

#[cfg(loom)]
extern crate std;

#[cfg(not(loom))]
pub use core::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
};
#[cfg(loom)]
pub use loom::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
};

/// Tells the processor that this is a spin loop.
#[inline]
pub fn spin_hint() {
    #[cfg(not(loom))]
    core::hint::spin_loop();
    #[cfg(loom)]
    loom::thread::yield_now();
}
