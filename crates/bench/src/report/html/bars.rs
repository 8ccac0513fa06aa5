//! Bars in a table: a line for each allocator, with its name, a track and its numbers.

use crate::report::axis::Linear;
use crate::report::html::drawing::{at, ticks};
use crate::report::units::{NOTHING, Unit, ratio, tick};
use crate::score::{Figure, OURS};
use maud::{Markup, html};

/// One line.
pub struct Bar<'a> {
    /// The allocator.
    pub name: &'a str,
    /// The long bar, or why there is none.
    pub figure: Result<Figure, &'a str>,
    /// Thin bars below, each with its word: memory after idle.
    pub thin: Vec<(&'static str, f64)>,
    /// A value that is a line across the track.
    pub live: Option<f64>,
}

/// A panel.
pub struct Panel<'a> {
    /// What is measured.
    pub title: &'a str,
    /// The unit of all its numbers.
    pub unit: Unit,
    /// The lines, in order.
    pub bars: Vec<Bar<'a>>,
    /// The name of the panel for those who do not see it.
    pub label: String,
}

impl Panel<'_> {
    /// The panel as a table.
    pub fn draw(&self) -> Markup {
        let axis = self.axis();
        let best = self.figures().map(|own| own.median).fold(f64::INFINITY, f64::min);
        html! {
            table.bars.tall[self.bars.iter().any(|bar| !bar.thin.is_empty())] aria-label=(self.label) {
                caption { b { (self.title) } ", " (self.unit.name) }
                thead.hidden {
                    tr {
                        th scope="col" { "Allocator" }
                        th scope="col" { "Bar" }
                        th scope="col" { (self.title) ", " (self.unit.name) }
                        th scope="col" { "To the best peer" }
                    }
                }
                tbody { @for bar in &self.bars { (self.line(bar, &axis, best)) } }
                tfoot aria-hidden="true" { tr { td {} td.axis { (ticks(axis.ticks.iter().map(|value| (axis.place(*value), tick(*value))))) } td.value { (self.unit.name) } td {} } }
            }
        }
    }

    fn figures(&self) -> impl Iterator<Item = Figure> {
        self.bars.iter().filter_map(|bar| bar.figure.ok())
    }

    /// An axis from zero. Who is far beyond the others leaves it, with a mark, unless it is ours: it would make
    /// all the other bars alike.
    fn axis(&self) -> Linear {
        let best = self.figures().map(|own| own.median).fold(f64::INFINITY, f64::min);
        let inside =
            |bar: &&Bar<'_>| bar.name == OURS || bar.figure.is_ok_and(|own| own.median <= best * CROWD);
        let shown = self.bars.iter().filter(inside);
        let values = shown.flat_map(|bar| {
            let thin = bar.thin.iter().map(|(_, value)| *value);
            bar.figure.ok().map(|own| own.high).into_iter().chain(thin).chain(bar.live)
        });
        Linear::new(values.fold(0.0, f64::max) / self.unit.factor, 4)
    }

    fn line(&self, bar: &Bar<'_>, axis: &Linear, best: f64) -> Markup {
        let lead = |own: &Figure| own.median <= best;
        html! {
            tr.ours[bar.name == OURS].best[bar.figure.as_ref().is_ok_and(lead)] {
                th scope="row" title=(bar.name) { (bar.name) }
                @match &bar.figure {
                    Ok(own) => {
                        td.track aria-hidden="true" { (self.track(bar, own, axis)) }
                        td.value {
                            (self.unit.show(own.median))
                            @for (word, value) in &bar.thin { small { (word) " " (self.unit.show(*value)) } }
                        }
                        td.ratio { (ratio(own.ratio)) @if lead(own) { span.star title="the best" { " ★" } } }
                    }
                    Err(reason) => {
                        td.failed colspan="3" { (reason) }
                    }
                }
            }
        }
    }

    fn track(&self, bar: &Bar<'_>, own: &Figure, axis: &Linear) -> Markup {
        let x = |value: f64| axis.place(value / self.unit.factor) * WIDE;
        let beyond = own.median / self.unit.factor > axis.end;
        let high = if bar.thin.is_empty() { 14.0 } else { 9.0 };
        html! {
            svg viewBox="0 0 1000 20" preserveAspectRatio="none" {
                @for tick in &axis.ticks {
                    line.grid x1=(at(axis.place(*tick) * WIDE)) x2=(at(axis.place(*tick) * WIDE)) y1="0" y2="20" {}
                }
                rect.bar x="0" y="3" width=(at(x(own.median))) height=(at(high)) {}
                @if beyond {
                    polygon.break points="968,1 980,1 968,20 956,20" {}
                } @else {
                    (whisker(x(own.low), x(own.high), 3.0 + high / 2.0))
                }
                @for (index, (_, value)) in bar.thin.iter().enumerate() {
                    rect.thin x="0" y=(at(13.5 + 3.5 * index as f64)) width=(at(x(*value))) height="3" {}
                }
                @if let Some(live) = bar.live {
                    line.live x1=(at(x(live))) x2=(at(x(live))) y1="1" y2="19" {}
                }
            }
        }
    }
}

fn whisker(low: f64, high: f64, y: f64) -> Markup {
    html! {
        line.whisker x1=(at(low)) x2=(at(high)) y1=(at(y)) y2=(at(y)) {}
        @for end in [low, high] {
            line.whisker x1=(at(end)) x2=(at(end)) y1=(at(y - 3.0)) y2=(at(y + 3.0)) {}
        }
    }
}

/// What a cell says that has nothing to say.
pub fn reason(failure: Option<&str>) -> &'static str {
    if failure.is_some() { "failed (see below)" } else { NOTHING }
}

/// How many times the best a bar may be before it leaves the axis.
const CROWD: f64 = 5.0;
/// The width of a track.
const WIDE: f64 = 1000.0;
