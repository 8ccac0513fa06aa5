//! The line of JSON that a workload prints at its end.

use crate::results::Latency;
use serde::Deserialize;

/// What a workload says of itself.
#[derive(Clone, Debug, Deserialize)]
pub struct Report {
    /// Over everything that it computed: the same whatever allocator served it.
    pub checksum: String,
    /// Who served `malloc` in the process: family, version and file, as `mimalloc 3.3.2 /path/lib.so`.
    pub serving: String,
    /// Resident bytes at the end of the work.
    #[serde(default)]
    pub end_rss: Option<u64>,
    /// Bytes live then, as asked for.
    #[serde(default)]
    pub end_live: Option<u64>,
    /// Resident bytes after some idle seconds.
    #[serde(default)]
    pub idle_rss: Option<u64>,
    /// Times of single calls.
    #[serde(default)]
    pub latency: Option<Latency>,
}
