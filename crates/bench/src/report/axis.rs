//! Axes: from values to places between 0 and 1, with ticks at round numbers.

/// A linear axis that begins at zero.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    /// The value at the end.
    pub end: f64,
    /// Round values, zero first.
    pub ticks: Vec<f64>,
}

impl Linear {
    /// The axis that holds `largest`, with about `count` ticks.
    pub fn new(largest: f64, count: usize) -> Linear {
        let largest = if largest.is_finite() && largest > 0.0 { largest } else { 1.0 };
        let rough = largest / count.max(1) as f64;
        let decade = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0].map(|round| round * decade);
        let step = step.into_iter().find(|step| *step >= rough * 0.999).unwrap_or(decade * 10.0);
        let ticks = (0..).map(|index| f64::from(index) * step).take_while(|tick| *tick <= largest * 1.0001);
        Linear { end: largest * 1.02, ticks: ticks.collect() }
    }

    /// Where `value` is; what lies outside is at the edge.
    pub fn place(&self, value: f64) -> f64 {
        (value / self.end).clamp(0.0, 1.0)
    }
}

/// A logarithmic axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Logarithmic {
    /// The value at the beginning.
    pub low: f64,
    /// The value at the end.
    pub high: f64,
    /// Round values between.
    pub ticks: Vec<f64>,
}

impl Logarithmic {
    /// The axis that holds all of `values` with a margin, and spans at least the factor `span`; at most `most`
    /// ticks. Values that have no logarithm are left out; nothing if none is left.
    pub fn new(values: impl Iterator<Item = f64>, span: f64, most: usize) -> Option<Logarithmic> {
        let mut logs: Vec<f64> =
            values.filter(|value| value.is_finite() && *value > 0.0).map(f64::ln).collect();
        logs.sort_by(f64::total_cmp);
        let (first, last) = (*logs.first()?, *logs.last()?);
        let widen = ((span.ln() - (last - first)) / 2.0).max((last - first) * 0.06);
        let (low, high) = ((first - widen).exp(), (last + widen).exp());
        Some(Logarithmic { low, high, ticks: round_between(low, high, most.max(2)) })
    }

    /// Where `value` is; what lies outside is at the edge.
    pub fn place(&self, value: f64) -> f64 {
        ((value / self.low).ln() / (self.high / self.low).ln()).clamp(0.0, 1.0)
    }
}

/// Round numbers in `[low, high]`, as many as `most` allows.
fn round_between(low: f64, high: f64, most: usize) -> Vec<f64> {
    let decades = low.log10().floor() as i32..=high.log10().ceil() as i32;
    let within = |digits: &[f64]| -> Vec<f64> {
        let all =
            decades.clone().flat_map(|power| digits.iter().map(move |digit| digit * 10_f64.powi(power)));
        all.filter(|tick| *tick >= low * 0.9999 && *tick <= high * 1.0001).collect()
    };
    let fitting = DIGITS.iter().map(|digits| within(digits)).find(|ticks| ticks.len() <= most);
    fitting.unwrap_or_else(|| {
        let whole = within(&[1.0]);
        let step = whole.len().div_ceil(most);
        whole.into_iter().step_by(step).collect()
    })
}

/// Sets of digits for ticks, the finest first. Evenly spread on a logarithmic axis, more or less.
const DIGITS: [&[f64]; 6] = [
    &[1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.8, 2.0, 2.2, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 9.0],
    &[1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0],
    &[1.0, 1.5, 2.0, 3.0, 5.0, 7.0],
    &[1.0, 2.0, 5.0],
    &[1.0, 3.0],
    &[1.0],
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_ticks_are_round() {
        assert_eq!(Linear::new(97.0, 4).ticks, [0.0, 25.0, 50.0, 75.0]);
        assert_eq!(Linear::new(100.0, 4).ticks, [0.0, 25.0, 50.0, 75.0, 100.0]);
        assert_eq!(Linear::new(0.0, 4).ticks[0], 0.0);
        let axis = Linear::new(10.0, 4);
        assert_eq!(axis.place(0.0), 0.0);
        assert_eq!(axis.place(1e9), 1.0);
        assert!((axis.place(5.1) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn logarithmic_ticks_fit() {
        let axis = Logarithmic::new([1.0, 3.0].into_iter(), 1.5, 6).unwrap();
        assert!(axis.low < 1.0 && axis.high > 3.0);
        assert_eq!(axis.ticks, [1.0, 1.2, 1.5, 2.0, 2.5, 3.0]);
        assert!((axis.place((axis.low * axis.high).sqrt()) - 0.5).abs() < 1e-9);
        let wide = Logarithmic::new([1.0, 1e12].into_iter(), 1.5, 5).unwrap();
        assert!((2..=5).contains(&wide.ticks.len()), "{:?}", wide.ticks);
    }

    #[test]
    fn equal_values_still_make_an_axis() {
        let axis = Logarithmic::new([2.0, 2.0].into_iter(), 1.5, 6).unwrap();
        assert!((axis.high / axis.low - 1.5).abs() < 1e-9);
        assert!(axis.ticks.len() >= 2);
        assert_eq!(Logarithmic::new([0.0, f64::NAN, -1.0].into_iter(), 1.5, 6), None);
    }
}
