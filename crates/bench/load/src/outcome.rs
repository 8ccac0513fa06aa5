//! What a workload came to.

use hdrhistogram::Histogram;
use serde::Serialize;

/// The result of a workload.
#[derive(Default)]
pub struct Outcome {
    /// The sum of the marks of all blocks that died.
    pub checksum: u64,
    /// Resident bytes at the end of the work.
    pub end_rss: Option<u64>,
    /// Bytes live then.
    pub end_live: Option<u64>,
    /// Resident bytes after the idle seconds.
    pub idle_rss: Option<u64>,
    /// Nanoseconds of single calls of malloc and of free.
    pub latency: Option<(Histogram<u64>, Histogram<u64>)>,
}

impl Outcome {
    /// Only a checksum.
    pub fn of(checksum: u64) -> Self {
        Outcome { checksum, ..Outcome::default() }
    }

    /// The line of JSON.
    pub fn line(&self, serving: &str) -> String {
        let latency = self
            .latency
            .as_ref()
            .map(|(malloc, free)| Latency { malloc: Quantiles::of(malloc), free: Quantiles::of(free) });
        let line = Line {
            checksum: format!("{:016x}", self.checksum),
            serving,
            end_rss: self.end_rss,
            end_live: self.end_live,
            idle_rss: self.idle_rss,
            latency,
        };
        serde_json::to_string(&line).unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}"))
    }
}

#[derive(Serialize)]
struct Line<'a> {
    checksum: String,
    serving: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_rss: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_live: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idle_rss: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency: Option<Latency>,
}

#[derive(Serialize)]
struct Latency {
    malloc: Quantiles,
    free: Quantiles,
}

#[derive(Serialize)]
struct Quantiles {
    p50: u64,
    p99: u64,
    p999: u64,
    max: u64,
}

impl Quantiles {
    fn of(histogram: &Histogram<u64>) -> Self {
        Quantiles {
            p50: histogram.value_at_quantile(0.5),
            p99: histogram.value_at_quantile(0.99),
            p999: histogram.value_at_quantile(0.999),
            max: histogram.max(),
        }
    }
}

/// Resident bytes of this process now, by `/proc/self/statm`; nothing where that cannot be read.
///
/// The read goes through a buffer on the stack: looking must not allocate.
pub fn resident() -> Option<u64> {
    use std::io::Read;
    let mut buffer = [0_u8; 128];
    let mut file = std::fs::File::open("/proc/self/statm").ok()?;
    let len = file.read(&mut buffer).ok()?;
    let text = std::str::from_utf8(&buffer[..len]).ok()?;
    let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}
