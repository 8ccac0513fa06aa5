//! The allocator of the program: one, chosen by the feature.

/// How many of the features are on; a build takes one.
const CHOSEN: usize = cfg!(feature = "system") as usize
    + cfg!(feature = "heapwright") as usize
    + cfg!(feature = "mimalloc3") as usize
    + cfg!(feature = "mimalloc2") as usize
    + cfg!(feature = "jemalloc") as usize
    + cfg!(feature = "snmalloc") as usize
    + cfg!(feature = "rusty_alloc") as usize
    + cfg!(feature = "tcmalloc") as usize
    + cfg!(feature = "rpmalloc") as usize;

const _: () = assert!(CHOSEN == 1, "choose exactly one allocator: `--no-default-features --features system`");

/// Makes a value the program's allocator where a feature is on.
macro_rules! global {
    ($($feature:literal: $type:ty = $value:expr;)*) => {$(
        #[cfg(feature = $feature)]
        #[global_allocator]
        static GLOBAL: $type = $value;
    )*};
}

global! {
    "system": std::alloc::System = std::alloc::System;
    "heapwright": heapwright::Heapwright = heapwright::Heapwright;
    "mimalloc3": mimalloc::MiMalloc = mimalloc::MiMalloc;
    "mimalloc2": mimalloc::MiMalloc = mimalloc::MiMalloc;
    "jemalloc": tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
    "snmalloc": snmalloc_rs::SnMalloc = snmalloc_rs::SnMalloc;
    "rusty_alloc": rusty_alloc_api::RustyAlloc = rusty_alloc_api::RustyAlloc;
    "tcmalloc": tcmalloc_better::TCMalloc = tcmalloc_better::TCMalloc;
    "rpmalloc": rpmalloc::RpMalloc = rpmalloc::RpMalloc;
}
