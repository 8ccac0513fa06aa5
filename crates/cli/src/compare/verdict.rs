//! What a comparison is worth, in words that do not say more than the rounds do.

use super::Measured;
use crate::output::units;
use heapwright_measure::process::Usage;
use heapwright_measure::statistics::{Comparison, Verdict, compare, median, quantile};
use std::time::Duration;

/// What is compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Measure {
    /// From start to end.
    Wall,
    /// Processor time, user and system.
    Cpu,
    /// The largest resident set.
    PeakRss,
}

impl Measure {
    /// Every measure, in the order of the table.
    pub const ALL: [Measure; 3] = [Measure::Wall, Measure::Cpu, Measure::PeakRss];

    /// For people.
    pub fn title(self) -> &'static str {
        match self {
            Measure::Wall => "wall time",
            Measure::Cpu => "CPU time",
            Measure::PeakRss => "peak RSS",
        }
    }

    /// For machines.
    pub fn key(self) -> &'static str {
        match self {
            Measure::Wall => "wall_seconds",
            Measure::Cpu => "cpu_seconds",
            Measure::PeakRss => "peak_rss_bytes",
        }
    }

    /// Of one run, in seconds or bytes. Not zero, which has no ratio: what the clock cannot see is its last digit.
    fn of(self, usage: &Usage) -> f64 {
        match self {
            Measure::Wall => usage.wall.as_secs_f64().max(1e-9),
            Measure::Cpu => (usage.user + usage.system).as_secs_f64().max(1e-6),
            Measure::PeakRss => usage.peak_rss.max(1) as f64,
        }
    }

    /// A value for people.
    pub fn show(self, value: f64) -> String {
        match self {
            Measure::PeakRss => units::bytes(value as u64),
            _ => units::time(Duration::from_secs_f64(value)),
        }
    }

    /// How less and more are called.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Measure::Wall => ("faster", "slower"),
            Measure::Cpu | Measure::PeakRss => ("less", "more"),
        }
    }
}

/// Median and quartiles of a candidate.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    /// A quarter of the runs took less.
    pub low: f64,
    /// Half of them did.
    pub median: f64,
    /// Three quarters did.
    pub high: f64,
}

/// The spread of a candidate's samples.
pub fn spread(measured: &Measured, measure: Measure) -> Spread {
    let values = values(measured, measure);
    Spread { low: quantile(&values, 0.25), median: median(&values), high: quantile(&values, 0.75) }
}

/// A candidate beside the base.
pub fn beside(base: &Measured, own: &Measured, measure: Measure) -> Comparison {
    compare(&values(base, measure), &values(own, measure))
}

fn values(measured: &Measured, measure: Measure) -> Vec<f64> {
    measured.samples.iter().map(|usage| measure.of(usage)).collect()
}

/// The verdict behind a row: `12.0 % faster (95 %: 10.1 to 14.0 %)`.
pub fn phrase(comparison: &Comparison, measure: Measure) -> String {
    let (less, more) = measure.words();
    let Some((low, high)) = comparison.interval else {
        return format!("too few rounds for a verdict ({} in the median)", change(comparison.ratio));
    };
    match comparison.verdict {
        Verdict::Less(share) => {
            format!(
                "{} {less} (95 %: {:.1} to {:.1} %)",
                percent(share),
                (1.0 - high) * 100.0,
                (1.0 - low) * 100.0
            )
        }
        Verdict::More(share) => {
            format!(
                "{} {more} (95 %: {:.1} to {:.1} %)",
                percent(share),
                (low - 1.0) * 100.0,
                (high - 1.0) * 100.0
            )
        }
        _ if low > 1.0 || high < 1.0 => {
            format!("a difference below 1 % ({} in the median)", change(comparison.ratio))
        }
        _ => format!("no difference beyond noise (95 %: {} to {})", change(low), change(high)),
    }
}

/// One word for machines.
pub fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::TooFew => "too few rounds",
        Verdict::NoDifference => "no difference",
        Verdict::Less(_) => "less",
        Verdict::More(_) => "more",
    }
}

/// The whole in one sentence: what differs, then what does not. Processor time is named if the wall does not tell.
pub fn conclude(name: &str, wall: Verdict, cpu: Verdict, memory: Verdict) -> String {
    if [wall, cpu, memory].contains(&Verdict::TooFew) {
        return format!("{name}: too few rounds for a verdict; measure 6 at least (-n 6)");
    }
    let (mut differs, mut same) = (Vec::new(), Vec::new());
    match (wall, cpu) {
        (Verdict::Less(share), _) => differs.push(format!("runs {} faster", percent(share))),
        (Verdict::More(share), _) => differs.push(format!("runs {} slower", percent(share))),
        (_, Verdict::Less(share)) => differs.push(format!("takes {} less CPU time", percent(share))),
        (_, Verdict::More(share)) => differs.push(format!("takes {} more CPU time", percent(share))),
        _ => same.push("time"),
    }
    if wall == Verdict::NoDifference && cpu != Verdict::NoDifference {
        same.push("wall time");
    }
    match memory {
        Verdict::Less(share) => differs.push(format!("needs {} less memory", percent(share))),
        Verdict::More(share) => differs.push(format!("needs {} more memory", percent(share))),
        _ => same.push("memory"),
    }
    if differs.is_empty() {
        return format!("{name}: no difference beyond noise");
    }
    let said = format!("{name}: the program {}", differs.join(" and "));
    if same.is_empty() { said } else { format!("{said}; {}: no difference beyond noise", same.join(" and ")) }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn change(ratio: f64) -> String {
    format!("{:+.1} %", (ratio - 1.0) * 100.0).replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ratios: &[f64]) -> Comparison {
        compare(&vec![1.0; ratios.len()], ratios)
    }

    #[test]
    fn a_verdict_says_no_more_than_the_rounds() {
        let text = |ratios: &[f64], measure| phrase(&of(ratios), measure);
        assert_eq!(
            text(&[0.88, 0.86, 0.90, 0.87, 0.89, 0.88], Measure::Wall),
            "12.0 % faster (95 %: 10.0 to 14.0 %)"
        );
        assert_eq!(text(&[1.25; 6], Measure::Wall), "25.0 % slower (95 %: 25.0 to 25.0 %)");
        assert_eq!(text(&[1.25; 6], Measure::PeakRss), "25.0 % more (95 %: 25.0 to 25.0 %)");
        assert_eq!(text(&[0.75; 6], Measure::Cpu), "25.0 % less (95 %: 25.0 to 25.0 %)");
        assert_eq!(
            text(&[0.9, 1.1, 0.9, 1.1, 0.9, 1.1], Measure::Wall),
            "no difference beyond noise (95 %: −10.0 % to +10.0 %)"
        );
        assert_eq!(text(&[0.995; 6], Measure::Wall), "a difference below 1 % (−0.5 % in the median)");
        assert_eq!(text(&[0.5; 5], Measure::Wall), "too few rounds for a verdict (−50.0 % in the median)");
    }

    #[test]
    fn the_conclusion_names_what_differs_and_nothing_else() {
        use Verdict::{Less, More, NoDifference, TooFew};
        let of = |wall, cpu, memory| conclude("x", wall, cpu, memory);
        assert_eq!(of(NoDifference, NoDifference, NoDifference), "x: no difference beyond noise");
        let none = "no difference beyond noise";
        assert_eq!(
            of(Less(0.12), Less(0.2), NoDifference),
            format!("x: the program runs 12.0 % faster; memory: {none}")
        );
        assert_eq!(
            of(More(0.12), Less(0.2), Less(0.5)),
            "x: the program runs 12.0 % slower and needs 50.0 % less memory"
        );
        assert_eq!(
            of(NoDifference, More(0.02), More(0.1)),
            format!(
                "x: the program takes 2.0 % more CPU time and needs 10.0 % more memory; wall time: {none}"
            )
        );
        assert_eq!(
            of(NoDifference, NoDifference, More(0.1)),
            format!("x: the program needs 10.0 % more memory; time: {none}")
        );
        assert!(of(TooFew, TooFew, TooFew).contains("too few rounds"));
    }

    #[test]
    fn what_the_clock_does_not_see_has_a_ratio() {
        use std::os::unix::process::ExitStatusExt;
        let none = Usage {
            status: std::process::ExitStatus::from_raw(0),
            wall: Duration::ZERO,
            user: Duration::ZERO,
            system: Duration::ZERO,
            peak_rss: 0,
            minor_faults: 0,
            major_faults: 0,
        };
        for measure in Measure::ALL {
            assert!(measure.of(&none) > 0.0);
        }
    }
}
