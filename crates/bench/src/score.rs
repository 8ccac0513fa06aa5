//! From samples to ratios: each row against the best peer of that row, and the geometric mean over rows.
//!
//! The base of a row is the best median among the *peers*, Heapwright left out: a ratio below 1 says that nobody
//! else is as good. An allocator that is best everywhere would score 1; nobody does.

use crate::results::{Cell, Group, Results, Row, Sample};
use heapwright_measure::statistics::{geometric_mean, median, quantile};

/// The name of our own allocator in the tables.
pub const OURS: &str = "heapwright";

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Wall time, seconds.
    Time,
    /// Peak resident set, bytes.
    Peak,
    /// Resident set after some idle seconds, bytes.
    Idle,
    /// Resident set at the end of the work, bytes.
    End,
}

impl Measure {
    /// The value of a sample, if it was measured.
    pub fn of(self, sample: &Sample) -> Option<f64> {
        match self {
            Measure::Time => Some(sample.wall),
            Measure::Peak => Some(sample.peak_rss as f64),
            Measure::Idle => sample.idle_rss.map(|bytes| bytes as f64),
            Measure::End => sample.end_rss.map(|bytes| bytes as f64),
        }
    }
}

/// A cell in numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// The median of the rounds.
    pub median: f64,
    /// The quarter of the rounds below and above.
    pub low: f64,
    /// See [`Figure::low`].
    pub high: f64,
    /// The median against the best peer's.
    pub ratio: f64,
}

/// The figure of `cell` without its ratio. Nothing if the cell has no such samples, or failed.
fn figure(cell: &Cell, measure: Measure) -> Option<Figure> {
    if cell.failure.is_some() {
        return None;
    }
    let values: Vec<f64> = cell.samples.iter().filter_map(|sample| measure.of(sample)).collect();
    if values.is_empty() {
        return None;
    }
    let (low, high) = (quantile(&values, 0.25), quantile(&values, 0.75));
    Some(Figure { median: median(&values), low, high, ratio: f64::NAN })
}

/// Whether the row says anything by this measure.
pub fn counts(row: &Row, measure: Measure) -> bool {
    (measure != Measure::Time || row.timed) && row.cells.iter().any(|cell| figure(cell, measure).is_some())
}

/// The best median among the peers.
pub fn best_peer(row: &Row, measure: Measure) -> Option<(&str, f64)> {
    let peers = row.cells.iter().filter(|cell| cell.allocator != OURS);
    peers
        .filter_map(|cell| Some((cell.allocator.as_str(), figure(cell, measure)?.median)))
        .min_by(|a, b| a.1.total_cmp(&b.1))
}

/// The figures of a row, in the order of its cells.
pub fn figures(row: &Row, measure: Measure) -> Vec<(&str, Option<Figure>)> {
    let best = best_peer(row, measure).map_or(f64::NAN, |(_, best)| best);
    let judge = |cell| figure(cell, measure).map(|own: Figure| Figure { ratio: own.median / best, ..own });
    row.cells.iter().map(|cell| (cell.allocator.as_str(), judge(cell))).collect()
}

/// An allocator over all rows of some groups.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Its name.
    pub allocator: String,
    /// Geometric mean of its ratios.
    pub mean: f64,
    /// Its largest ratio.
    pub worst: f64,
    /// The row of that.
    pub worst_row: String,
    /// Rows in which nobody was better.
    pub won: usize,
    /// Rows it ran.
    pub rows: usize,
}

/// The scores over the rows of `groups`, in the order of [`Results::allocators`]; who ran no row has none.
pub fn scores(results: &Results, groups: &[Group], measure: Measure) -> Vec<Score> {
    let rows: Vec<&Row> =
        results.rows.iter().filter(|row| groups.contains(&row.group) && counts(row, measure)).collect();
    results.allocators.iter().filter_map(|own| score(&own.name, &rows, measure)).collect()
}

fn score(name: &str, rows: &[&Row], measure: Measure) -> Option<Score> {
    let mut ratios: Vec<(f64, String)> = Vec::new();
    let mut won = 0;
    for row in rows {
        let figures = figures(row, measure);
        let Some(own) = figures.iter().find(|(other, _)| *other == name).and_then(|(_, own)| *own) else {
            continue;
        };
        let least = figures.iter().filter_map(|(_, own)| Some((*own)?.median)).fold(f64::INFINITY, f64::min);
        won += usize::from(own.median <= least);
        if own.ratio.is_finite() {
            ratios.push((own.ratio, row.title()));
        }
    }
    let (worst, worst_row) = ratios.iter().max_by(|a, b| a.0.total_cmp(&b.0))?.clone();
    let values: Vec<f64> = ratios.iter().map(|(ratio, _)| *ratio).collect();
    Some(Score {
        allocator: name.to_owned(),
        mean: geometric_mean(&values),
        worst,
        worst_row,
        won,
        rows: ratios.len(),
    })
}

/// The rows in which a peer beats ours by more than `least` (0.05: five per cent), the worst first, each with its
/// ratio and the best peer.
pub fn losing(results: &Results, measure: Measure, least: f64) -> Vec<(&Row, f64, &str)> {
    let mut losing: Vec<(&Row, f64, &str)> = Vec::new();
    for row in results.rows.iter().filter(|row| counts(row, measure)) {
        let Some((peer, best)) = best_peer(row, measure) else { continue };
        let own = row.cells.iter().find(|cell| cell.allocator == OURS);
        let Some(own) = own.and_then(|cell| figure(cell, measure)) else { continue };
        if own.median > best * (1.0 + least) {
            losing.push((row, own.median / best, peer));
        }
    }
    losing.sort_by(|a, b| b.1.total_cmp(&a.1));
    losing
}
