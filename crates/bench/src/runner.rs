//! Runs jobs: rounds over the whole suite, candidates in turn, each output judged before its time counts.
//!
//! A round runs every row once; within a row the candidates run one behind the other, and who is first moves on with
//! each round. So what two candidates of a row are compared by lies seconds apart, and the rounds of a row lie
//! minutes apart, over whatever else the machine does.

use crate::job::{Candidate, Expect, Job};
use crate::report_line::Report;
use crate::results::{Cell, Row, Sample};
use heapwright_measure::process::{PRELOAD, Usage};
use heapwright_measure::rounds;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// Longer than this no candidate may take, its idle seconds aside: then it is ended and has failed.
const LIMIT: Duration = Duration::from_secs(120);

/// Who takes longer than this many times the fastest of the row runs in [`ENOUGH`] rounds only: there is no doubt.
const FAR: f64 = 4.0;
/// See [`FAR`].
const ENOUGH: usize = 2;

/// Variables of the caller that a candidate sees. All others are kept from it: they would change what is measured.
const KEPT: [&str; 5] = ["PATH", "HOME", "USER", "TMPDIR", "CARGO_HOME"];

/// The process group that runs now, for who is told to end the suite; 0: none.
static CURRENT: AtomicI32 = AtomicI32::new(0);

/// Ends what runs now. The candidates have process groups of their own, which a key on the terminal does not reach.
pub fn end_current() {
    let group = CURRENT.load(Ordering::Relaxed);
    if group > 0 {
        let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
    }
}

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

    /// Runs one round; `step` is told of each candidate before it runs.
    pub fn round(&mut self, round: usize, step: &mut dyn FnMut(&str, &str)) {
        for number in 0..self.jobs.len() {
            if self.jobs[number].rounds <= round {
                continue;
            }
            if self.jobs[number].idle > 0 {
                self.side_by_side(number, step);
            } else {
                self.in_turn(number, round, step);
            }
        }
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

    /// All candidates at once: they mostly sleep, and their times do not count.
    fn side_by_side(&mut self, number: usize, step: &mut dyn FnMut(&str, &str)) {
        let job = &self.jobs[number];
        let limit = LIMIT + Duration::from_secs(u64::from(job.idle));
        let start = |(place, candidate)| Started::new(candidate, &self.launcher, place);
        let started: Vec<_> = job.candidates.iter().enumerate().map(start).collect();
        for (place, started) in started.into_iter().enumerate() {
            let candidate = &job.candidates[place];
            step(&job.workload, &candidate.allocator);
            let ended = started.and_then(|started| started.finish(candidate, limit));
            enter(&mut self.rows[number].cells[place], ended);
        }
    }
}

/// Whether the cell at `place` has run often enough and stands far behind.
fn settled(row: &Row, place: usize) -> bool {
    let best = |cell: &Cell| cell.samples.iter().map(|sample| sample.wall).fold(f64::INFINITY, f64::min);
    let fastest = row.cells.iter().map(best).fold(f64::INFINITY, f64::min);
    let own = &row.cells[place];
    row.timed && own.samples.len() >= ENOUGH && best(own) > FAR * fastest
}

fn empty(job: &Job) -> Row {
    let cell = |candidate: &Candidate| Cell {
        allocator: candidate.allocator.clone(),
        samples: Vec::new(),
        failure: None,
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
    let mut started = Started::new(candidate, launcher, 0)?;
    let (usage, text) = started.wait(LIMIT)?;
    let sample = started.judge(candidate, &usage, &text)?;
    Ok((sample, text))
}

/// A candidate that runs.
struct Started {
    child: Child,
    /// Where the launcher says what it used.
    usage: PathBuf,
    /// Where its standard error goes.
    error: PathBuf,
}

impl Started {
    /// Starts `candidate`; `place` tells it from others that run beside it.
    fn new(candidate: &Candidate, launcher: &Launcher, place: usize) -> Result<Started, String> {
        let usage = launcher.folder.join(format!("usage-{place}"));
        let error = launcher.folder.join(format!("error-{place}"));
        let _ = fs::remove_file(&usage);
        let file = File::create(&error).map_err(|problem| format!("{}: {problem}", error.display()))?;
        let mut command = Command::new(&launcher.program);
        command.arg(&usage).arg(&candidate.program).args(&candidate.arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(file).process_group(0);
        command.env_clear().env("LC_ALL", "C");
        command.envs(KEPT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        for (name, value) in &candidate.environment {
            command.env(if name == "LD_PRELOAD" { PRELOAD } else { name }, value);
        }
        if let Some(folder) = &candidate.folder {
            command.current_dir(folder);
        }
        let child = command
            .spawn()
            .map_err(|problem| format!("{} cannot be started: {problem}", launcher.program.display()))?;
        CURRENT.store(child.id().cast_signed(), Ordering::Relaxed);
        Ok(Started { child, usage, error })
    }

    fn finish(mut self, candidate: &Candidate, limit: Duration) -> Result<Sample, String> {
        let (usage, text) = self.wait(limit)?;
        self.judge(candidate, &usage, &text)
    }

    /// Reads what it prints and waits for its end; after `limit` the whole group is ended.
    fn wait(&mut self, limit: Duration) -> Result<(Usage, String), String> {
        let group = Pid::from_raw(self.child.id().cast_signed());
        let mut output = self.child.stdout.take().ok_or("its output is not ours")?;
        let (done, alarm) = channel::<()>();
        let watch = thread::spawn(move || {
            let late = alarm.recv_timeout(limit) == Err(RecvTimeoutError::Timeout);
            if late {
                let _ = killpg(group, Signal::SIGKILL);
            }
            late
        });
        let mut text = Vec::new();
        let read = output.read_to_end(&mut text);
        let launched = self.child.wait().map_err(|error| format!("it cannot be waited for: {error}"))?;
        drop(done);
        let late = watch.join().unwrap_or(false);
        CURRENT.store(0, Ordering::Relaxed);
        if late {
            return Err(format!("it took longer than {} s and was ended", limit.as_secs()));
        }
        read.map_err(|error| format!("its output cannot be read: {error}"))?;
        let usage = fs::read_to_string(&self.usage).ok().and_then(|line| Usage::parse(&line));
        let usage = usage.ok_or_else(|| format!("it was not started ({launched}); {}", self.said()))?;
        Ok((usage, String::from_utf8_lossy(&text).into_owned()))
    }

    /// The last line of its standard error.
    fn said(&self) -> String {
        let text = fs::read_to_string(&self.error).unwrap_or_default();
        let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("nothing");
        format!("it said: {last}")
    }

    fn judge(&self, candidate: &Candidate, usage: &Usage, text: &str) -> Result<Sample, String> {
        if !usage.status.success() {
            let end = match (usage.status.code(), usage.status.signal()) {
                (Some(code), _) => format!("ended with status {code}"),
                (None, Some(signal)) => format!("was ended by signal {signal}"),
                (None, None) => "ended in an unknown way".to_owned(),
            };
            return Err(format!("it {end}; {}", self.said()));
        }
        judge(&candidate.expect, usage, text)
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
