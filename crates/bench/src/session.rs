//! A session of the suite, from the building of the peers to the files it leaves.

use crate::job::{Candidate, Expect, Job};
use crate::options::{Report, Run};
use crate::peers::{self, Peer};
use crate::progress::Progress;
use crate::results::{Allocator, FORMAT, Missing, Results, title};
use crate::runner::{self, Launcher, Runner};
use crate::score::OURS;
use crate::suite::{self, Suite};
use crate::{machine, programs, public, real, report};
use std::fs;
use std::io::{IsTerminal, Write, stdout};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Where things are.
pub struct Place {
    /// The checkout.
    root: PathBuf,
    /// Where the suite builds and keeps what it needs.
    folder: PathBuf,
}

impl Place {
    /// The checkout around the current folder.
    ///
    /// # Errors
    /// If there is none.
    pub fn find() -> Result<Place, String> {
        let here = std::env::current_dir().map_err(|error| format!("the current folder: {error}"))?;
        let root = here.ancestors().find(|folder| folder.join("crates/bench/suite.toml").is_file());
        let root = root.ok_or("there is no checkout of Heapwright around the current folder; go into one")?;
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        let folder = std::path::absolute(target.join("bench")).map_err(|error| format!("target: {error}"))?;
        Ok(Place { root: root.to_path_buf(), folder })
    }

    fn suite(&self) -> Result<Suite, String> {
        Suite::read(&self.root.join("crates/bench"))
    }

    /// Builds the program of the workloads, and the launcher.
    fn load(&self) -> Result<(PathBuf, Launcher), String> {
        let target = self.folder.join("load");
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args([
            "build",
            "--quiet",
            "--release",
            "-p",
            "heapwright-load",
            "-p",
            "heapwright-measure",
            "--bins",
        ]);
        cargo.current_dir(&self.root);
        cargo.arg("--target-dir").arg(&target).stdin(Stdio::null());
        let status = cargo.status().map_err(|error| format!("cargo cannot be started: {error}"))?;
        if status.success() {
            let launcher = Launcher {
                program: target.join("release/heapwright-launch"),
                folder: self.folder.join("run"),
            };
            Ok((target.join("release/heapwright-load"), launcher))
        } else {
            Err("the program of the workloads does not build; cargo says why above".to_owned())
        }
    }
}

/// Runs the suite.
///
/// # Errors
/// What keeps it from beginning, or its results from being written.
pub fn run(place: &Place, options: &Run) -> Result<(), String> {
    let began = Instant::now();
    let mut progress = Progress::new();
    let out = out_folder(place, options);
    let mut results = Results {
        format: FORMAT,
        date: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        kind: kind(options).to_owned(),
        options: std::env::args().skip(1).collect(),
        loads: Vec::new(),
        seconds: 0.0,
        machine: machine::look(&place.root),
        allocators: Vec::new(),
        missing: Vec::new(),
        rows: Vec::new(),
    };
    let say = |text: &str| progress.say(text);
    say("building the workloads");
    let (load, launcher) = place.load()?;
    let jobs = gather(place, &load, options, &mut results, &say)?;
    let mut runner = Runner::new(jobs, launcher)?;
    let minutes = options.minutes.unwrap_or(if options.quick { 5 } else { 45 });
    let deadline = began + Duration::from_secs(60 * u64::from(minutes));
    let rounds = runner.rounds();
    progress.say(&format!("measuring {} rows, {rounds} rounds at most", runner.rows().len()));
    progress.expect((0..rounds).map(|round| runner.steps(round)).sum());
    for round in 0..rounds {
        let start = Instant::now();
        results.loads.push(machine::load());
        let left = runner.round(round, deadline, &mut |workload, allocator| {
            progress.step(&format!("{workload} {allocator}"));
        });
        results.rows = runner.rows().to_vec();
        results.seconds = began.elapsed().as_secs_f64();
        let more = round + 1 < rounds;
        let out_of_time = !left.is_empty() || (more && Instant::now() + start.elapsed() > deadline);
        if out_of_time {
            let note = if left.is_empty() {
                format!("{} of {rounds} rounds fitted into {minutes} minutes", round + 1)
            } else {
                format!("after {minutes} minutes, round {} had not reached: {}", round + 1, left.join(", "))
            };
            progress.say(&note);
            results.missing.push(Missing { name: "rounds".to_owned(), reason: note });
        }
        // What is known is kept, whatever happens next.
        write(&place.root, &out, &results)?;
        if out_of_time {
            break;
        }
    }
    progress.end();
    show(&results, options.json)?;
    let files = ["results.json", "samples.csv", "report.html", "table.txt"].map(|name| out.join(name));
    files.iter().for_each(|path| eprintln!("{}", path.display()));
    Ok(())
}

/// All jobs, with who takes part and what is missing entered into `results`.
fn gather(
    place: &Place,
    load: &Path,
    options: &Run,
    results: &mut Results,
    say: &dyn Fn(&str),
) -> Result<Vec<Job>, String> {
    let chosen = |name: &str| {
        options.peers.is_empty() || name == OURS || options.peers.iter().any(|peer| peer == name)
    };
    let (mut found, mut missing) =
        peers::gather(&place.root, &place.folder.join("peers"), load, options.quick, say);
    if let Some(ours) = missing.iter().find(|absent| absent.name == OURS) {
        return Err(format!("heapwright itself cannot take part: {}", ours.reason));
    }
    if let Some(unknown) = options.peers.iter().find(|name| {
        !found.iter().any(|peer| peer.allocator.name == **name)
            && !missing.iter().any(|peer| peer.name == **name)
    }) {
        let known: Vec<&str> = found.iter().map(|peer| peer.allocator.name.as_str()).collect();
        return Err(format!("--peers {unknown}: no such allocator; there are {}", known.join(" ")));
    }
    found.retain(|peer| chosen(&peer.allocator.name));
    missing.retain(|peer| chosen(&peer.name));
    let mut allocators: Vec<Allocator> = found.iter().map(|peer| peer.allocator.clone()).collect();
    let mut jobs = place.suite()?.jobs(load, &found, options.quick)?;
    if !options.quick || options.rust {
        let (rust, more, lacking) =
            programs::gather(&place.root, &place.folder.join("programs"), options.quick, say);
        allocators.extend(more);
        jobs.extend(rust);
        missing.extend(lacking);
    }
    if options.real {
        let (real, lacking) = real::gather(
            &place.root,
            &place.folder.join("real"),
            &found,
            options.quick,
            !options.no_install,
            say,
        );
        jobs.extend(real);
        missing.extend(lacking);
    }
    narrow(&mut jobs, options, &chosen)?;
    results.allocators = allocators;
    results.missing = missing;
    Ok(jobs)
}

/// Leaves only what was asked for.
fn narrow(jobs: &mut Vec<Job>, options: &Run, chosen: &dyn Fn(&str) -> bool) -> Result<(), String> {
    let wanted = |job: &Job| {
        let title = title(&job.workload, job.threads);
        options.only.is_empty() || options.only.iter().any(|text| title.contains(text))
    };
    jobs.retain(wanted);
    for job in jobs.iter_mut() {
        // The static binaries have peers of their own.
        job.candidates.retain(|candidate| chosen(&candidate.allocator) || candidate.allocator == "musl");
        if let Some(rounds) = options.rounds {
            job.rounds = if job.idle > 0 { job.rounds } else { rounds as usize };
        }
    }
    if jobs.is_empty() {
        return Err(format!(
            "--only {}: no such row; `list` names those of our own, crates/bench/real and crates/bench/programs have the others",
            options.only.join(" --only ")
        ));
    }
    Ok(())
}

/// What a run is called: one of which only a part was asked for is no full one.
fn kind(options: &Run) -> &'static str {
    let part = !options.only.is_empty()
        || !options.peers.is_empty()
        || options.rounds.is_some()
        || options.minutes.is_some();
    match (part, options.quick) {
        (true, _) => "partial",
        (false, true) => "quick",
        (false, false) => "full",
    }
}

/// A folder of its own for each run; in the tree only for full ones.
fn out_folder(place: &Place, options: &Run) -> PathBuf {
    let date = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    let default = match kind(options) {
        "full" => place.root.join("bench/results").join(date),
        other => place.folder.join(format!("{other}-{date}")),
    };
    let numbered = |number: u32| PathBuf::from(format!("{}-{number}", default.display()));
    match &options.out {
        Some(out) => out.clone(),
        None if !default.exists() => default,
        None => (2..).map(numbered).find(|folder| !folder.exists()).unwrap_or_else(|| default.clone()),
    }
}

/// Writes all files. Each is whole or not there: a new one takes the old one's place at its end.
fn write(root: &Path, out: &Path, results: &Results) -> Result<(), String> {
    fs::create_dir_all(out)
        .map_err(|error| format!("{} cannot be made: {error}; name another with --out", out.display()))?;
    let results = &public::results(results, root);
    let json = serde_json::to_string(results).map_err(|error| format!("results.json: {error}"))?;
    let samples = report::samples::table(results).map_err(|error| format!("samples.csv: {error}"))?;
    for (name, text) in [
        ("results.json", json + "\n"),
        ("samples.csv", samples),
        ("report.html", report::html::page(results)),
        ("table.txt", report::text::table(results, 120, false)),
    ] {
        let (path, fresh) = (out.join(name), out.join(format!(".{name}")));
        fs::write(&fresh, text)
            .and_then(|()| fs::rename(&fresh, &path))
            .map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
    }
    Ok(())
}

/// Prints the table, or the JSON.
fn show(results: &Results, json: bool) -> Result<(), String> {
    let text = if json {
        serde_json::to_string(results).map_err(|error| error.to_string())?
    } else {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let width = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok()).unwrap_or(120);
        report::text::table(results, width, stdout().is_terminal() && !set("NO_COLOR"))
    };
    // A reader who went away, as `head`, has seen what it wanted.
    let _ = writeln!(stdout(), "{text}");
    Ok(())
}

/// `report`: the files anew.
///
/// # Errors
/// If the results cannot be read, or the files not written.
pub fn report(place: &Place, options: &Report) -> Result<(), String> {
    let shown = options.results.display();
    let text = fs::read_to_string(&options.results).map_err(|error| format!("{shown}: {error}"))?;
    let results: Results = serde_json::from_str(&text).map_err(|error| format!("{shown}: {error}"))?;
    if results.format != FORMAT {
        return Err(format!("{shown} has format {}, this program reads {FORMAT}", results.format));
    }
    let beside = options.results.parent().unwrap_or(Path::new("."));
    write(&place.root, options.out.as_deref().unwrap_or(beside), &results)?;
    show(&results, false)
}

/// `peers`: who takes part.
///
/// # Errors
/// If the program that identifies them does not build.
pub fn peers(place: &Place) -> Result<(), String> {
    let progress = Progress::new();
    let (load, _) = place.load()?;
    let say = |text: &str| progress.say(text);
    let (found, missing) = peers::gather(&place.root, &place.folder.join("peers"), &load, false, &say);
    for peer in found {
        println!("{:<18} {:<12} {}", peer.allocator.name, peer.allocator.version, peer.allocator.origin);
    }
    for peer in missing {
        println!("{:<18} missing: {}", peer.name, peer.reason);
    }
    Ok(())
}

/// `list`: the rows.
///
/// # Errors
/// If the suite cannot be read.
pub fn list(place: &Place, quick: bool) -> Result<(), String> {
    let suite = place.suite()?;
    suite.settings(quick).iter().for_each(|setting| println!("{}", setting.title()));
    Ok(())
}

/// `bless`: what the workloads compute, by two allocators that know nothing of each other.
///
/// # Errors
/// If they differ, or one is not there.
pub fn bless(place: &Place) -> Result<(), String> {
    let progress = Progress::new();
    let (load, launcher) = place.load()?;
    let say = |text: &str| progress.say(text);
    let (found, _) = peers::gather(&place.root, &place.folder.join("peers"), &load, false, &say);
    let suite = place.suite()?;
    let peer = |name: &str| {
        found.iter().find(|peer| peer.allocator.name == name).ok_or(format!("{name} is needed and missing"))
    };
    let judges = [peer("glibc")?, peer("mimalloc2")?];
    let mut text =
        String::from("# What each row of suite.toml must compute; written by `heapwright-bench bless`.\n");
    for setting in [suite.settings(false), suite.settings(true)].into_iter().flatten() {
        progress.say(&setting.key());
        let found = judges.map(|judge| checksum(&load, &setting, judge, &launcher));
        let [first, second] = found;
        let (first, second) = (first?, second?);
        if first != second {
            return Err(format!("{}: glibc computes {first}, mimalloc2 {second}", setting.key()));
        }
        text += &format!("\"{}\" = \"{first}\"\n", setting.key());
    }
    let path = place.root.join("crates/bench/checksums.toml");
    fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
}

fn checksum(
    load: &Path,
    setting: &suite::Setting<'_>,
    peer: &Peer,
    launcher: &Launcher,
) -> Result<String, String> {
    let mut arguments = setting.arguments();
    // What is computed does not depend on the rest at the end.
    arguments.truncate(5);
    let candidate = Candidate {
        allocator: peer.allocator.name.clone(),
        program: load.to_path_buf(),
        arguments,
        environment: suite::environment(peer),
        folder: None,
        expect: Expect::Report { checksum: None, serving: peer.serving.clone() },
        refused: None,
    };
    let (_, text) = runner::once(&candidate, launcher)
        .map_err(|error| format!("{} under {}: {error}", setting.key(), peer.allocator.name))?;
    let report: crate::report_line::Report =
        serde_json::from_str(text.trim()).map_err(|error| error.to_string())?;
    Ok(report.checksum)
}
