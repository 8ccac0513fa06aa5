//! Medians, their spread, ratios, and what a difference is worth.
//!
//! Times of programs are not normally distributed: they have a floor and a long tail. Everything here is by order
//! of the samples, which assumes nothing of their distribution.

/// The chance, at most, that an [`interval`] misses the true median.
const RISK: f64 = 0.05;

/// Differences below this share are called none, whatever the rounds say: layout and environment move as much.
pub const LEAST: f64 = 0.01;

/// The middle value; the mean of the two in the middle for an even number. `NaN` of nothing.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// The value below which the share `q` (0 to 1) of `values` lies, interpolated linearly. `NaN` of nothing.
#[must_use]
pub fn quantile(values: &[f64], q: f64) -> f64 {
    let sorted = sorted(values);
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let place = q.clamp(0.0, 1.0) * last as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64)
}

/// The geometric mean. `NaN` of nothing, or if a value is not positive.
#[must_use]
pub fn geometric_mean(values: &[f64]) -> f64 {
    if values.iter().any(|value| *value <= 0.0) {
        return f64::NAN;
    }
    (values.iter().map(|value| value.ln()).sum::<f64>() / values.len() as f64).exp()
}

/// An interval that contains the true median with a chance of at least 95 %, by the order of the samples.
///
/// Nothing for fewer than six samples: even their whole range misses it more often than that. The chance that the
/// median lies outside `[x(k), x(n + 1 - k)]` is that of fewer than `k` heads in `n` throws of a coin, twice
/// (David and Nagaraja, *Order Statistics*, 7.1).
#[must_use]
pub fn interval(values: &[f64]) -> Option<(f64, f64)> {
    let sorted = sorted(values);
    let n = sorted.len();
    let mut outside = 0.0;
    let mut term = 0.5_f64.powi(i32::try_from(n).ok()?);
    let mut k = 0;
    while k < n / 2 + 1 && 2.0 * (outside + term) <= RISK {
        outside += term;
        term *= (n - k) as f64 / (k + 1) as f64;
        k += 1;
    }
    if k == 0 { None } else { Some((sorted[k - 1], sorted[n - k])) }
}

/// What a comparison came to.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Verdict {
    /// Fewer than six rounds: nothing can be said.
    TooFew,
    /// The interval contains no difference, or the difference is below [`LEAST`].
    NoDifference,
    /// The candidate takes this share less than the base (0.1: ten per cent less).
    Less(f64),
    /// The candidate takes this share more than the base.
    More(f64),
}

/// A candidate beside a base, round by round.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Comparison {
    /// The median of the ratios candidate : base within a round.
    pub ratio: f64,
    /// The 95 % interval of that median.
    pub interval: Option<(f64, f64)>,
    /// What it is worth.
    pub verdict: Verdict,
}

/// Compares two series of the same rounds: `candidate[i]` ran beside `base[i]`.
///
/// # Panics
/// If the series differ in length.
#[must_use]
pub fn compare(base: &[f64], candidate: &[f64]) -> Comparison {
    assert_eq!(base.len(), candidate.len(), "two series of the same rounds");
    let ratios: Vec<f64> = base.iter().zip(candidate).map(|(base, own)| own / base).collect();
    let ratio = median(&ratios);
    let interval = interval(&ratios);
    let verdict = match interval {
        None => Verdict::TooFew,
        Some((_, high)) if high < 1.0 && ratio <= 1.0 - LEAST => Verdict::Less(1.0 - ratio),
        Some((low, _)) if low > 1.0 && ratio >= 1.0 + LEAST => Verdict::More(ratio - 1.0),
        Some(_) => Verdict::NoDifference,
    };
    Comparison { ratio, interval, verdict }
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_found_in_any_order() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
        assert_eq!(quantile(&[0.0, 10.0], 0.25), 2.5);
    }

    #[test]
    fn ratios_have_a_geometric_mean() {
        assert!((geometric_mean(&[2.0, 0.5]) - 1.0).abs() < 1e-12);
        assert!(geometric_mean(&[]).is_nan());
        assert!(geometric_mean(&[1.0, 0.0]).is_nan());
    }

    /// The ranks that tables of the sign test name for 95 %.
    #[test]
    fn the_interval_has_the_ranks_of_the_tables() {
        let first = |n: u32| {
            let values: Vec<f64> = (1..=n).map(f64::from).collect();
            interval(&values).map(|(low, high)| (low as u32, high as u32))
        };
        assert_eq!(first(5), None);
        assert_eq!(first(6), Some((1, 6)));
        assert_eq!(first(9), Some((2, 8)));
        assert_eq!(first(10), Some((2, 9)));
        assert_eq!(first(20), Some((6, 15)));
        assert_eq!(first(30), Some((10, 21)));
    }

    #[test]
    fn a_verdict_needs_rounds_that_agree() {
        let base = [1.0; 10];
        assert_eq!(compare(&base[..5], &[0.5; 5]).verdict, Verdict::TooFew);
        assert_eq!(compare(&base, &[0.5; 10]).verdict, Verdict::Less(0.5));
        assert_eq!(compare(&base, &[1.25; 10]).verdict, Verdict::More(0.25));
        assert_eq!(compare(&base, &[0.995; 10]).verdict, Verdict::NoDifference);
        let torn = [0.8, 1.2, 0.8, 1.2, 0.8, 1.2, 0.8, 1.2, 0.8, 1.2];
        assert_eq!(compare(&base, &torn).verdict, Verdict::NoDifference);
    }

    /// A machine that slows down by half in the middle of the run does not change the ratio.
    #[test]
    fn what_both_feel_cancels_out() {
        let base: Vec<f64> = (0..10).map(|i| if i < 5 { 1.0 } else { 1.5 }).collect();
        let own: Vec<f64> = base.iter().map(|value| value * 0.9).collect();
        assert!((compare(&base, &own).ratio - 0.9).abs() < 1e-12);
    }
}
