//! How the time of a workload changes with the number of threads.

use crate::report::axis::Logarithmic;
use crate::report::html::drawing::{at, look, marker};
use crate::report::html::labels;
use crate::report::units::{Unit, tick};
use crate::results::{Group, Results, Row};
use crate::score::{self, Measure, OURS};
use maud::{Markup, html};

/// One allocator's medians: the place of the number of threads among all, and seconds.
struct Series<'a> {
    name: &'a str,
    look: usize,
    points: Vec<(usize, f64)>,
}

/// One workload at several numbers of threads.
struct Family<'a> {
    workload: &'a str,
    threads: Vec<u32>,
    series: Vec<Series<'a>>,
}

/// Whether there is anything to show.
pub fn any(results: &Results) -> bool {
    !families(results).is_empty()
}

/// A plot for each workload that ran with several numbers of threads.
pub fn section(results: &Results) -> Markup {
    let families = families(results);
    html! {
        @if !families.is_empty() {
            section #scaling {
                h2 { "Scaling with threads" }
                p.note {
                    "Median wall time against the number of threads, both logarithmic; lower is better. With more \
                    threads than the " (results.machine.cores) " cores, threads wait for each other's turn. Where a \
                    line ends early, the allocator failed or did not run."
                }
                div.plots {
                    @for family in &families {
                        figure { figcaption { b { (family.workload) } } (plot(family)) }
                    }
                }
            }
        }
    }
}

fn families(results: &Results) -> Vec<Family<'_>> {
    let mut keys: Vec<(Group, &str)> = Vec::new();
    for row in results.rows.iter().filter(|row| row.threads.is_some() && row.timed) {
        if !keys.contains(&(row.group, row.workload.as_str())) {
            keys.push((row.group, row.workload.as_str()));
        }
    }
    keys.into_iter().filter_map(|(group, workload)| family(results, group, workload)).collect()
}

fn family<'a>(results: &'a Results, group: Group, workload: &'a str) -> Option<Family<'a>> {
    let own = |row: &&Row| row.group == group && row.workload == workload && row.timed;
    let mut rows: Vec<(u32, &Row)> =
        results.rows.iter().filter(own).filter_map(|row| Some((row.threads?, row))).collect();
    rows.sort_by_key(|(threads, _)| *threads);
    rows.dedup_by_key(|(threads, _)| *threads);
    let series = |name: &'a str| {
        let figure = |row: &Row| {
            let all = score::figures(row, Measure::Time);
            all.into_iter().find(|(other, _)| *other == name)?.1.filter(|own| own.median > 0.0)
        };
        let points =
            rows.iter().enumerate().filter_map(|(place, (_, row))| Some((place, figure(row)?.median)));
        Series { name, look: look(results, name), points: points.collect() }
    };
    let mut series: Vec<Series<'_>> = results.allocators.iter().map(|own| series(&own.name)).collect();
    series.retain(|own| !own.points.is_empty());
    // Ours is drawn last: on top.
    series.sort_by_key(|own| own.name == OURS);
    let threads = rows.iter().map(|(threads, _)| *threads).collect::<Vec<u32>>();
    (threads.len() > 1 && !series.is_empty()).then_some(Family { workload, threads, series })
}

fn plot(family: &Family<'_>) -> Markup {
    let values = || family.series.iter().flat_map(|own| own.points.iter().map(|(_, value)| *value));
    let unit = Unit::of_time(values().fold(0.0, f64::max));
    let Some(axis) = Logarithmic::new(values().map(|value| value / unit.factor), 2.0, 6) else {
        return html! {};
    };
    let height = 230.0_f64.max(70.0 + GAP * family.series.len() as f64);
    let (top, bottom) = (10.0, height - 44.0);
    let up = |value: f64| bottom - axis.place(value / unit.factor) * (bottom - top);
    let last = (family.threads.len() - 1).max(1) as f64;
    let across = |place: usize| LEFT + 8.0 + place as f64 / last * (RIGHT - LEFT - 16.0);
    let ends: Vec<f64> =
        family.series.iter().map(|own| own.points.last().map_or(bottom, |(_, value)| up(*value))).collect();
    let heights = labels::spread(&ends, GAP, top + 4.0, bottom);
    html! {
        svg.plot viewBox=(format!("0 0 {} {}", at(WIDE), at(height))) role="img" aria-label=(words(family, unit)) {
            @for value in &axis.ticks {
                @let y = up(*value * unit.factor);
                line.grid x1=(at(LEFT)) x2=(at(RIGHT)) y1=(at(y)) y2=(at(y)) {}
                text x=(at(LEFT - 5.0)) y=(at(y + 4.0)) text-anchor="end" { (tick(*value)) }
            }
            @for (place, threads) in family.threads.iter().enumerate() {
                text x=(at(across(place))) y=(at(bottom + 16.0)) text-anchor="middle" { (threads) }
            }
            rect.frame x=(at(LEFT)) y=(at(top)) width=(at(RIGHT - LEFT)) height=(at(bottom - top)) {}
            text.title x=(at(f64::midpoint(LEFT, RIGHT))) y=(at(height - 8.0)) text-anchor="middle" { "threads" }
            (side(&format!("wall time, {} (log)", unit.name), f64::midpoint(top, bottom)))
            @for ((own, height), end) in family.series.iter().zip(&heights).zip(&ends) {
                (line(own, across, up, *end, *height))
            }
        }
    }
}

fn side(title: &str, y: f64) -> Markup {
    html! {
        text.title x="11" y=(at(y)) text-anchor="middle" transform=(format!("rotate(-90 11 {})", at(y))) { (title) }
    }
}

fn line(
    own: &Series<'_>,
    across: impl Fn(usize) -> f64,
    up: impl Fn(f64) -> f64,
    end: f64,
    label: f64,
) -> Markup {
    let points: Vec<(f64, f64)> =
        own.points.iter().map(|(place, value)| (across(*place), up(*value))).collect();
    let path: Vec<String> = points.iter().map(|(x, y)| format!("{},{}", at(*x), at(*y))).collect();
    let last = points.last().map_or(RIGHT, |(x, _)| *x);
    let (leader, series) = (format!("leader s{}", own.look), format!("line s{}", own.look));
    html! {
        polyline class=(leader) points=(format!(
            "{},{} {},{} {},{}", at(last), at(end), at(RIGHT), at(end), at(RIGHT + 8.0), at(label)
        )) {}
        polyline class=(series) points=(path.join(" ")) {}
        @for (x, y) in &points { (marker(own.look, *x, *y)) }
        text.label.ours[own.name == OURS] x=(at(RIGHT + 11.0)) y=(at(label + 4.0)) { (own.name) }
    }
}

fn words(family: &Family<'_>, unit: Unit) -> String {
    let each: Vec<String> = family
        .series
        .iter()
        .filter_map(|own| {
            let ((first, from), (last, to)) = (own.points.first()?, own.points.last()?);
            let (first, last) = (family.threads.get(*first)?, family.threads.get(*last)?);
            Some(format!("{} {} with {first} to {} with {last}", own.name, unit.say(*from), unit.say(*to)))
        })
        .collect();
    format!("Wall time of {} by number of threads: {}.", family.workload, each.join("; "))
}

/// The width of a plot: about that of a telephone, where it is shown at its own size.
const WIDE: f64 = 360.0;
/// The left edge of the lines.
const LEFT: f64 = 50.0;
/// Their right edge; the labels are beyond.
const RIGHT: f64 = 240.0;
/// The distance of labels.
const GAP: f64 = 13.5;
