//! The table on the terminal: the rows where ours loses, the ratios, the scores, what is missing.
//!
//! A line is made of pieces without colour that fit the width; colour is put around a piece when it is whole.

use crate::report::units::{GROUPS, NOTHING, Unit, group_title, kind, loads, measure_title, options, rounds};
use crate::results::{Group, Results, Row};
use crate::score::{self, Board, Loss, Measure, OURS, Score, Spread};
use heapwright_measure::statistics::LEAST;
use std::fmt::Write as _;

/// The text, `width` columns wide, with colours if `colour`: green the best, red above [`RED`], bold what is ours.
/// Narrower than [`NARROWEST`] it is not made.
pub fn table(results: &Results, width: usize, colour: bool) -> String {
    let mut paper = Paper { text: String::new(), width: width.max(NARROWEST), colour };
    let machine = &results.machine;
    let title = format!(
        "Heapwright beside its peers: {}, {}, {} on {} cores, commit {}",
        kind(results),
        results.date,
        machine.processor,
        machine.cores,
        machine.commit
    );
    paper.wrapped(&title, 0, Style::Bold);
    paper.wrapped(&format!("Options: {}", options(results)), 2, Style::Plain);
    paper.wrapped(
        &format!("Load average at the beginning of each round: {}", loads(results)),
        2,
        Style::Plain,
    );
    losing(&mut paper, results);
    for measure in [Measure::Time, Measure::Peak, Measure::End, Measure::Idle] {
        ratios(&mut paper, results, measure);
    }
    scores(&mut paper, results);
    readers(&mut paper, results);
    missing(&mut paper, results);
    paper.text
}

/// How a piece looks.
#[derive(Clone, Copy, PartialEq)]
enum Style {
    Plain,
    Bold,
    Good,
    Bad,
    OursGood,
    OursBad,
}

impl Style {
    fn code(self) -> Option<&'static str> {
        match self {
            Style::Plain => None,
            Style::Bold => Some("1"),
            Style::Good => Some("32"),
            Style::Bad => Some("31"),
            Style::OursGood => Some("1;32"),
            Style::OursBad => Some("1;31"),
        }
    }

    fn of(name: &str, best: bool, ratio: f64) -> Style {
        match (name == OURS, best, ratio > RED) {
            (true, true, _) => Style::OursGood,
            (true, false, true) => Style::OursBad,
            (true, false, false) => Style::Bold,
            (false, true, _) => Style::Good,
            (false, false, true) => Style::Bad,
            (false, false, false) => Style::Plain,
        }
    }
}

/// What is written on.
struct Paper {
    text: String,
    width: usize,
    colour: bool,
}

impl Paper {
    fn piece(&mut self, text: &str, style: Style) {
        // Blanks stay outside of the colour: a terminal may draw them.
        let body = text.trim_start();
        self.text.push_str(&text[..text.len() - body.len()]);
        let written = match style.code() {
            Some(code) if self.colour && !body.is_empty() => write!(self.text, "\x1b[{code}m{body}\x1b[0m"),
            _ => write!(self.text, "{body}"),
        };
        debug_assert!(written.is_ok(), "a string takes all");
    }

    fn end(&mut self) {
        self.text.push('\n');
    }

    fn heading(&mut self, text: &str) {
        self.end();
        self.wrapped(text, 0, Style::Bold);
    }

    /// A text of any length, broken between words, the later lines indented.
    fn wrapped(&mut self, text: &str, indent: usize, style: Style) {
        for (number, line) in wrap(text, self.width - indent).iter().enumerate() {
            let margin = if number == 0 { 0 } else { indent };
            self.piece(&format!("{:margin$}{line}", ""), style);
            self.end();
        }
    }
}

fn losing(paper: &mut Paper, results: &Results) {
    paper.heading(&format!(
        "Where Heapwright loses by more than {:.0} % (~ where the quartiles touch: it may be noise; ? where one \
        of the two has fewer than {} rounds)",
        LEAST * 100.0,
        score::ENOUGH
    ));
    let mut none = true;
    for (row, reason) in score::failing(results) {
        none = false;
        paper.wrapped(&format!("failed {}: {reason}", row.title()), 2, Style::Bad);
    }
    for measure in [Measure::Time, Measure::Peak, Measure::End, Measure::Idle] {
        let losses = score::losing(results, measure, LEAST);
        if losses.is_empty() {
            continue;
        }
        none = false;
        let rows = score::counting(results, &GROUPS, measure).len();
        let title = format!("{}: {} of {rows} rows", measure_title(measure), losses.len());
        paper.wrapped(&title, 2, Style::Plain);
        for loss in &losses {
            line(paper, loss, measure);
        }
    }
    if none {
        paper.wrapped("in no row", 0, Style::Plain);
    }
}

fn line(paper: &mut Paper, loss: &Loss<'_>, measure: Measure) {
    let unit = Unit::of(measure, loss.own.median);
    let noise = match loss.spread() {
        Spread::Apart => " ",
        Spread::Touch => "~",
        Spread::Few => "?",
    };
    let own = format!("{:>7}{noise}", number(loss.own.ratio));
    let (ours, best) = (unit.say(loss.own.median), unit.say(loss.best.median));
    let both = format!("{ours} against {best} of {}; {}", loss.peer, rounds(loss.row));
    let wide = (paper.width / 3).max(12);
    let rest = paper.width - wide - 2 - own.chars().count() - 2;
    paper.piece(&format!("  {}", left(&loss.row.title(), wide)), Style::Plain);
    paper.piece(&own, if loss.own.ratio > RED { Style::Bad } else { Style::Plain });
    paper.piece(&format!("  {}", cut(&both, rest)), Style::Plain);
    paper.end();
}

fn ratios(paper: &mut Paper, results: &Results, measure: Measure) {
    let rows = score::counting(results, &GROUPS, measure);
    if rows.is_empty() {
        return;
    }
    let names: Vec<&str> = results.allocators.iter().map(|own| own.name.as_str()).collect();
    let names: Vec<&str> = names
        .into_iter()
        .filter(|name| rows.iter().any(|row| row.cells.iter().any(|cell| cell.allocator == *name)))
        .collect();
    paper.heading(&format!("{}, to the best peer of the row", measure_title(measure)));
    let longest = rows.iter().map(|row| row.title().chars().count()).max().unwrap_or(0);
    let first = longest.clamp(8, paper.width / 3);
    for block in blocks(&names, paper.width - first) {
        head(paper, first, &block);
        for group in GROUPS {
            for row in rows.iter().filter(|row| row.group == group) {
                ratio_line(paper, row, measure, first, &block);
            }
        }
        if block.last() != names.last() {
            paper.end();
        }
    }
}

/// The names in as many blocks as the width asks for, ours at the head of each.
fn blocks<'a>(names: &[&'a str], width: usize) -> Vec<Vec<&'a str>> {
    let ours = names.iter().copied().find(|name| *name == OURS);
    let peers = names.iter().copied().filter(|name| *name != OURS);
    let mut blocks: Vec<Vec<&str>> = vec![ours.into_iter().collect()];
    let mut used = ours.map_or(0, column);
    for peer in peers {
        let fresh = blocks.last().is_none_or(|block| block.iter().all(|name| *name == OURS));
        if used + column(peer) > width && !fresh {
            blocks.push(ours.into_iter().collect());
            used = ours.map_or(0, column);
        }
        if let Some(block) = blocks.last_mut() {
            block.push(peer);
        }
        used += column(peer);
    }
    blocks
}

fn head(paper: &mut Paper, first: usize, names: &[&str]) {
    paper.piece(&left("", first), Style::Plain);
    for name in names {
        let style = if *name == OURS { Style::Bold } else { Style::Plain };
        paper.piece(&right(&cut(name, LONGEST), column(name)), style);
    }
    paper.end();
}

fn ratio_line(paper: &mut Paper, row: &Row, measure: Measure, first: usize, names: &[&str]) {
    let figures = score::figures(row, measure);
    let least = figures.iter().filter_map(|(_, own)| Some((*own)?.median)).fold(f64::INFINITY, f64::min);
    paper.piece(&left(&row.title(), first), Style::Plain);
    for name in names {
        let own = figures.iter().find(|(other, _)| other == name);
        let (text, style) = match own {
            Some((_, Some(own))) => (number(own.ratio), Style::of(name, own.median <= least, own.ratio)),
            _ if score::failure(row, name).is_some() => {
                ("fail".to_owned(), Style::of(name, false, f64::INFINITY))
            }
            _ => (NOTHING.to_owned(), Style::Plain),
        };
        paper.piece(&right(&text, column(name)), style);
    }
    paper.end();
}

fn scores(paper: &mut Paper, results: &Results) {
    paper.heading(
        "Scores: geometric mean of the ratios over the rows that all compared finished, worst ratio, clear wins",
    );
    for group in GROUPS.into_iter().filter(|group| results.rows.iter().any(|row| row.group == *group)) {
        board(paper, results, group);
    }
}

fn board(paper: &mut Paper, results: &Results, group: Group) {
    let boards = [Measure::Time, Measure::Peak].map(|measure| Board::new(results, group, measure));
    paper.wrapped(group_title(group), 0, Style::Plain);
    // The numbers take 49 columns.
    let names = (paper.width - 49).min(LONGEST + 1);
    let titles = format!("{:<names$}{:>7}{:>7}{:>7}{:>6}{:>4}", "", "run", "failed", "time", "worst", "won");
    paper.piece(
        &cut(&format!("{titles}{:>8}{:>6}{:>4}", "memory", "worst", "won"), paper.width),
        Style::Plain,
    );
    paper.end();
    for own in &results.allocators {
        let part = score::part(results, group, &own.name);
        if part.ran + part.failed == 0 {
            continue;
        }
        let style = if own.name == OURS { Style::Bold } else { Style::Plain };
        paper.piece(&left(&own.name, names), style);
        paper.piece(&right(&format!("{}/{}", part.ran, part.rows), 7), Style::Plain);
        paper.piece(&right(&part.failed.to_string(), 7), Style::Plain);
        for (board, wide) in boards.iter().zip([7, 8]) {
            measured(paper, board.of(&own.name), board.best_mean(), wide);
        }
        paper.end();
    }
    for (board, measure) in boards.iter().zip([Measure::Time, Measure::Peak]) {
        if !board.left_out.is_empty() {
            let rows = board.left_out.join(", ");
            let text = format!("{}: not in the means, as one has no figure: {rows}", measure_title(measure));
            paper.wrapped(&text, 2, Style::Plain);
        }
    }
}

fn measured(paper: &mut Paper, score: Option<&Score>, best: f64, wide: usize) {
    let Some(own) = score else {
        paper.piece(&right(NOTHING, wide), Style::Plain);
        paper.piece(&right("", 10), Style::Plain);
        return;
    };
    let mean = own.mean.unwrap_or(f64::NAN);
    let style = Style::of(&own.allocator, mean.total_cmp(&best).is_eq(), mean);
    paper.piece(&right(&number(mean), wide), style);
    paper.piece(&format!("{}{:>4}", right(&number(own.worst), 6), own.won), Style::Plain);
}

fn readers(paper: &mut Paper, results: &Results) {
    let rows: Vec<&Row> = results.rows.iter().filter(|row| !score::readers(row).is_empty()).collect();
    if rows.is_empty() {
        return;
    }
    paper.heading("Read from disk in some round (major page faults): the time is in part the disk's");
    for row in rows {
        paper.wrapped(&format!("{}: {}", row.title(), score::readers(row).join(", ")), 2, Style::Plain);
    }
}

fn missing(paper: &mut Paper, results: &Results) {
    paper.heading("Missing");
    if results.missing.is_empty() {
        paper.wrapped("nobody", 0, Style::Plain);
    }
    for own in &results.missing {
        paper.wrapped(&format!("{}: {}", own.name, own.reason), 2, Style::Plain);
    }
    for row in &results.rows {
        for cell in row.cells.iter().filter(|cell| cell.allocator != OURS) {
            if let Some(reason) = &cell.failure {
                paper.wrapped(
                    &format!("{} failed in {}: {reason}", cell.allocator, row.title()),
                    2,
                    Style::Plain,
                );
            }
        }
    }
}

/// A ratio without its sign.
fn number(ratio: f64) -> String {
    match ratio {
        _ if !ratio.is_finite() => NOTHING.to_owned(),
        _ if ratio >= 99.5 => format!("{ratio:.0}"),
        _ if ratio >= 9.95 => format!("{ratio:.1}"),
        _ => format!("{ratio:.2}"),
    }
}

/// How wide an allocator's column is, the gap before it included.
fn column(name: &str) -> usize {
    name.chars().count().clamp(5, LONGEST) + 1
}

fn left(text: &str, wide: usize) -> String {
    format!("{:<wide$}", cut(text, wide))
}

fn right(text: &str, wide: usize) -> String {
    format!("{:>wide$}", cut(text, wide))
}

/// At most `wide` letters; what is cut off leaves a mark. A letter that steers the terminal is a blank.
fn cut(text: &str, wide: usize) -> String {
    let mut letters: Vec<char> = text.chars().map(plain).collect();
    if letters.len() > wide {
        letters.truncate(wide.saturating_sub(1));
        letters.push('…');
    }
    letters.into_iter().collect()
}

fn plain(letter: char) -> char {
    if letter.is_control() { ' ' } else { letter }
}

/// Lines of at most `wide` letters, broken between words; a longer word is cut.
fn wrap(text: &str, wide: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let text: String = text.chars().map(plain).collect();
    for word in text.split_whitespace() {
        let word = cut(word, wide);
        let Some(line) = lines.last_mut() else { continue };
        if line.is_empty() {
            line.push_str(&word);
        } else if line.chars().count() + 1 + word.chars().count() <= wide {
            line.push(' ');
            line.push_str(&word);
        } else {
            lines.push(word);
        }
    }
    lines
}

/// Ratios above this are red.
const RED: f64 = 1.25;
/// The letters that an allocator's name may have.
const LONGEST: usize = 15;
/// The width below which the text no longer shrinks.
const NARROWEST: usize = 60;

#[cfg(test)]
mod tests;
