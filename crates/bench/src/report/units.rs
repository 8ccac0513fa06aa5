//! Numbers as text, with their units.
//!
//! What is not a finite number is a dash: no reader learns anything from `NaN`.

use crate::results::{Group, Results, Row};
use crate::score::{self, Measure, Spread};

/// What stands where there is no number.
pub const NOTHING: &str = "–";

/// A unit of a picture: all its numbers are divided by the same factor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unit {
    /// Its name: `ms`.
    pub name: &'static str,
    /// How much of the stored unit it is.
    pub factor: f64,
}

impl Unit {
    /// Mebibytes.
    pub const MEBIBYTES: Unit = Unit { name: "MiB", factor: 1_048_576.0 };

    /// The unit in which `seconds`, the largest of a picture, is a number of at most four digits.
    pub fn of_time(seconds: f64) -> Unit {
        if seconds < 0.001 {
            Unit { name: "µs", factor: 1e-6 }
        } else if seconds < 1.0 {
            Unit { name: "ms", factor: 1e-3 }
        } else {
            Unit { name: "s", factor: 1.0 }
        }
    }

    /// The unit of `measure` in a picture whose largest value is `largest`.
    pub fn of(measure: Measure, largest: f64) -> Unit {
        if measure == Measure::Time { Unit::of_time(largest) } else { Unit::MEBIBYTES }
    }

    /// The number alone.
    pub fn show(self, value: f64) -> String {
        number(value / self.factor)
    }

    /// The number with the unit.
    pub fn say(self, value: f64) -> String {
        if value.is_finite() { format!("{} {}", self.show(value), self.name) } else { NOTHING.to_owned() }
    }
}

/// Three digits that mean something, whole numbers as they are.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return NOTHING.to_owned();
    }
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size >= 99.95 => grouped(value.round()),
        size if size >= 9.995 => format!("{value:.1}"),
        size if size >= 0.9995 => format!("{value:.2}"),
        size if size >= 0.0005 => format!("{value:.3}"),
        _ => format!("{value:.1e}"),
    }
}

/// A whole number in groups of three, with thin spaces that do not break.
pub fn grouped(value: f64) -> String {
    if !value.is_finite() {
        return NOTHING.to_owned();
    }
    let digits = format!("{:.0}", value.abs());
    let mut text = String::from(if value < 0.0 { "-" } else { "" });
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 && digits.len() > 4 {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A tick of an axis: no more digits than it needs.
pub fn tick(value: f64) -> String {
    if value.abs() >= 10_000.0 {
        return grouped(value);
    }
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A ratio: `1.23×`.
pub fn ratio(value: f64) -> String {
    match value {
        _ if !value.is_finite() => NOTHING.to_owned(),
        _ if value >= 99.5 => format!("{}×", grouped(value)),
        _ if value >= 9.95 => format!("{value:.1}×"),
        _ => format!("{value:.2}×"),
    }
}

/// A size of memory in the unit that suits it.
pub fn size(bytes: u64) -> String {
    const NAMES: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut name = 0;
    while value >= 1024.0 && name + 1 < NAMES.len() {
        value /= 1024.0;
        name += 1;
    }
    format!("{} {}", tick((value * 10.0).round() / 10.0), NAMES[name])
}

/// A span of time for people: `12 min 5 s`.
pub fn span(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return NOTHING.to_owned();
    }
    let whole = seconds.round() as u64;
    match (whole / 60, whole % 60) {
        (0, rest) => format!("{rest} s"),
        (minutes, rest) => format!("{minutes} min {rest} s"),
    }
}

/// One of something or several: `1 row`, `3 rows`.
pub fn several(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// The number of rounds behind a row: `5 rounds`, `2 to 5 rounds`.
pub fn rounds(row: &Row) -> String {
    match score::rounds(row) {
        (least, most) if least < most => format!("{least} to {most} rounds"),
        (_, most) => several(most, "round", "rounds"),
    }
}

/// Which part of the suite ran.
pub fn kind(results: &Results) -> String {
    match results.kind.as_str() {
        "partial" => "only a part of the suite was asked for".to_owned(),
        kind => format!("{kind} run"),
    }
}

/// The options as they were given.
pub fn options(results: &Results) -> String {
    if results.options.is_empty() { "none".to_owned() } else { results.options.join(" ") }
}

/// The load average at the beginning of each round.
pub fn loads(results: &Results) -> String {
    let load = |load: &f64| if load.is_finite() { format!("{load:.2}") } else { NOTHING.to_owned() };
    let loads: Vec<String> = results.loads.iter().map(load).collect();
    if loads.is_empty() { "not recorded".to_owned() } else { loads.join(", ") }
}

/// What the quartiles say, in a word.
pub fn spread_name(spread: Spread) -> &'static str {
    match spread {
        Spread::Apart => "apart",
        Spread::Touch => "touch",
        Spread::Few => "few rounds",
    }
}

/// A group's name in addresses and in the table of samples.
pub fn group_name(group: Group) -> &'static str {
    match group {
        Group::Own => "own",
        Group::Real => "real",
        Group::Rust => "rust",
        Group::Musl => "musl",
    }
}

/// A group's title.
pub fn group_title(group: Group) -> &'static str {
    match group {
        Group::Own => "Our own workloads",
        Group::Real => "Real programs",
        Group::Rust => "Rust programs",
        Group::Musl => "Static musl programs",
    }
}

/// What is measured, in words.
pub fn measure_title(measure: Measure) -> &'static str {
    match measure {
        Measure::Time => "Wall time",
        Measure::Peak => "Peak RSS",
        Measure::Idle => "RSS after idle",
        Measure::End => "RSS at the end of the work",
    }
}

/// All groups, in the order of the report.
pub const GROUPS: [Group; 4] = [Group::Own, Group::Real, Group::Rust, Group::Musl];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits() {
        let shown: Vec<String> =
            [0.0, 0.001, 0.12345, 1.0, 9.999, 12.34, 99.97, 1234.4, 1_234_567.0].map(number).into();
        let wanted =
            ["0", "0.001", "0.123", "1.00", "10.0", "12.3", "100", "1234", "1\u{202f}234\u{202f}567"];
        assert_eq!(shown, wanted);
    }

    #[test]
    fn what_is_no_number_is_a_dash() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(number(value), NOTHING);
            assert_eq!(ratio(value), NOTHING);
            assert_eq!(span(value), NOTHING);
            assert_eq!(Unit::MEBIBYTES.say(value), NOTHING);
        }
    }

    #[test]
    fn a_part_of_the_suite_is_called_one() {
        let mut results = crate::report::fixture::results();
        assert_eq!(
            [kind(&results), options(&results), loads(&results)],
            ["full run", "--real", "0.20, 1.40"]
        );
        results.kind = "partial".to_owned();
        results.options.clear();
        results.loads = vec![f64::NAN];
        assert_eq!(kind(&results), "only a part of the suite was asked for");
        assert_eq!([options(&results), loads(&results)], ["none", NOTHING]);
        let mut row = results.rows.remove(0);
        assert_eq!(rounds(&row), "5 rounds");
        row.cells[1].samples.truncate(2);
        assert_eq!(rounds(&row), "2 to 5 rounds");
    }

    #[test]
    fn units_suit_the_largest_number() {
        assert_eq!(Unit::of_time(0.0004).say(0.0004), "400 µs");
        assert_eq!(Unit::of_time(0.25).say(0.0125), "12.5 ms");
        assert_eq!(Unit::of_time(12.0).say(12.0), "12.0 s");
        assert_eq!(Unit::of(Measure::Peak, 1.0).say(3.0 * 1_048_576.0), "3.00 MiB");
        assert_eq!(size(8 << 30), "8 GiB");
        assert_eq!(size(4096), "4 KiB");
        assert_eq!(span(725.2), "12 min 5 s");
    }
}
