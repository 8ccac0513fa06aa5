use super::*;
use crate::results::{Allocator, FORMAT, Machine};

const MIB: u64 = 1 << 20;

fn cell(allocator: &str, walls: &[f64]) -> Cell {
    let sample = |wall: &f64| Sample { wall: *wall, peak_rss: 8 * MIB, ..Sample::default() };
    Cell { allocator: allocator.to_owned(), samples: walls.iter().map(sample).collect(), failure: None }
}

fn broken(allocator: &str) -> Cell {
    Cell { allocator: allocator.to_owned(), samples: Vec::new(), failure: Some("it crashed".to_owned()) }
}

fn row(workload: &str, cells: Vec<Cell>) -> Row {
    let (group, threads) = (Group::Own, None);
    Row { group, workload: workload.to_owned(), threads, about: String::new(), timed: true, cells }
}

fn results(rows: Vec<Row>) -> Results {
    let allocator = |name: &str| Allocator {
        name: name.to_owned(),
        version: String::new(),
        origin: String::new(),
        sha256: None,
        environment: Vec::new(),
    };
    let machine = Machine {
        processor: String::new(),
        cores: 2,
        memory: 0,
        kernel: String::new(),
        system: String::new(),
        page: 4096,
        huge_pages: String::new(),
        rustc: String::new(),
        cc: String::new(),
        commit: String::new(),
        load: 0.0,
    };
    let allocators = [OURS, "a", "b"].map(allocator).into();
    let (date, kind) = (String::new(), "quick".to_owned());
    Results { format: FORMAT, date, kind, seconds: 0.0, machine, allocators, missing: Vec::new(), rows }
}

fn of<'a>(scores: &'a [Score], name: &str) -> Option<&'a Score> {
    scores.iter().find(|score| score.allocator == name)
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-12
}

#[test]
fn the_mean_of_two_rows_is_as_by_hand() {
    // Row one: the best peer is a with 2.0: ours 1.0 is 0.5, b 4.0 is 2.0. Row two: b with 1.0; ours 8.0, a 2.0.
    let one = row("one", vec![cell(OURS, &[1.0, 0.9, 1.1]), cell("a", &[2.0]), cell("b", &[4.0])]);
    let two = row("two", vec![cell(OURS, &[8.0]), cell("a", &[2.0]), cell("b", &[1.0])]);
    let results = results(vec![one, two]);
    let scores = scores(&results, &[Group::Own], Measure::Time);
    let ours = of(&scores, OURS).unwrap();
    assert!(near(ours.mean, 2.0), "the root of 0.5 times 8: {ours:?}");
    assert_eq!((ours.worst, ours.worst_row.as_str(), ours.won, ours.rows), (8.0, "two", 1, 2));
    let a = of(&scores, "a").unwrap();
    assert!(near(a.mean, 2.0_f64.sqrt()));
    assert_eq!((a.worst, a.won), (2.0, 0), "ours was better than a in row one");
    assert!(near(of(&scores, "b").unwrap().mean, 2.0_f64.sqrt()));
    assert_eq!(of(&scores, "b").unwrap().won, 1);
}

#[test]
fn a_tie_is_won_by_both_and_lost_by_none() {
    let results = results(vec![row("tie", vec![cell(OURS, &[1.0]), cell("a", &[1.0]), cell("b", &[1.0])])]);
    let scores = scores(&results, &[Group::Own], Measure::Time);
    assert!(scores.iter().all(|score| near(score.mean, 1.0) && score.won == 1 && score.rows == 1));
    assert!(losing(&results, Measure::Time, 0.0).is_empty());
}

#[test]
fn a_missing_cell_counts_for_nobody() {
    let one = row("one", vec![cell(OURS, &[1.0]), cell("a", &[2.0])]);
    let two = row("two", vec![cell(OURS, &[3.0]), cell("a", &[1.0]), cell("b", &[6.0])]);
    let scores = scores(&results(vec![one, two]), &[Group::Own], Measure::Time);
    let b = of(&scores, "b").unwrap();
    assert_eq!((b.mean, b.rows, b.won, b.failed), (6.0, 1, 0, 0));
    assert_eq!(of(&scores, "a").unwrap().rows, 2);
}

#[test]
fn a_row_with_one_peer_has_it_as_the_base() {
    let results = results(vec![row("one", vec![cell(OURS, &[3.0]), cell("b", &[2.0])])]);
    assert_eq!(best_peer(&results.rows[0], Measure::Time), Some(("b", 2.0)));
    let scores = scores(&results, &[Group::Own], Measure::Time);
    assert_eq!(of(&scores, OURS).unwrap().mean, 1.5);
    assert_eq!(of(&scores, "b").unwrap().mean, 1.0);
    assert_eq!(of(&scores, "a"), None);
    let losses = losing(&results, Measure::Time, 0.01);
    assert_eq!((losses.len(), losses[0].peer, losses[0].own.ratio), (1, "b", 1.5));
}

#[test]
fn whoever_is_alone_wins_nothing() {
    let ours = results(vec![row("one", vec![cell(OURS, &[3.0]), broken("a")])]);
    assert!(scores(&ours, &[Group::Own], Measure::Time).is_empty());
    assert!(figures(&ours.rows[0], Measure::Time)[0].1.unwrap().ratio.is_nan());
    let peer = results(vec![row("one", vec![broken(OURS), cell("a", &[1.0])])]);
    assert!(scores(&peer, &[Group::Own], Measure::Time).is_empty());
}

#[test]
fn a_failure_of_ours_is_told_and_has_no_figure() {
    let two = row("two", vec![broken(OURS), cell("a", &[1.0]), cell("b", &[2.0])]);
    let one = row("one", vec![cell(OURS, &[1.0]), cell("a", &[2.0])]);
    let mut half = cell(OURS, &[0.1, 0.1]);
    half.failure = Some("a wrong checksum in round 3".to_owned());
    let three = row("three", vec![half, cell("a", &[1.0])]);
    let results = results(vec![one, two, three]);
    let scores = scores(&results, &[Group::Own], Measure::Time);
    let ours = of(&scores, OURS).unwrap();
    assert_eq!((ours.rows, ours.failed, ours.won), (1, 2, 1), "the samples of a wrong result do not win");
    let told: Vec<&str> = failing(&results).iter().map(|(row, _)| row.workload.as_str()).collect();
    assert_eq!(told, ["two", "three"]);
    assert!(losing(&results, Measure::Time, 0.0).is_empty());
}

#[test]
fn losses_come_worst_first_and_above_the_threshold() {
    let rows = [("small", 1.04), ("large", 3.0), ("middle", 1.2)];
    let rows = rows.map(|(name, own)| row(name, vec![cell(OURS, &[own]), cell("a", &[1.0])]));
    let results = results(rows.into());
    let names = |least| -> Vec<String> {
        losing(&results, Measure::Time, least).iter().map(|loss| loss.row.workload.clone()).collect()
    };
    assert_eq!(names(0.05), ["large", "middle"]);
    assert_eq!(names(0.01), ["large", "middle", "small"]);
}

#[test]
fn a_loss_inside_the_spread_is_told_apart() {
    let noisy = row("noisy", vec![cell(OURS, &[0.9, 1.1, 1.3]), cell("a", &[0.8, 1.0, 1.2])]);
    let clear = row("clear", vec![cell(OURS, &[1.2, 1.3, 1.4]), cell("a", &[0.9, 1.0, 1.1])]);
    let results = results(vec![noisy, clear]);
    let losses = losing(&results, Measure::Time, 0.01);
    let spread: Vec<(&str, bool)> =
        losses.iter().map(|loss| (loss.row.workload.as_str(), loss.within_spread())).collect();
    assert_eq!(spread, [("clear", false), ("noisy", true)]);
}

#[test]
fn a_row_that_waits_has_no_time_but_memory() {
    let mut waits = row("idle", vec![cell(OURS, &[10.0]), cell("a", &[10.0])]);
    waits.timed = false;
    waits.cells[0].samples[0].idle_rss = Some(2 * MIB);
    waits.cells[1].samples[0].idle_rss = Some(MIB);
    let results = results(vec![waits]);
    assert!(!counts(&results.rows[0], Measure::Time));
    assert!(counts(&results.rows[0], Measure::Peak));
    assert_eq!(losing(&results, Measure::Idle, 0.01)[0].own.ratio, 2.0);
    assert!(scores(&results, &[Group::Own], Measure::Time).is_empty());
    assert_eq!(scores(&results, &[Group::Own], Measure::Peak).len(), 2);
}

#[test]
fn quantiles_of_single_calls_are_medians_of_the_rounds() {
    let mut own = cell("a", &[1.0, 1.0, 1.0]);
    for (sample, p50) in own.samples.iter_mut().zip([10, 30, 20]) {
        let malloc = Quantiles { p50, p99: 100, p999: 1000, max: 10_000 * p50 };
        sample.latency = Some(Latency { malloc, free: Quantiles { p50: 2 * p50, ..malloc } });
    }
    let middle = latency(&own).unwrap();
    assert_eq!((middle.malloc.p50, middle.malloc.max, middle.free.p50), (20, 200_000, 40));
    own.failure = Some("it crashed".to_owned());
    assert!(latency(&own).is_none());
    assert!(latency(&cell("a", &[1.0])).is_none());
}
