//! The allocators of a group in one picture: the score in time against the score in memory.

use crate::report::axis::Logarithmic;
use crate::report::html::drawing::{at, look, marker};
use crate::report::html::labels::{self, Area};
use crate::report::units::{GROUPS, group_title, ratio, tick};
use crate::results::{Group, Results};
use crate::score::{self, Board, Measure, OURS};
use maud::{Markup, html};

/// An allocator as a dot.
struct Dot {
    name: String,
    look: usize,
    time: f64,
    peak: f64,
}

/// A picture for each group.
pub fn section(results: &Results) -> Markup {
    let some = |group: &Group| results.rows.iter().any(|row| row.group == *group);
    html! {
        section #picture {
            h2 { "Time against memory" }
            p.note {
                "The scores of each group: lower left is better on both axes, 1 is the best peer of each row in all \
                rows."
            }
            @for group in GROUPS.into_iter().filter(some) {
                h3 { (group_title(group)) }
                (part(results, group))
            }
        }
    }
}

/// The picture of a group, once for wide screens and once for narrow ones.
fn part(results: &Results, group: Group) -> Markup {
    let dots = dots(results, group);
    let left_out: Vec<&str> = results
        .allocators
        .iter()
        .map(|own| own.name.as_str())
        .filter(|name| score::part(results, group, name).ran + score::part(results, group, name).failed > 0)
        .filter(|name| !dots.iter().any(|dot| dot.name == *name))
        .collect();
    html! {
        @if dots.is_empty() {
            p { "No allocator has both scores." }
        } @else {
            div.wide { (picture(&dots, 760.0, 440.0, 8)) }
            div.narrow { (picture(&dots, 360.0, 380.0, 5)) }
        }
        @if !left_out.is_empty() {
            p.note { "Left out, because they have not both scores: " (left_out.join(", ")) "." }
        }
    }
}

fn dots(results: &Results, group: Group) -> Vec<Dot> {
    let [time, peak] = [Measure::Time, Measure::Peak].map(|measure| Board::new(results, group, measure));
    let dot = |own: &score::Score| {
        let (time, peak) = (own.mean?, peak.of(&own.allocator)?.mean?);
        let look = look(results, &own.allocator);
        (time.is_finite() && peak.is_finite()).then(|| Dot { name: own.allocator.clone(), look, time, peak })
    };
    time.scores.iter().filter_map(dot).collect()
}

fn picture(dots: &[Dot], width: f64, height: f64, most: usize) -> Markup {
    let plot = Area { x: 58.0, y: 10.0, width: width - 70.0, height: height - 62.0 };
    // The best peer of each row is part of both axes: the distance from it is what the picture tells.
    let axis = |of: fn(&Dot) -> f64| Logarithmic::new(dots.iter().map(of).chain([1.0]), 1.6, most);
    let axes = axis(|dot| dot.time).zip(axis(|dot| dot.peak));
    let Some((x, y)) = axes else { return html! {} };
    let across = |value: f64| plot.x + x.place(value) * plot.width;
    let up = |value: f64| plot.y + (1.0 - y.place(value)) * plot.height;
    let points: Vec<(f64, f64)> = dots.iter().map(|dot| (across(dot.time), up(dot.peak))).collect();
    let sizes: Vec<(f64, f64)> = dots.iter().map(|dot| (labels::width(&dot.name, SIZE), 15.0)).collect();
    let hint = Area { x: plot.x + 2.0, y: plot.y + plot.height - 24.0, width: 66.0, height: 22.0 };
    let areas = labels::place(&points, &sizes, plot, &[hint]);
    let (bottom, right) = (plot.y + plot.height, plot.x + plot.width);
    html! {
        svg.plot viewBox=(format!("0 0 {} {}", at(width), at(height))) role="img" aria-label=(words(dots)) {
            @for value in &x.ticks {
                line.grid x1=(at(across(*value))) x2=(at(across(*value))) y1=(at(plot.y)) y2=(at(bottom)) {}
                text x=(at(across(*value))) y=(at(bottom + 17.0)) text-anchor="middle" { (tick(*value)) "×" }
            }
            @for value in &y.ticks {
                line.grid x1=(at(plot.x)) x2=(at(right)) y1=(at(up(*value))) y2=(at(up(*value))) {}
                text x=(at(plot.x - 6.0)) y=(at(up(*value) + 4.0)) text-anchor="end" { (tick(*value)) "×" }
            }
            rect.frame x=(at(plot.x)) y=(at(plot.y)) width=(at(plot.width)) height=(at(plot.height)) {}
            (titles(plot, height))
            (better(plot))
            @for ((dot, point), area) in dots.iter().zip(&points).zip(&areas) { (leader(*point, area, dot.look)) }
            @for ((dot, point), area) in dots.iter().zip(&points).zip(&areas) {
                (marker(dot.look, point.0, point.1))
                (label(dot, point.0, area))
            }
        }
    }
}

/// The name, at the edge of its place that is towards the dot: the width of the place is only estimated.
fn label(dot: &Dot, x: f64, area: &Area) -> Markup {
    let (edge, anchor) = match x {
        _ if x < area.x => (area.x, "start"),
        _ if x > area.x + area.width => (area.x + area.width, "end"),
        _ => (area.x + area.width / 2.0, "middle"),
    };
    html! {
        text.label.ours[dot.name == OURS] x=(at(edge)) y=(at(area.y + 11.5)) text-anchor=(anchor) { (dot.name) }
    }
}

fn titles(plot: Area, height: f64) -> Markup {
    let (x, y) = (plot.x + plot.width / 2.0, plot.y + plot.height / 2.0);
    html! {
        text.title x=(at(x)) y=(at(height - 10.0)) text-anchor="middle" { "wall time, × the best peer (log)" }
        text.title x="14" y=(at(y)) text-anchor="middle" transform=(format!("rotate(-90 14 {})", at(y))) {
            "peak RSS, × the best peer (log)"
        }
    }
}

/// The corner where one wants to be.
fn better(plot: Area) -> Markup {
    let (x, y) = (plot.x + 6.0, plot.y + plot.height - 6.0);
    html! {
        path.arrow d=(format!("M{} {} l11 -11 M{} {} v-7 M{} {} h7", at(x), at(y), at(x), at(y), at(x), at(y))) {}
        text.hint x=(at(x + 15.0)) y=(at(y - 3.0)) { "better" }
    }
}

/// A line from a dot to its label, where the label had to go some way.
fn leader((x, y): (f64, f64), area: &Area, look: usize) -> Markup {
    let (end_x, end_y) = (x.clamp(area.x, area.x + area.width), y.clamp(area.y, area.y + area.height));
    let far = (end_x - x).hypot(end_y - y) > 12.0;
    html! {
        @if far { line class=(format!("leader s{look}")) x1=(at(x)) y1=(at(y)) x2=(at(end_x)) y2=(at(end_y)) {} }
    }
}

fn words(dots: &[Dot]) -> String {
    let each: Vec<String> = dots
        .iter()
        .map(|dot| format!("{} {} in time and {} in memory", dot.name, ratio(dot.time), ratio(dot.peak)))
        .collect();
    format!("Scores in time and peak memory to the best peer of each row: {}.", each.join("; "))
}

/// The size of the labels.
const SIZE: f64 = 12.5;
