//! Nothing: a package that pins the sources of an allocator. Its `peer.toml` says how the library is made.
