//! From samples to ratios: each row against the best peer of that row, and the geometric mean over rows.
//!
//! The base of a row is the best median among the *peers*, Heapwright left out: a ratio below 1 says that nobody
//! else is as good. An allocator that is best everywhere would score 1; nobody does.
//!
//! Scores belong to one group: the groups have other rows and other allocators, and a mean over all of them would
//! compare means of other things. Within a group the mean is over the rows that all compared allocators finished:
//! nobody's mean is better for a hard row that it failed.
//!
//! Quartiles are *descriptive*: those of two cells are held against each other as if the rounds were not paired. The
//! same rule, with the same least number of rounds, decides what is a clear win and what is a clear loss.

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
    /// How many rounds it is from.
    pub rounds: usize,
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
    Some(Figure { median: median(&values), low, high, ratio: f64::NAN, rounds: values.len() })
}

/// How two figures stand to each other, the better one first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// The middle halves of the rounds do not touch: clear.
    Apart,
    /// They touch: it may be noise.
    Touch,
    /// One of the two has fewer than [`ENOUGH`] rounds: quartiles say nothing.
    Few,
}

impl Spread {
    /// Compares the quartiles. Descriptive: the rounds are paired, and this leaves the pairs out.
    pub fn of(better: &Figure, worse: &Figure) -> Spread {
        match better.rounds.min(worse.rounds) {
            few if few < ENOUGH => Spread::Few,
            _ if better.high < worse.low => Spread::Apart,
            _ => Spread::Touch,
        }
    }
}

/// Fewer rounds than these are called neither apart nor touching.
pub const ENOUGH: usize = 4;

/// Whether the row's processes wait on purpose: they run side by side and in one round, so that their peaks are no
/// fair comparison. What they have at the end and after the wait is.
pub fn waits(row: &Row) -> bool {
    !row.timed && row.cells.iter().flat_map(|cell| &cell.samples).any(|sample| sample.idle_rss.is_some())
}

/// Whether the row says anything by this measure.
pub fn counts(row: &Row, measure: Measure) -> bool {
    let judged = match measure {
        Measure::Time => row.timed,
        Measure::Peak => !waits(row),
        Measure::Idle | Measure::End => true,
    };
    judged && row.cells.iter().any(|cell| figure(cell, measure).is_some())
}

/// The least and the largest number of rounds of the row's cells that did not fail.
pub fn rounds(row: &Row) -> (usize, usize) {
    let counts = || row.cells.iter().filter(|cell| cell.failure.is_none()).map(|cell| cell.samples.len());
    (counts().min().unwrap_or(0), counts().max().unwrap_or(0))
}

/// The allocators that read from the disk in some round of the row: their wall time is in part the disk's.
pub fn readers(row: &Row) -> Vec<&str> {
    let read = |cell: &&Cell| cell.samples.iter().any(|sample| sample.major_faults > 0);
    row.cells.iter().filter(read).map(|cell| cell.allocator.as_str()).collect()
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

/// An allocator over the rows of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Its name.
    pub allocator: String,
    /// Geometric mean of its ratios over the rows that all compared allocators finished. Nothing if it is not
    /// compared, or there is no such row.
    pub mean: Option<f64>,
    /// Its largest ratio in any row.
    pub worst: f64,
    /// The row of that.
    pub worst_row: String,
    /// Rows in which it is apart from the best of the others: see [`Spread::Apart`].
    pub won: usize,
    /// Rows in which no median is less, by however little.
    pub first: usize,
    /// Rows it finished, and another too: its ratios are from these.
    pub rows: usize,
}

/// The scores of a group by one measure.
#[derive(Clone, Debug)]
pub struct Board {
    /// In the order of [`Results::allocators`]; who finished no row beside another has none.
    pub scores: Vec<Score>,
    /// The rows that compare anything.
    pub rows: usize,
    /// Those left out of the means: one of the compared allocators has no figure there.
    pub left_out: Vec<String>,
}

impl Board {
    /// Who is compared: whoever finished at least half of the rows.
    pub fn new(results: &Results, group: Group, measure: Measure) -> Board {
        let rows = counting(results, &[group], measure).into_iter();
        let rows: Vec<Judged<'_>> =
            rows.map(|row| (row, figures(row, measure))).filter(|(_, all)| known(all).count() > 1).collect();
        let finished = |name: &str| rows.iter().filter(|(_, all)| of(all, name).is_some()).count();
        let names = || results.allocators.iter().map(|own| own.name.as_str());
        let compared: Vec<&str> = names().filter(|name| 2 * finished(name) >= rows.len()).collect();
        let common: Vec<&Judged<'_>> =
            rows.iter().filter(|(_, all)| compared.iter().all(|name| of(all, name).is_some())).collect();
        let mean = |name: &str| -> Option<f64> {
            let ratios: Vec<f64> = common.iter().filter_map(|(_, all)| Some(of(all, name)?.ratio)).collect();
            (compared.contains(&name) && !ratios.is_empty()).then(|| geometric_mean(&ratios))
        };
        let scores = names().filter_map(|name| score(name, mean(name), &rows)).collect();
        let left = |row: &&Judged<'_>| !common.iter().any(|other| std::ptr::eq(other.0, row.0));
        let left_out = rows.iter().filter(left).map(|(row, _)| row.title()).collect();
        Board { scores, rows: rows.len(), left_out }
    }

    /// The score of an allocator.
    pub fn of(&self, name: &str) -> Option<&Score> {
        self.scores.iter().find(|own| own.allocator == name)
    }

    /// The best mean of all.
    pub fn best_mean(&self) -> f64 {
        self.scores.iter().filter_map(|own| own.mean).fold(f64::INFINITY, f64::min)
    }

    /// The peer with the best mean, and that.
    pub fn best_peer(&self) -> Option<(&str, f64)> {
        let peers = self.scores.iter().filter(|own| own.allocator != OURS);
        peers.filter_map(|own| Some((own.allocator.as_str(), own.mean?))).min_by(|a, b| a.1.total_cmp(&b.1))
    }
}

/// The rows of `groups` that say anything by `measure`.
pub fn counting<'a>(results: &'a Results, groups: &[Group], measure: Measure) -> Vec<&'a Row> {
    results.rows.iter().filter(|row| groups.contains(&row.group) && counts(row, measure)).collect()
}

/// A row with its figures.
type Judged<'a> = (&'a Row, Vec<(&'a str, Option<Figure>)>);

/// The figures that have a ratio.
fn known<'a>(all: &'a [(&'a str, Option<Figure>)]) -> impl Iterator<Item = (&'a str, Figure)> {
    let all = all.iter().filter_map(|(name, own)| Some((*name, (*own)?)));
    all.filter(|(_, own)| own.ratio.is_finite() && own.ratio > 0.0)
}

fn of(all: &[(&str, Option<Figure>)], name: &str) -> Option<Figure> {
    known(all).find(|(other, _)| *other == name).map(|(_, own)| own)
}

fn score(name: &str, mean: Option<f64>, rows: &[Judged<'_>]) -> Option<Score> {
    let mut ratios: Vec<(f64, String)> = Vec::new();
    let (mut won, mut first) = (0, 0);
    for (row, all) in rows {
        let Some(own) = of(all, name) else { continue };
        let others = known(all).filter(|(other, _)| *other != name).map(|(_, other)| other);
        let Some(best) = others.min_by(|a, b| a.median.total_cmp(&b.median)) else { continue };
        won += usize::from(Spread::of(&own, &best) == Spread::Apart);
        first += usize::from(own.median <= best.median);
        ratios.push((own.ratio, row.title()));
    }
    let (worst, worst_row) = ratios.iter().max_by(|a, b| a.0.total_cmp(&b.0))?.clone();
    Some(Score { allocator: name.to_owned(), mean, worst, worst_row, won, first, rows: ratios.len() })
}

/// How an allocator came through the rows of a group, whatever is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// The rows of the group.
    pub rows: usize,
    /// Those that it finished.
    pub ran: usize,
    /// Those that it should have finished and did not.
    pub failed: usize,
}

/// The part that `allocator` took in `group`.
pub fn part(results: &Results, group: Group, allocator: &str) -> Part {
    let mut part = Part::default();
    for row in results.rows.iter().filter(|row| row.group == group) {
        part.rows += 1;
        if let Some(cell) = row.cells.iter().find(|cell| cell.allocator == allocator) {
            part.failed += usize::from(cell.failure.is_some());
            part.ran += usize::from(cell.failure.is_none() && !cell.samples.is_empty());
        }
    }
    part
}

/// Why `allocator` has no figure in `row`, if it should have one.
pub fn failure<'a>(row: &'a Row, allocator: &str) -> Option<&'a str> {
    row.cells.iter().find(|cell| cell.allocator == allocator)?.failure.as_deref()
}

/// A row in which a peer is better than ours, by the medians of the rounds; a description, no test.
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
    /// Whether the loss is clear; descriptive, by the rule of the wins.
    pub fn spread(&self) -> Spread {
        Spread::of(&self.best, &self.own)
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
