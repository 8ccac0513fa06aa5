//! From samples to ratios: each row against the best peer of that row, and the geometric mean over rows.
//!
//! The base of a row is the best median among the *peers*, Heapwright left out: a ratio below 1 says that nobody
//! else is as good. An allocator that is best everywhere would score 1; nobody does.

use crate::results::{Cell, Group, Latency, Quantiles, Results, Row, Sample};
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
    if values.is_empty() || values.iter().any(|value| !value.is_finite()) {
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

/// The figures of a row, in the order of its cells. Where no peer has a figure, the ratio is `NaN`.
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
    /// Rows it ran, and a peer too: its ratios are from these.
    pub rows: usize,
    /// Rows it should have run, and failed.
    pub failed: usize,
}

/// The rows of `groups` that say anything by `measure`.
pub fn counting<'a>(results: &'a Results, groups: &[Group], measure: Measure) -> Vec<&'a Row> {
    results.rows.iter().filter(|row| groups.contains(&row.group) && counts(row, measure)).collect()
}

/// The scores over the rows of `groups`, in the order of [`Results::allocators`]; who ran no row has none.
pub fn scores(results: &Results, groups: &[Group], measure: Measure) -> Vec<Score> {
    let rows = counting(results, groups, measure);
    let rows: Vec<Judged<'_>> = rows.into_iter().map(|row| (row, figures(row, measure))).collect();
    results.allocators.iter().filter_map(|own| score(&own.name, &rows)).collect()
}

/// The scores of those that ran at least half of the rows: means over rows of other kinds do not compare.
pub fn comparable(results: &Results, groups: &[Group], measure: Measure) -> Vec<Score> {
    let half = counting(results, groups, measure).len().div_ceil(2);
    let mut scores = scores(results, groups, measure);
    scores.retain(|own| own.rows >= half);
    scores
}

/// The best mean of those that compare.
pub fn best_mean(results: &Results, groups: &[Group], measure: Measure) -> f64 {
    let means = comparable(results, groups, measure).into_iter().map(|own| own.mean);
    means.fold(f64::INFINITY, f64::min)
}

/// A row with its figures.
type Judged<'a> = (&'a Row, Vec<(&'a str, Option<Figure>)>);

/// A row with one allocator alone compares nothing and counts for nobody, a victory included.
fn score(name: &str, rows: &[Judged<'_>]) -> Option<Score> {
    let mut ratios: Vec<(f64, String)> = Vec::new();
    let mut won = 0;
    for (row, figures) in rows {
        let Some(own) = figures.iter().find(|(other, _)| *other == name).and_then(|(_, own)| *own) else {
            continue;
        };
        let others = figures.iter().filter(|(other, _)| *other != name);
        let least = others.filter_map(|(_, other)| Some((*other)?.median)).fold(f64::INFINITY, f64::min);
        if own.ratio.is_finite() && own.ratio > 0.0 && least.is_finite() {
            won += usize::from(own.median <= least);
            ratios.push((own.ratio, row.title()));
        }
    }
    let (worst, worst_row) = ratios.iter().max_by(|a, b| a.0.total_cmp(&b.0))?.clone();
    let values: Vec<f64> = ratios.iter().map(|(ratio, _)| *ratio).collect();
    let mean = geometric_mean(&values);
    let failed = rows.iter().filter(|(row, _)| failure(row, name).is_some()).count();
    Some(Score { allocator: name.to_owned(), mean, worst, worst_row, won, rows: ratios.len(), failed })
}

/// Why `allocator` has no figure in `row`, if it should have one.
pub fn failure<'a>(row: &'a Row, allocator: &str) -> Option<&'a str> {
    row.cells.iter().find(|cell| cell.allocator == allocator)?.failure.as_deref()
}

/// A row in which a peer is better than ours.
#[derive(Clone, Debug)]
pub struct Loss<'a> {
    /// The row.
    pub row: &'a Row,
    /// The peer that is best there.
    pub peer: &'a str,
    /// The peer's figure.
    pub best: Figure,
    /// Ours, with its ratio.
    pub own: Figure,
}

impl Loss<'_> {
    /// Whether the middle halves of the rounds touch: the loss may be noise.
    pub fn within_spread(&self) -> bool {
        self.own.low <= self.best.high
    }
}

/// The rows in which a peer beats ours by more than `least` (0.05: five per cent), the worst first.
pub fn losing(results: &Results, measure: Measure, least: f64) -> Vec<Loss<'_>> {
    let rows = results.rows.iter().filter(|row| counts(row, measure));
    let mut losing: Vec<Loss<'_>> = rows
        .filter_map(|row| {
            let figures = figures(row, measure);
            let of = |name: &str| figures.iter().find(|(other, _)| *other == name).and_then(|(_, own)| *own);
            let (peer, _) = best_peer(row, measure)?;
            let (own, best) = (of(OURS)?, of(peer)?);
            (own.median > best.median * (1.0 + least)).then_some(Loss { row, peer, best, own })
        })
        .collect();
    losing.sort_by(|a, b| b.own.ratio.total_cmp(&a.own.ratio));
    losing
}

/// The rows that ours should have run and failed, with the reason: worse than any ratio.
pub fn failing(results: &Results) -> Vec<(&Row, &str)> {
    results.rows.iter().filter_map(|row| Some((row, failure(row, OURS)?))).collect()
}

/// The medians of a cell's quantiles of single calls, where it has any and did not fail.
pub fn latency(cell: &Cell) -> Option<Latency> {
    let all: Vec<&Latency> = cell.samples.iter().filter_map(|sample| sample.latency.as_ref()).collect();
    if cell.failure.is_some() || all.is_empty() {
        return None;
    }
    let middle = |of: &dyn Fn(&Latency) -> u64| {
        let values: Vec<f64> = all.iter().map(|one| of(one) as f64).collect();
        median(&values).round() as u64
    };
    let quantiles = |of: fn(&Latency) -> &Quantiles| Quantiles {
        p50: middle(&|one| of(one).p50),
        p99: middle(&|one| of(one).p99),
        p999: middle(&|one| of(one).p999),
        max: middle(&|one| of(one).max),
    };
    Some(Latency { malloc: quantiles(|one| &one.malloc), free: quantiles(|one| &one.free) })
}

#[cfg(test)]
mod tests;
