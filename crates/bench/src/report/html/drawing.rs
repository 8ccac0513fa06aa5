//! What all drawings share: coordinates as text, the look of each allocator, places in the page.

use crate::report::units::group_name;
use crate::results::{Results, Row};
use crate::score::OURS;
use maud::{Markup, html};

/// A coordinate. What is no number is at the origin.
pub fn at(value: f64) -> String {
    let value = if value.is_finite() { value } else { 0.0 };
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

/// The numbers below a track, each at its place, a share of the track's width.
pub fn ticks(numbers: impl Iterator<Item = (f64, String)>) -> Markup {
    html! {
        div.ticks {
            @for (place, number) in numbers {
                span style=(format!("left:{}%", at(place * 100.0))) { (number) }
            }
        }
    }
}

/// The number of an allocator's colour and marker, the same in all pictures; ours has 0.
pub fn look(results: &Results, allocator: &str) -> usize {
    if allocator == OURS {
        return 0;
    }
    let peers = results.allocators.iter().filter(|own| own.name != OURS);
    1 + peers.map(|own| own.name.as_str()).position(|name| name == allocator).unwrap_or(LOOKS - 2)
        % (LOOKS - 1)
}

/// A marker at a place: colour and form go together, so that the form alone is enough for half of the looks.
pub fn marker(look: usize, x: f64, y: f64) -> Markup {
    let class = format!("mark s{look}");
    let path = |points: [(f64, f64); 4]| -> String {
        points.map(|(dx, dy)| format!("{},{}", at(x + dx), at(y + dy))).join(" ")
    };
    html! {
        @match look % 4 {
            0 => circle class=(class) cx=(at(x)) cy=(at(y)) r=(if look == 0 { "6" } else { "4.5" }) {},
            1 => rect class=(class) x=(at(x - 4.0)) y=(at(y - 4.0)) width="8" height="8" {},
            2 => polygon class=(class) points=(path([(0.0, -5.0), (5.0, 4.0), (-5.0, 4.0), (0.0, -5.0)])) {},
            _ => polygon class=(class) points=(path([(0.0, -5.5), (5.5, 0.0), (0.0, 5.5), (-5.5, 0.0)])) {},
        }
    }
}

/// Where a row's picture is in the page.
pub fn anchor(row: &Row) -> String {
    let threads = row.threads.map(|threads| format!("-{threads}")).unwrap_or_default();
    format!("row-{}-{}{threads}", group_name(row.group), slug(&row.workload))
}

/// A name as a part of an address: letters and digits as they are, anything else a hyphen.
pub fn slug(name: &str) -> String {
    name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect()
}

/// How many looks the style has.
const LOOKS: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn each_allocator_has_a_look_of_its_own() {
        let results = fixture::results();
        let mut looks: Vec<usize> = results.allocators.iter().map(|own| look(&results, &own.name)).collect();
        assert_eq!(looks[0], 0);
        looks.sort_unstable();
        looks.dedup();
        assert_eq!(looks.len(), results.allocators.len());
        assert!(looks.iter().all(|look| *look < LOOKS));
    }

    #[test]
    fn rows_have_places_of_their_own() {
        let mut places: Vec<String> = fixture::results().rows.iter().map(anchor).collect();
        assert!(places.iter().all(|place| place.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')));
        let count = places.len();
        places.sort();
        places.dedup();
        assert_eq!(places.len(), count);
    }
}
