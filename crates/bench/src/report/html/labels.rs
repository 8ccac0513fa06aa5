//! Labels that do not lie on each other.

/// A box in a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    /// Its left edge.
    pub x: f64,
    /// Its upper edge.
    pub y: f64,
    /// How wide it is.
    pub width: f64,
    /// How high it is.
    pub height: f64,
}

impl Area {
    fn touches(&self, other: &Area) -> bool {
        self.x < other.x + other.width
            && other.x < self.x + self.width
            && self.y < other.y + other.height
            && other.y < self.y + self.height
    }

    fn holds(&self, other: &Area) -> bool {
        other.x >= self.x
            && other.y >= self.y
            && other.x + other.width <= self.x + self.width
            && other.y + other.height <= self.y + self.height
    }
}

/// The width of a text, estimated upwards: no reader's font is known.
pub fn width(text: &str, size: f64) -> f64 {
    text.chars().count() as f64 * size * 0.62
}

/// Places a label of `sizes[i]` (width, height) near `points[i]`: inside `within`, on no point and on no other label,
/// nor in any of `taken`. The nearest free place wins; where all is full, the label is beside its point.
///
/// Who is placed first has the choice: several orders are tried, and the one with the shortest ways is taken.
pub fn place(points: &[(f64, f64)], sizes: &[(f64, f64)], within: Area, taken: &[Area]) -> Vec<Area> {
    let dot = |(x, y): &(f64, f64)| Area { x: x - 6.0, y: y - 6.0, width: 12.0, height: 12.0 };
    let dots: Vec<Area> = points.iter().map(dot).collect();
    let crowd = Crowd { points, sizes, within, dots, taken };
    let tries = orders(points).into_iter().map(|order| crowd.place(&order));
    tries.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(placed, _)| placed).unwrap_or_default()
}

/// Orders from each side, each begun at each point.
fn orders(points: &[(f64, f64)]) -> Vec<Vec<usize>> {
    let sorted = |key: &dyn Fn(usize) -> f64| {
        let mut order: Vec<usize> = (0..points.len()).collect();
        order.sort_by(|a, b| key(*a).total_cmp(&key(*b)));
        order
    };
    let sides = [
        sorted(&|index| points[index].0),
        sorted(&|index| -points[index].0),
        sorted(&|index| points[index].1),
        sorted(&|index| -points[index].1),
    ];
    let turned = |side: Vec<usize>| {
        (0..side.len()).map(move |first| {
            let mut order = side.clone();
            order.rotate_left(first);
            order
        })
    };
    sides.into_iter().flat_map(turned).collect()
}

/// Points that want labels.
struct Crowd<'a> {
    points: &'a [(f64, f64)],
    sizes: &'a [(f64, f64)],
    within: Area,
    dots: Vec<Area>,
    taken: &'a [Area],
}

impl Crowd<'_> {
    /// The places in one order, and how far they are from their points, faults weighed heavily.
    fn place(&self, order: &[usize]) -> (Vec<Area>, f64) {
        let mut placed: Vec<(usize, Area)> = Vec::new();
        let mut leaders: Vec<Area> = Vec::new();
        let mut cost = 0.0;
        for &index in order {
            let (point, size) = (self.points[index], self.sizes[index]);
            let labels = || placed.iter().map(|(_, area)| area);
            let free = |area: &Area| {
                self.within.holds(area)
                    && !touched(area, self.dots.iter().chain(self.taken).chain(labels()))
                    && !touched(area, leaders.iter())
            };
            // The first choice also has a clear way from the label to its dot; dots on its own are in any way.
            let others = || self.dots.iter().filter(|dot| !dot.touches(&self.dots[index]));
            let crossed = |step: &Area| touched(step, others().chain(labels()).chain(&leaders));
            let clear = |area: &Area| free(area) && !way(point, area).iter().any(crossed);
            let (chosen, fault) = match around(point, size).find(clear) {
                Some(area) => (area, 0.0),
                None => match around(point, size).find(free) {
                    Some(area) => (area, 1e3),
                    None => (beside(point, size, self.within), 1e6),
                },
            };
            cost += fault + distance(point, &chosen);
            leaders.extend(way(point, &chosen));
            placed.push((index, chosen));
        }
        placed.sort_by_key(|(index, _)| *index);
        (placed.into_iter().map(|(_, area)| area).collect(), cost)
    }
}

fn distance((x, y): (f64, f64), area: &Area) -> f64 {
    let (end_x, end_y) = (x.clamp(area.x, area.x + area.width), y.clamp(area.y, area.y + area.height));
    (end_x - x).hypot(end_y - y)
}

fn touched<'a>(area: &Area, mut by: impl Iterator<Item = &'a Area>) -> bool {
    by.any(|other| other.touches(area))
}

/// Small boxes on the line from a point to its label.
fn way((x, y): (f64, f64), area: &Area) -> [Area; STEPS] {
    let (end_x, end_y) = (x.clamp(area.x, area.x + area.width), y.clamp(area.y, area.y + area.height));
    std::array::from_fn(|step| {
        let share = step as f64 / STEPS as f64;
        Area { x: x + (end_x - x) * share - 1.0, y: y + (end_y - y) * share - 1.0, width: 2.0, height: 2.0 }
    })
}

/// Places about a point: right and left first, then above, below and the corners, further and further away.
fn around((x, y): (f64, f64), (width, height): (f64, f64)) -> impl Iterator<Item = Area> {
    const DIRECTIONS: [(f64, f64); 24] = [
        (1.0, 0.0),
        (-1.0, 0.0),
        (0.0, -1.0),
        (0.0, 1.0),
        (1.0, -0.7),
        (1.0, 0.7),
        (-1.0, -0.7),
        (-1.0, 0.7),
        (0.5, -1.0),
        (0.5, 1.0),
        (-0.5, -1.0),
        (-0.5, 1.0),
        (1.0, -0.35),
        (1.0, 0.35),
        (-1.0, -0.35),
        (-1.0, 0.35),
        (1.0, -1.0),
        (1.0, 1.0),
        (-1.0, -1.0),
        (-1.0, 1.0),
        (0.8, -1.0),
        (0.8, 1.0),
        (-0.8, -1.0),
        (-0.8, 1.0),
    ];
    (0..14).flat_map(move |ring| {
        let distance = 8.0 + 7.0 * f64::from(ring);
        DIRECTIONS.into_iter().map(move |(dx, dy)| {
            let centre = (x + dx * (distance + width / 2.0), y + dy * (distance + height / 2.0));
            Area { x: centre.0 - width / 2.0, y: centre.1 - height / 2.0, width, height }
        })
    })
}

fn beside((x, y): (f64, f64), (width, height): (f64, f64), within: Area) -> Area {
    let x = (x + 8.0).min(within.x + within.width - width).max(within.x);
    Area { x, y: y - height / 2.0, width, height }
}

/// Moves heights apart, as little as needed: at least `gap` between neighbours, between `low` and `high` where there
/// is room. The order stays.
pub fn spread(heights: &[f64], gap: f64, low: f64, high: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..heights.len()).collect();
    order.sort_by(|a, b| heights[*a].total_cmp(&heights[*b]));
    let mut moved = heights.to_vec();
    let mut least = low;
    for index in &order {
        moved[*index] = moved[*index].max(least);
        least = moved[*index] + gap;
    }
    let mut most = high;
    for index in order.iter().rev() {
        moved[*index] = moved[*index].min(most);
        most = moved[*index] - gap;
    }
    moved
}

/// The boxes on a leader.
const STEPS: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    const PLOT: Area = Area { x: 0.0, y: 0.0, width: 360.0, height: 300.0 };

    #[test]
    fn labels_of_a_crowd_lie_apart() {
        let points: Vec<(f64, f64)> =
            (0..12).map(|i| (150.0 + f64::from(i % 4) * 3.0, 140.0 + f64::from(i) * 2.0)).collect();
        let sizes = vec![(70.0, 14.0); points.len()];
        let placed = place(&points, &sizes, PLOT, &[]);
        for (index, area) in placed.iter().enumerate() {
            assert!(PLOT.holds(area), "{area:?}");
            assert!(!placed[..index].iter().any(|other| other.touches(area)), "{area:?} of {placed:?}");
        }
    }

    #[test]
    fn a_leader_crosses_no_other_label() {
        let points = [(100.0, 100.0), (104.0, 102.0), (108.0, 104.0), (112.0, 98.0), (100.0, 110.0)];
        let placed = place(&points, &[(70.0, 14.0); 5], PLOT, &[]);
        for (index, point) in points.iter().enumerate() {
            for step in way(*point, &placed[index]) {
                let others = placed.iter().enumerate().filter(|(other, _)| *other != index);
                assert!(!touched(&step, others.map(|(_, area)| area)), "{index} of {placed:?}");
            }
        }
    }

    #[test]
    fn a_lone_label_is_to_the_right_unless_it_leaves_the_plot() {
        let alone = place(&[(100.0, 100.0)], &[(60.0, 14.0)], PLOT, &[]);
        assert_eq!(alone, [Area { x: 108.0, y: 93.0, width: 60.0, height: 14.0 }]);
        let edge = place(&[(340.0, 100.0)], &[(60.0, 14.0)], PLOT, &[]);
        assert_eq!(edge[0].x + edge[0].width, 332.0);
    }

    #[test]
    fn heights_move_apart_and_stay_inside() {
        assert_eq!(spread(&[10.0, 50.0], 12.0, 0.0, 100.0), [10.0, 50.0]);
        assert_eq!(spread(&[50.0, 50.0, 49.0], 12.0, 0.0, 100.0), [61.0, 73.0, 49.0]);
        assert_eq!(spread(&[99.0, 100.0], 12.0, 0.0, 100.0), [88.0, 100.0]);
    }
}
