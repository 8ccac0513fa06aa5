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
    Results {
        format: FORMAT,
        date: String::new(),
        kind: "quick".to_owned(),
        options: Vec::new(),
        loads: Vec::new(),
        seconds: 0.0,
        machine,
        allocators,
        missing: Vec::new(),
        rows,
    }
}

fn time(rows: Vec<Row>) -> Board {
    Board::new(&results(rows), Group::Own, Measure::Time)
}

fn mean(board: &Board, name: &str) -> f64 {
    board.of(name).unwrap().mean.unwrap()
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-12
}

#[test]
fn the_mean_of_two_rows_is_as_by_hand() {
    // Row one: the best peer is a with 2.0: ours 1.0 is 0.5, b 4.0 is 2.0. Row two: b with 1.0; ours 8.0, a 2.0.
    let one = row("one", vec![cell(OURS, &[1.0, 0.9, 1.1]), cell("a", &[2.0]), cell("b", &[4.0])]);
    let two = row("two", vec![cell(OURS, &[8.0]), cell("a", &[2.0]), cell("b", &[1.0])]);
    let board = time(vec![one, two]);
    let ours = board.of(OURS).unwrap();
    assert!(near(mean(&board, OURS), 2.0), "the root of 0.5 times 8: {ours:?}");
    assert_eq!((ours.worst, ours.worst_row.as_str(), ours.first, ours.rows), (8.0, "two", 1, 2));
    assert!(near(mean(&board, "a"), 2.0_f64.sqrt()));
    let a = board.of("a").unwrap();
    assert_eq!((a.worst, a.first), (2.0, 0), "ours was better than a in row one");
    assert!(near(mean(&board, "b"), 2.0_f64.sqrt()));
    assert_eq!(board.of("b").unwrap().first, 1);
    assert!(near(board.best_mean(), 2.0_f64.sqrt()));
    assert_eq!((board.best_peer().unwrap().0, board.left_out.len()), ("a", 0));
}

#[test]
fn a_tie_is_first_for_all_won_by_none_and_lost_by_none() {
    let tie = [1.0, 1.0, 1.0, 1.0];
    let results = results(vec![row("tie", vec![cell(OURS, &tie), cell("a", &tie), cell("b", &tie)])]);
    let board = Board::new(&results, Group::Own, Measure::Time);
    assert!(board.scores.iter().all(|own| (own.mean, own.first, own.won) == (Some(1.0), 1, 0)));
    assert!(losing(&results, Measure::Time, 0.0).is_empty());
}

#[test]
fn a_win_needs_the_distance_that_a_clear_loss_needs() {
    // The quartiles of 10, 12, 14, 16 are 11.5 and 14.5.
    let peer = |name: &str, least: f64| cell(name, &[least, least + 2.0, least + 4.0, least + 6.0]);
    let own = || peer(OURS, 10.0);
    let rows = vec![
        row("touch", vec![own(), peer("a", 13.0), peer("b", 30.0)]),
        row("clear", vec![own(), peer("a", 13.5), peer("b", 30.0)]),
        row("few", vec![own(), cell("a", &[90.0; 3]), cell("b", &[95.0; 4])]),
    ];
    let board = time(rows);
    let ours = board.of(OURS).unwrap();
    assert_eq!((ours.won, ours.first), (1, 3), "a's low quartile is 14.5, 15, and from three rounds");
    assert_eq!(board.of("a").unwrap().won, 0);
}

#[test]
fn who_finished_less_than_half_is_not_compared() {
    let both = |name: &str| row(name, vec![cell(OURS, &[1.0]), cell("a", &[2.0])]);
    let three = row("three", vec![cell(OURS, &[3.0]), cell("a", &[1.0]), cell("b", &[6.0])]);
    let board = time(vec![both("one"), both("two"), three]);
    let b = board.of("b").unwrap();
    assert_eq!((b.mean, b.worst, b.rows, b.first), (None, 6.0, 1, 0));
    assert_eq!((board.rows, board.left_out.len()), (3, 0), "its gaps leave out no row");
    assert!(near(mean(&board, OURS), 0.75_f64.cbrt()), "0.5 times 0.5 times 3");
}

#[test]
fn a_hard_row_that_one_failed_makes_nobodys_mean_better() {
    // In the hard row a has 3.0 and ours 9.0; b failed there, and is in half of the rows or more.
    let easy = row("easy", vec![cell(OURS, &[2.0]), cell("a", &[4.0]), cell("b", &[1.0])]);
    let hard = row("hard", vec![cell(OURS, &[9.0]), cell("a", &[3.0]), broken("b")]);
    let results = results(vec![easy, hard]);
    let board = Board::new(&results, Group::Own, Measure::Time);
    assert_eq!([mean(&board, OURS), mean(&board, "a"), mean(&board, "b")], [2.0, 4.0, 1.0]);
    assert_eq!((board.rows, board.left_out.as_slice()), (2, ["hard".to_owned()].as_slice()));
    assert_eq!(board.of(OURS).unwrap().worst, 3.0, "the worst of all rows, not of the common ones");
    assert_eq!(part(&results, Group::Own, "b"), Part { rows: 2, ran: 1, failed: 1 });
    assert_eq!(part(&results, Group::Real, "b"), Part::default());
}

#[test]
fn groups_do_not_mix() {
    let own = row("one", vec![cell(OURS, &[2.0]), cell("a", &[1.0])]);
    let mut real = row("two", vec![cell(OURS, &[1.0]), cell("a", &[1.0])]);
    real.group = Group::Real;
    let results = results(vec![own, real]);
    let of = |group| mean(&Board::new(&results, group, Measure::Time), OURS);
    assert_eq!((of(Group::Own), of(Group::Real)), (2.0, 1.0));
    assert!(Board::new(&results, Group::Musl, Measure::Time).scores.is_empty());
}

#[test]
fn a_row_with_one_peer_has_it_as_the_base() {
    let results = results(vec![row("one", vec![cell(OURS, &[3.0]), cell("b", &[2.0])])]);
    assert_eq!(best_peer(&results.rows[0], Measure::Time), Some(("b", 2.0)));
    let board = Board::new(&results, Group::Own, Measure::Time);
    assert_eq!((mean(&board, OURS), mean(&board, "b")), (1.5, 1.0));
    assert_eq!(board.of("a"), None);
    let losses = losing(&results, Measure::Time, 0.01);
    assert_eq!((losses.len(), losses[0].peer, losses[0].own.ratio), (1, "b", 1.5));
}

#[test]
fn whoever_is_alone_wins_nothing() {
    let ours = results(vec![row("one", vec![cell(OURS, &[3.0; 4]), broken("a")])]);
    let board = Board::new(&ours, Group::Own, Measure::Time);
    assert_eq!((board.scores.len(), board.rows), (0, 0));
    assert!(figures(&ours.rows[0], Measure::Time)[0].1.unwrap().ratio.is_nan());
    let peer = results(vec![row("one", vec![broken(OURS), cell("a", &[1.0; 4])])]);
    assert!(Board::new(&peer, Group::Own, Measure::Time).scores.is_empty());
}

#[test]
fn a_failure_of_ours_is_told_and_has_no_figure() {
    let two = row("two", vec![broken(OURS), cell("a", &[1.0]), cell("b", &[2.0])]);
    let one = row("one", vec![cell(OURS, &[1.0]), cell("a", &[2.0])]);
    let mut half = cell(OURS, &[0.1; 4]);
    half.failure = Some("a wrong checksum in round 5".to_owned());
    let three = row("three", vec![half, cell("a", &[1.0; 4])]);
    let results = results(vec![one, two, three]);
    let board = Board::new(&results, Group::Own, Measure::Time);
    let ours = board.of(OURS).unwrap();
    assert_eq!((ours.rows, ours.first, ours.won), (1, 1, 0), "the samples of a wrong result do not win");
    assert_eq!(part(&results, Group::Own, OURS), Part { rows: 3, ran: 1, failed: 2 });
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
    let noisy = row("noisy", vec![cell(OURS, &[0.9, 1.1, 1.3, 1.5]), cell("a", &[0.8, 1.0, 1.2, 1.4])]);
    let clear = row("clear", vec![cell(OURS, &[1.2, 1.3, 1.4, 1.5]), cell("a", &[0.8, 0.9, 1.0, 1.1])]);
    let few = row("few", vec![cell(OURS, &[9.0, 9.1, 9.2]), cell("a", &[0.8, 0.9, 1.0, 1.1])]);
    let results = results(vec![noisy, clear, few]);
    let losses = losing(&results, Measure::Time, 0.01);
    let spread: Vec<(&str, Spread)> =
        losses.iter().map(|loss| (loss.row.workload.as_str(), loss.spread())).collect();
    assert_eq!(spread, [("few", Spread::Few), ("clear", Spread::Apart), ("noisy", Spread::Touch)]);
    assert_eq!(rounds(&results.rows[2]), (3, 4));
}

#[test]
fn a_row_that_waits_has_neither_time_nor_peak() {
    let mut waits = row("idle", vec![cell(OURS, &[10.0]), cell("a", &[10.0])]);
    waits.timed = false;
    waits.cells[0].samples[0].peak_rss = 9 * MIB;
    let untimed = waits.clone();
    waits.cells[0].samples[0].idle_rss = Some(2 * MIB);
    waits.cells[1].samples[0].idle_rss = Some(MIB);
    waits.cells[0].samples[0].end_rss = Some(3 * MIB);
    waits.cells[1].samples[0].end_rss = Some(2 * MIB);
    let results = results(vec![waits, untimed]);
    let counted = |number: usize| {
        [Measure::Time, Measure::Peak, Measure::End, Measure::Idle]
            .map(|measure| counts(&results.rows[number], measure))
    };
    assert_eq!(counted(0), [false, false, true, true]);
    assert_eq!(counted(1), [false, true, false, false], "it ran in turn");
    assert_eq!(losing(&results, Measure::Idle, 0.01)[0].own.ratio, 2.0);
    assert_eq!(losing(&results, Measure::End, 0.01)[0].own.ratio, 1.5);
    assert_eq!(losing(&results, Measure::Peak, 0.01).len(), 1, "the row that does not wait");
    assert_eq!(Board::new(&results, Group::Own, Measure::Peak).rows, 1);
}

#[test]
fn one_read_from_disk_in_any_round_is_told() {
    let mut reads = row("one", vec![cell(OURS, &[1.0; 4]), cell("a", &[1.0; 4])]);
    assert!(readers(&reads).is_empty());
    reads.cells[1].samples[2].major_faults = 1;
    assert_eq!(readers(&reads), ["a"]);
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
