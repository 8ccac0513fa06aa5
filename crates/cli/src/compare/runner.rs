//! Runs the program once under a candidate, and keeps aside what it says.

use super::candidates::Candidate;
use super::interrupts::Interrupts;
use super::launch::{self, Launched};
use super::{Failed, Stop};
use crate::failure::Failure;
use crate::options;
use crate::run::{self, Ending, Session};
use heapwright_measure::process::{self, Usage};
use rustix::fs::{CWD, MemfdFlags, Mode, OFlags, memfd_create, openat};
use rustix::process::{WaitId, WaitIdOptions, waitid};
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Of what a failing program said, the last bytes that are shown.
const MOST_SHOWN: u64 = 64 << 10;

/// The program and how it is started.
pub struct Runner<'a> {
    program: PathBuf,
    words: &'a [OsString],
    settings: &'a [String],
    conf: Option<OsString>,
    /// Standard error of the program, unless it is shown at once.
    aside: Option<File>,
    interrupts: Interrupts,
}

impl<'a> Runner<'a> {
    /// Gets ready to run `program` as `options` say. Signals are noted from now on.
    pub fn new(program: PathBuf, options: &'a options::Compare) -> Result<Self, Failure> {
        let aside = if options.show_output { None } else { Some(aside()?) };
        let set = env::var_os("HEAPWRIGHT_CONF");
        let conf = (set.is_some() || !options.settings.is_empty())
            .then(|| run::conf(set.as_deref(), &options.settings, None));
        let interrupts = Interrupts::listen();
        Ok(Runner { program, words: &options.command, settings: &options.settings, conf, aside, interrupts })
    }

    /// The program's name as the user wrote it.
    pub fn name(&self) -> &OsStr {
        &self.words[0]
    }

    /// The program's file.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// A run that counts. A program that does not succeed has [`Failed`].
    pub fn run(&self, candidate: &Candidate, round: usize) -> Result<Usage, Stop> {
        self.finish(&self.command(candidate), candidate, round)
    }

    /// A run under our library in `session`, which tells whether the library began in it.
    pub fn run_counted(&self, session: &Session, candidate: &Candidate) -> Result<Usage, Stop> {
        self.finish(&session.command(&self.program, self.settings), candidate, 0)
    }

    /// What the dynamic loader would load for the program under `candidate`, and what it says to that.
    pub fn loaded(&self, candidate: &Candidate) -> Result<(String, String), Stop> {
        let mut answer = aside().map_err(Stop::Refused)?;
        let mut complaint = aside().map_err(Stop::Refused)?;
        let mut command = self.command(candidate);
        command.env("LD_TRACE_LOADED_OBJECTS", "1").arg0(self.name()).args(&self.words[1..]);
        let (out, err) = (answer.try_clone(), complaint.try_clone());
        command.stdout(out.map_err(lost)?).stderr(err.map_err(lost)?);
        self.to_the_end(command.stdin(Stdio::null()))?;
        Ok((tail(&mut answer), tail(&mut complaint)))
    }

    /// What the program said in its last run, or the end of it.
    pub fn said(&self) -> String {
        self.aside
            .as_ref()
            .and_then(|aside| aside.try_clone().ok())
            .map_or(String::new(), |mut aside| tail(&mut aside))
    }

    /// The environment of every candidate differs in `LD_PRELOAD` only.
    fn command(&self, candidate: &Candidate) -> Command {
        let mut command = Command::new(&self.program);
        if let Some(library) = &candidate.library {
            command.env("LD_PRELOAD", run::preload_list(library));
        }
        if let Some(conf) = &self.conf {
            command.env("HEAPWRIGHT_CONF", conf);
        }
        command
    }

    fn finish(&self, program: &Command, candidate: &Candidate, round: usize) -> Result<Usage, Stop> {
        let mut command = launch::command(program, self.name());
        command.args(&self.words[1..]);
        match &self.aside {
            Some(aside) => {
                let _ = aside.set_len(0);
                command.stdout(Stdio::null()).stderr(aside.try_clone().map_err(lost)?);
            }
            None => {
                let error = io::stderr().as_fd().try_clone_to_owned().map_err(lost)?;
                command.stdout(error);
            }
        }
        let mut written = aside().map_err(Stop::Refused)?;
        command.stdin(written.try_clone().map_err(lost)?);
        let own = self.to_the_end(&mut command)?;
        let usage = match launch::read(&tail(&mut written), own).map_err(lost)? {
            Launched::Ran(usage) => usage,
            Launched::NotStarted(error) => return Err(self.not_started(&error)),
        };
        if usage.status.success() {
            return Ok(usage);
        }
        let candidate = candidate.name.clone();
        Err(Stop::Failed(Failed { candidate, round, ending: Ending::of(usage.status), said: self.said() }))
    }

    /// Starts `command` in a group of its own and waits; an interrupted run is worth nothing.
    fn to_the_end(&self, command: &mut Command) -> Result<Usage, Stop> {
        self.check_interrupts()?;
        command.process_group(0);
        let running = process::start(command).map_err(|error| self.not_started(&error))?;
        let pid = running.child.id();
        self.interrupts.begins(pid);
        if let Some(pid) = rustix::process::Pid::from_raw(pid.cast_signed()) {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while let Err(rustix::io::Errno::INTR) = waitid(WaitId::Pid(pid), options) {}
        }
        self.interrupts.ended();
        let usage = running.finish().map_err(lost)?;
        self.check_interrupts()?;
        Ok(usage)
    }

    /// Why there is no process of the program, which the small one between us and it is not to be named for.
    fn not_started(&self, error: &io::Error) -> Stop {
        if error.kind() == io::ErrorKind::NotFound && !Path::new(launch::OWN).exists() {
            return Stop::Refused(Failure::tool(
                format!("there is no {}, from which the program is started", launch::OWN),
                "mount /proc",
            ));
        }
        Stop::Refused(run::not_started(&Command::new(&self.program), error))
    }

    fn check_interrupts(&self) -> Result<(), Stop> {
        self.interrupts.arrived().map_or(Ok(()), |number| Err(Stop::Interrupted(number)))
    }
}

/// A file that nobody else sees and that is gone with us, however we end. Writers append.
fn aside() -> Result<File, Failure> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::APPEND | OFlags::CLOEXEC;
    let folder: &Path = &env::temp_dir();
    let file = openat(CWD, folder, flags, Mode::RUSR | Mode::WUSR)
        .or_else(|_| memfd_create("heapwright-compare", MemfdFlags::CLOEXEC));
    file.map(File::from).map_err(|error| {
        Failure::tool(
            format!("there is no place for the program's error output: {error}"),
            "free some space below TMPDIR, or add --show-output",
        )
    })
}

fn tail(file: &mut File) -> String {
    let len = file.metadata().map_or(0, |metadata| metadata.len());
    let mut bytes = Vec::new();
    let _ = file.seek(SeekFrom::Start(len.saturating_sub(MOST_SHOWN)));
    let _ = file.take(MOST_SHOWN).read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn lost(error: io::Error) -> Stop {
    Stop::Refused(Failure::tool(
        format!("a run is lost: {error}"),
        "start the command from a process that does not ignore SIGCHLD, with enough file descriptors",
    ))
}
