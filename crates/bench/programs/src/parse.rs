//! Text to structures: a server's log by regular expressions, and formulas by a parser written by hand.

use crate::expression::{self, Expression};
use crate::input::{Checksum, HashMap, Sequence, WORDS};
use regex::Regex;
use std::collections::BTreeMap;
use std::fmt::Write;

/// A line of the log.
struct Entry {
    time: String,
    method: String,
    path: String,
    status: u16,
    bytes: u64,
    agent: String,
    parameters: Vec<(String, String)>,
}

/// Works on a log of `size` lines and a tenth as many formulas; the checksum.
pub fn run(size: u64) -> Result<u64, String> {
    let mut checksum = Checksum::default();
    let log = log(size);
    summarise(&entries(&log)?, &mut checksum);
    formulas(size / 10 + 1, &mut checksum)?;
    Ok(checksum.value())
}

/// The log as text.
fn log(size: u64) -> String {
    let mut numbers = Sequence::new(4);
    let mut text = String::new();
    for line in 0..size {
        line_of_log(&mut text, line, &mut numbers);
    }
    text
}

fn line_of_log(text: &mut String, line: u64, numbers: &mut Sequence) {
    let (hour, minute, second) = (line / 3600 % 24, line / 60 % 60, line % 60);
    let host = numbers.pick(&WORDS);
    // Writing to a string cannot fail.
    let _ = write!(text, "2026-03-{:02}T{hour:02}:{minute:02}:{second:02}Z {host}", 1 + line / 86_400 % 28);
    if numbers.below(50) == 0 {
        text.push_str(" -- restarted --\n");
        return;
    }
    let _ =
        write!(text, "-{} \"{} ", numbers.below(4), numbers.pick(&["GET", "GET", "PUT", "POST", "DELETE"]));
    for _ in 0..numbers.length(6) {
        let _ = write!(text, "/{}", numbers.pick(&WORDS));
    }
    for place in 0..numbers.below(5) {
        let sign = if place == 0 { '?' } else { '&' };
        let _ = write!(text, "{sign}{}={:x}", numbers.pick(&WORDS), numbers.next() >> numbers.below(60));
    }
    let status = numbers.pick(&["200", "200", "200", "304", "404", "500"]);
    let (bytes, version) = (numbers.below(100_000), numbers.below(90));
    let _ = writeln!(text, " HTTP/1.1\" {status} {bytes} \"browser/{version} ({})\"", numbers.pick(&WORDS));
}

/// The entries by host; lines of another form are kept under no name.
fn entries(log: &str) -> Result<BTreeMap<String, Vec<Entry>>, String> {
    let expression = |text: &str| Regex::new(text).map_err(|error| error.to_string());
    let line_form = expression(
        r#"^(\S+) ([a-z]+-\d) "([A-Z]+) ([^ ?]+)(?:\?(\S*))? HTTP/1\.\d" (\d{3}) (\d+) "([^"]*)"$"#,
    )?;
    let parameter_form = expression(r"([a-z]+)=([0-9a-f]+)")?;
    let mut hosts: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
    for line in log.lines() {
        let found = line_form.captures(line);
        let part = |place| found.as_ref().and_then(|found| found.get(place)).map_or("", |part| part.as_str());
        let parameters = parameter_form.captures_iter(part(5));
        hosts.entry(part(2).to_owned()).or_default().push(Entry {
            time: part(1).to_owned(),
            method: part(3).to_owned(),
            path: part(4).to_owned(),
            status: part(6).parse().unwrap_or(0),
            bytes: part(7).parse().unwrap_or(0),
            agent: part(8).to_owned(),
            parameters: parameters.map(|found| (found[1].to_owned(), found[2].to_owned())).collect(),
        });
    }
    Ok(hosts)
}

/// Counts what was asked for, by whom, and with what outcome.
fn summarise(hosts: &BTreeMap<String, Vec<Entry>>, checksum: &mut Checksum) {
    let mut paths: HashMap<String, (u64, u64)> = HashMap::default();
    let mut agents: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (host, entries) in hosts {
        checksum.bytes(host.as_bytes());
        for entry in entries {
            let path = paths.entry(format!("{} {}", entry.method, entry.path)).or_default();
            *path = (path.0 + 1, path.1 + entry.bytes);
            if entry.status >= 400 {
                agents.entry(entry.agent.clone()).or_default().push(format!("{host} {}", entry.time));
            }
            for (name, value) in &entry.parameters {
                checksum.bytes(name.as_bytes());
                checksum.bytes(value.as_bytes());
            }
        }
    }
    let mut paths: Vec<_> = paths.into_iter().collect();
    paths.sort_by(|(a, _), (b, _)| a.cmp(b));
    for (path, (count, bytes)) in &paths {
        checksum.bytes(path.as_bytes());
        checksum.number(count ^ (bytes << 20));
    }
    for (agent, times) in &agents {
        checksum.bytes(agent.as_bytes());
        checksum.bytes(times.join(",").as_bytes());
    }
}

/// Parses `count` formulas, derives them, and adds up their values.
fn formulas(count: u64, checksum: &mut Checksum) -> Result<(), String> {
    let mut numbers = Sequence::new(5);
    let mut variables = HashMap::default();
    let mut kept: Vec<Expression> = Vec::new();
    for number in 0..count {
        let mut text = String::new();
        formula(&mut text, 5, &mut numbers);
        let tree = expression::parse(&text)?;
        let derivative = tree.derivative("x").simplified();
        variables.insert(numbers.pick(&WORDS).to_owned(), number as i64);
        variables.insert("x".to_owned(), numbers.below(1000) as i64);
        checksum.number(tree.value(&variables) as u64);
        checksum.number(derivative.value(&variables) as u64);
        if number % 16 == 0 {
            kept.push(derivative);
        }
    }
    for tree in &kept {
        checksum.number(tree.value(&variables) as u64);
    }
    Ok(())
}

/// Writes a formula with at most `depth` levels.
fn formula(text: &mut String, depth: u32, numbers: &mut Sequence) {
    match numbers.below(if depth == 0 { 3 } else { 12 }) {
        0 => {
            let _ = write!(text, "{}", numbers.below(1000));
        }
        1 => text.push('x'),
        2 => text.push_str(numbers.pick(&WORDS)),
        3 => {
            text.push_str("sum(");
            formula(text, depth - 1, numbers);
            text.push_str(", ");
            formula(text, depth - 1, numbers);
            text.push(')');
        }
        _ => {
            text.push('(');
            formula(text, depth - 1, numbers);
            let _ = write!(text, " {} ", numbers.pick(&["+", "-", "*", "*"]));
            formula(text, depth - 1, numbers);
            text.push(')');
        }
    }
}
