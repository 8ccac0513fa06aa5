//! The allocators that take part, as libraries to preload.

use crate::results::{Allocator, Missing};
use std::path::{Path, PathBuf};

/// An allocator, ready to serve.
#[derive(Clone, Debug)]
pub struct Peer {
    /// What is recorded of it.
    pub allocator: Allocator,
    /// The library to preload; nothing for the C library's own malloc.
    pub library: Option<PathBuf>,
    /// Who must serve a process that preloads it: what the report's `serving` says.
    pub serving: String,
}

/// Builds or finds every peer, Heapwright first. `load` is the program of the workloads, which identifies them.
pub fn gather(_root: &Path, _folder: &Path, _load: &Path, _say: &dyn Fn(&str)) -> (Vec<Peer>, Vec<Missing>) {
    (Vec::new(), Vec::new())
}
