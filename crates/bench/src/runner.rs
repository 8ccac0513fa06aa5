//! Runs jobs: rounds over the whole suite, candidates in turn, each output judged before its time counts.
//!
//! A round runs every row once; within a row the candidates run one behind the other, and who is first moves on with
//! each round. So what two candidates of a row are compared by lies seconds apart, and the rounds of a row lie
//! minutes apart, over whatever else the machine does. Candidates that rest at their end work in turn too, and rest
//! side by side.

use crate::children::{Group, sealed};
use crate::job::{Candidate, Expect, Job};
use crate::report_line::Report;
use crate::results::{Cell, Row, Sample};
use heapwright_measure::process::{PRELOAD, Usage};
use heapwright_measure::rounds;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

/// Longer than this no candidate may take, its idle seconds aside: then it is ended and has failed.
const LIMIT: Duration = Duration::from_secs(120);

/// Who takes longer than this many times the fastest of the row runs in [`ENOUGH`] rounds only: there is no doubt.
const FAR: f64 = 4.0;
/// See [`FAR`].
const ENOUGH: usize = 2;

/// A program of the suite prints less than this; of its errors only as much is read from the end. Bytes.
const MOST: u64 = 1 << 20;

/// What a candidate prints when its work is done and it begins to rest.
const RESTING: &str = "resting";

/// How candidates are started: by a process that is small, so that its memory is not counted as their first.
#[derive(Clone, Debug)]
pub struct Launcher {
    /// The program `heapwright-launch`.
    pub program: PathBuf,
    /// Where it, and what it starts, leave files that are needed for a moment.
    pub folder: PathBuf,
}

/// Runs jobs.
pub struct Runner {
    jobs: Vec<Job>,
    rows: Vec<Row>,
    launcher: Launcher,
}

impl Runner {
    /// Prepares `jobs`.
    ///
    /// # Errors
    /// If the launcher's folder cannot be made.
    pub fn new(jobs: Vec<Job>, launcher: Launcher) -> Result<Runner, String> {
        let folder = &launcher.folder;
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let rows = jobs.iter().map(empty).collect();
        Ok(Runner { jobs, rows, launcher })
    }

    /// The rows as they are now.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The largest number of rounds that a job wants.
    pub fn rounds(&self) -> usize {
        self.jobs.iter().map(|job| job.rounds).max().unwrap_or(0)
    }

    /// How many candidates run in that round.
    pub fn steps(&self, round: usize) -> usize {
        self.jobs.iter().filter(|job| job.rounds > round).map(|job| job.candidates.len()).sum()
    }

    /// Runs one round; `step` is told of each candidate before it runs. After `deadline` no row begins: the titles
    /// of those left out are returned.
    pub fn round(
        &mut self,
        round: usize,
        deadline: Instant,
        step: &mut dyn FnMut(&str, &str),
    ) -> Vec<String> {
        let mut left = Vec::new();
        for number in 0..self.jobs.len() {
            if self.jobs[number].rounds <= round {
                continue;
            }
            if Instant::now() >= deadline {
                left.push(self.rows[number].title());
            } else if self.jobs[number].idle > 0 {
                self.resting(number, round, step);
            } else {
                self.in_turn(number, round, step);
            }
        }
        left
    }

    fn in_turn(&mut self, number: usize, round: usize, step: &mut dyn FnMut(&str, &str)) {
        let job = &self.jobs[number];
        for place in rounds::order(round, job.candidates.len()) {
            let candidate = &job.candidates[place];
            step(&job.workload, &candidate.allocator);
            let settled = settled(&self.rows[number], place);
            let cell = &mut self.rows[number].cells[place];
            if cell.failure.is_none() && !settled {
                let started = Started::new(candidate, &self.launcher, 0);
                enter(cell, started.and_then(|started| started.finish(candidate, LIMIT)));
            }
        }
    }

    /// As [`Runner::in_turn`], but the next begins when the one before has done its work and rests.
    fn resting(&mut self, number: usize, round: usize, step: &mut dyn FnMut(&str, &str)) {
        let job = &self.jobs[number];
        let limit = LIMIT + Duration::from_secs(u64::from(job.idle));
        let mut started = Vec::new();
        for place in rounds::order(round, job.candidates.len()) {
            let candidate = &job.candidates[place];
            step(&job.workload, &candidate.allocator);
            if self.rows[number].cells[place].failure.is_none() {
                let run = Started::new(candidate, &self.launcher, place);
                if let Ok(run) = &run {
                    run.until_it_rests();
                }
                started.push((place, run));
            }
        }
        for (place, started) in started {
            let ended = started.and_then(|started| started.finish(&job.candidates[place], limit));
            enter(&mut self.rows[number].cells[place], ended);
        }
    }
}

/// Whether the cell at `place` has run often enough and stands far behind.
fn settled(row: &Row, place: usize) -> bool {
    type Value = fn(&Sample) -> f64;
    let (wall, peak): (Value, Value) = (|sample| sample.wall, |sample| sample.peak_rss as f64);
    let least = |cell: &Cell, of: Value| cell.samples.iter().map(of).fold(f64::INFINITY, f64::min);
    let right = || row.cells.iter().filter(|cell| cell.failure.is_none());
    let best = |of: Value| right().map(|cell| least(cell, of)).fold(f64::INFINITY, f64::min);
    let own = &row.cells[place];
    // Who is slow and small may be the base of the row's memory.
    let smallest = least(own, peak) <= best(peak);
    row.timed && own.samples.len() >= ENOUGH && least(own, wall) > FAR * best(wall) && !smallest
}

fn empty(job: &Job) -> Row {
    let cell = |candidate: &Candidate| Cell {
        allocator: candidate.allocator.clone(),
        samples: Vec::new(),
        failure: candidate.refused.clone(),
    };
    Row {
        group: job.group,
        workload: job.workload.clone(),
        threads: job.threads,
        about: job.about.clone(),
        timed: job.timed,
        cells: job.candidates.iter().map(cell).collect(),
    }
}

/// A failure is final: what worked before it is no result either.
fn enter(cell: &mut Cell, ended: Result<Sample, String>) {
    match ended {
        Ok(sample) => cell.samples.push(sample),
        Err(reason) => cell.failure = Some(reason),
    }
}

/// Runs one candidate once, as `bless` needs it: what it measured, and what it printed.
///
/// # Errors
/// Whatever makes the run no result.
pub fn once(candidate: &Candidate, launcher: &Launcher) -> Result<(Sample, String), String> {
    fs::create_dir_all(&launcher.folder)
        .map_err(|error| format!("{}: {error}", launcher.folder.display()))?;
    let started = Started::new(candidate, launcher, 0)?;
    let files = started.files.clone();
    let sample = started.finish(candidate, LIMIT)?;
    Ok((sample, files.printed()?))
}

/// A candidate that runs.
struct Started {
    group: Group,
    files: Files,
}

/// Where a process leaves what it says. Files and not pipes: what a process leaves behind cannot keep them open.
#[derive(Clone)]
struct Files {
    /// The launcher's line.
    usage: PathBuf,
    /// Standard output.
    output: PathBuf,
    /// Standard error.
    error: PathBuf,
}

impl Started {
    /// Starts `candidate`; `place` tells it from others that run beside it.
    fn new(candidate: &Candidate, launcher: &Launcher, place: usize) -> Result<Started, String> {
        let [usage, output, error] =
            ["usage", "output", "error"].map(|name| launcher.folder.join(format!("{name}-{place}")));
        let create =
            |path: &Path| File::create(path).map_err(|problem| format!("{}: {problem}", path.display()));
        let _ = fs::remove_file(&usage);
        let mut command = Command::new(&launcher.program);
        command.arg(&usage).arg(&candidate.program).args(&candidate.arguments);
        sealed(&mut command).stdout(create(&output)?).stderr(create(&error)?);
        for (name, value) in &candidate.environment {
            command.env(if name == "LD_PRELOAD" { PRELOAD } else { name }, value);
        }
        if let Some(folder) = &candidate.folder {
            command.current_dir(folder);
        }
        let group = Group::start(&mut command)
            .map_err(|problem| format!("{} cannot be started: {problem}", launcher.program.display()))?;
        Ok(Started { group, files: Files { usage, output, error } })
    }

    fn until_it_rests(&self) {
        let until = Instant::now() + LIMIT;
        let rests = || fs::metadata(&self.files.output).is_ok_and(|file| file.len() > 0);
        while !rests() && !self.group.has_ended() && Instant::now() < until {
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits for its end and judges it; after `limit` the whole group is ended.
    fn finish(self, candidate: &Candidate, limit: Duration) -> Result<Sample, String> {
        let launched = self.group.wait(limit).map_err(|error| format!("it cannot be waited for: {error}"))?;
        let Some(launched) = launched else {
            return Err(format!("it took longer than {} s and was ended", limit.as_secs_f64()));
        };
        let usage = fs::read_to_string(&self.files.usage).ok().and_then(|line| Usage::parse(&line));
        let usage = usage.ok_or_else(|| format!("it was not started ({launched}); {}", self.files.said()))?;
        self.files.judge(candidate, &usage)
    }
}

impl Files {
    /// The last line of standard error.
    fn said(&self) -> String {
        let mut text = Vec::new();
        let read = File::open(&self.error).and_then(|mut file| {
            let len = file.metadata()?.len();
            file.seek(SeekFrom::Start(len.saturating_sub(MOST)))?;
            file.take(MOST).read_to_end(&mut text)
        });
        let text = String::from_utf8_lossy(&text);
        let last = text.lines().rev().find(|line| !line.trim().is_empty());
        match (read, last) {
            (Err(error), _) => format!("what it said cannot be read: {error}"),
            (Ok(_), None) => "it said nothing".to_owned(),
            (Ok(_), Some(last)) => format!("it said: {}", last.chars().take(300).collect::<String>()),
        }
    }

    /// Standard output, without the line that it rests.
    fn printed(&self) -> Result<String, String> {
        let mut text = Vec::new();
        let read = File::open(&self.output).and_then(|file| file.take(MOST + 1).read_to_end(&mut text));
        read.map_err(|error| format!("its output cannot be read: {error}"))?;
        if text.len() as u64 > MOST {
            return Err(format!("it printed more than {MOST} bytes"));
        }
        let text = String::from_utf8_lossy(&text);
        Ok(text.strip_prefix(RESTING).map_or_else(|| text.to_string(), |rest| rest.trim_start().to_owned()))
    }

    fn judge(&self, candidate: &Candidate, usage: &Usage) -> Result<Sample, String> {
        if !usage.status.success() {
            let end = match (usage.status.code(), usage.status.signal()) {
                (Some(code), _) => format!("ended with status {code}"),
                (None, Some(signal)) => format!("was ended by signal {signal}"),
                (None, None) => "ended in an unknown way".to_owned(),
            };
            return Err(format!("it {end}; {}", self.said()));
        }
        judge(&candidate.expect, usage, &self.printed()?)
    }
}

/// The sample, if what was printed is right.
fn judge(expect: &Expect, usage: &Usage, text: &str) -> Result<Sample, String> {
    let sample = Sample {
        wall: usage.wall.as_secs_f64(),
        user: usage.user.as_secs_f64(),
        system: usage.system.as_secs_f64(),
        peak_rss: usage.peak_rss,
        minor_faults: usage.minor_faults,
        major_faults: usage.major_faults,
        ..Sample::default()
    };
    match expect {
        Expect::Output(expected) if text.trim_end() == expected.trim_end() => Ok(sample),
        Expect::Output(_) => Err("it printed something else than without a library".to_owned()),
        Expect::Report { checksum, serving } => {
            let report: Report = serde_json::from_str(text.trim())
                .map_err(|error| format!("its report cannot be read: {error}"))?;
            if report.serving != *serving {
                return Err(format!("malloc was served by {}, not by {serving}", report.serving));
            }
            match checksum {
                Some(expected) if *expected != report.checksum => {
                    Err(format!("wrong result: checksum {}, not {expected}", report.checksum))
                }
                _ => Ok(Sample {
                    end_rss: report.end_rss,
                    end_live: report.end_live,
                    idle_rss: report.idle_rss,
                    latency: report.latency,
                    ..sample
                }),
            }
        }
    }
}

#[cfg(test)]
mod tests;
