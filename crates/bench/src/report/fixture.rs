//! Results made up for tests: every case that the report knows, the same on each call.

use crate::results::*;
use crate::score::OURS;

/// The allocators of [`results`].
pub const NAMES: [&str; 10] = [
    OURS,
    "glibc",
    "mimalloc3",
    "mimalloc2",
    "jemalloc",
    "snmalloc",
    "rusty_alloc",
    "tcmalloc",
    "gperftools",
    "scudo",
];

/// A program with a name that is markup.
pub const HOSTILE: &str = "gcc<script>&\"x\"";

/// A run with all groups, 1 to 64 threads, latency, idle, fragmentation, failures and missing cells.
pub fn results() -> Results {
    let mut dice = Dice(7);
    let mut rows = Vec::new();
    for workload in ["lifo-batches", "churn-mixed", "larson-handover"] {
        rows.extend([1, 2, 4, 8, 64].map(|threads| own_row(&mut dice, workload, Some(threads))));
    }
    for workload in ["vectors-doubling", "latency", "fragmentation", "idle"] {
        rows.push(own_row(&mut dice, workload, None));
    }
    for workload in ["python3", "redis", HOSTILE] {
        rows.push(row(&mut dice, Group::Real, workload, None, &NAMES));
    }
    for workload in ["serde-json", "tokio-echo"] {
        rows.push(row(&mut dice, Group::Rust, workload, None, &NAMES[..6]));
    }
    rows.push(row(&mut dice, Group::Musl, "static-parse", None, &[OURS, "musl", "mimalloc3"]));
    fail(&mut rows);
    Results {
        format: FORMAT,
        date: "2026-01-02T03:04:05Z".to_owned(),
        kind: "full".to_owned(),
        options: vec!["--real".to_owned()],
        loads: vec![0.2, 1.4],
        seconds: 2525.0,
        machine: machine(),
        allocators: NAMES.iter().copied().chain(["musl"]).enumerate().map(allocator).collect(),
        missing: vec![
            Missing {
                name: "tcmalloc-better".to_owned(),
                reason: "the build failed: no <bazel> here".to_owned(),
            },
            Missing { name: "postgres".to_owned(), reason: "not installed; run with --real".to_owned() },
        ],
        rows,
    }
}

/// Plants the failures: of a peer, of ours, of a part of the rounds.
fn fail(rows: &mut [Row]) {
    let mut plant = |index: usize, allocator: &str, reason: &str, keep: usize| {
        let cell = rows[index].cells.iter_mut().find(|cell| cell.allocator == allocator);
        if let Some(cell) = cell {
            cell.failure = Some(reason.to_owned());
            cell.samples.truncate(keep);
        }
    };
    plant(4, "scudo", "killed by signal 9 after 120 s: out of memory", 0);
    plant(9, OURS, "the checksum was 12ab, not 34cd", 2);
    plant(20, "tcmalloc", "exit status 1: <cannot open>", 0);
    rows[2].cells.remove(3);
}

fn own_row(dice: &mut Dice, workload: &str, threads: Option<u32>) -> Row {
    let mut row = row(dice, Group::Own, workload, threads, &NAMES);
    for sample in row.cells.iter_mut().flat_map(|cell| &mut cell.samples) {
        let part = |share: f64| Some((sample.peak_rss as f64 * share) as u64);
        match workload {
            "idle" => sample.idle_rss = part(0.1 + 0.5 * dice.roll()),
            "fragmentation" => {
                sample.end_live = Some(20 << 20);
                sample.end_rss = part(0.5 + 0.4 * dice.roll());
            }
            "latency" => sample.latency = Some(latency(dice)),
            _ => {}
        }
    }
    row.timed = workload != "idle";
    row
}

fn row(dice: &mut Dice, group: Group, workload: &str, threads: Option<u32>, names: &[&str]) -> Row {
    let about = format!("Does what {workload} does, for the looks of it.");
    let scale = 10_f64.powf(-2.0 + 2.5 * dice.roll()) / f64::from(threads.unwrap_or(1)).powf(0.4);
    let cells = names.iter().map(|name| cell(dice, name, scale)).collect();
    Row { group, workload: workload.to_owned(), threads, about, timed: true, cells }
}

fn cell(dice: &mut Dice, name: &str, scale: f64) -> Cell {
    let wall = scale * (1.0 + dice.roll() * dice.roll() * if name == "glibc" { 9.0 } else { 1.5 });
    let peak = 60e6 * (1.0 + dice.roll());
    let sample = |dice: &mut Dice| {
        let wall = wall * (1.0 + 0.12 * dice.roll());
        Sample {
            wall,
            user: wall * 0.9,
            system: wall * 0.08,
            peak_rss: (peak * (1.0 + 0.02 * dice.roll())) as u64,
            minor_faults: (1000.0 + 20_000.0 * dice.roll()) as u64,
            major_faults: 0,
            ..Sample::default()
        }
    };
    let samples = (0..5).map(|_| sample(dice)).collect();
    Cell { allocator: name.to_owned(), samples, failure: None }
}

fn latency(dice: &mut Dice) -> Latency {
    let mut quantiles = || {
        let p50 = 12 + (dice.roll() * 20.0) as u64;
        let p99 = p50 * (2 + (dice.roll() * 8.0) as u64);
        let p999 = p99 * (2 + (dice.roll() * 9.0) as u64);
        Quantiles { p50, p99, p999, max: p999 * (10 + (dice.roll() * 500.0) as u64) }
    };
    Latency { malloc: quantiles(), free: quantiles() }
}

fn allocator((index, name): (usize, &str)) -> Allocator {
    let preloaded = !["glibc", "musl"].contains(&name);
    let environment =
        if name == "jemalloc" { vec![("MALLOC_CONF", "background_thread:false")] } else { vec![] };
    Allocator {
        name: name.to_owned(),
        version: format!("{index}.{}.0", index * 3 % 7),
        origin: format!("lib{name}-sys 0.1.{index}"),
        sha256: preloaded.then(|| format!("{index:02x}").repeat(32)),
        environment: environment.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
    }
}

fn machine() -> Machine {
    Machine {
        processor: "Example Xeon @ 2.60GHz".to_owned(),
        cores: 2,
        memory: 24 << 30,
        kernel: "6.1.0".to_owned(),
        system: "Debian GNU/Linux 12".to_owned(),
        page: 4096,
        huge_pages: "madvise".to_owned(),
        rustc: "rustc 1.95.0".to_owned(),
        cc: "cc (Debian 12.2.0-14) 12.2.0".to_owned(),
        commit: "0123456789abcdef0123456789abcdef01234567+".to_owned(),
        load: 0.42,
    }
}

/// A sequence of numbers in `[0, 1)`, the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f64 / (1_u64 << 24) as f64
    }
}
