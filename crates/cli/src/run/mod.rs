//! `heapwright run`: any program under the library, and a short summary at its end.

mod child;
mod find;
mod privileges;
pub mod program;
pub mod rivals;
mod script;
mod session;
mod stats;
mod summary;

pub use child::{Early, Ended, Ending, caller_ignores, leave_signals, not_started, watch};
pub use find::find;
pub use session::{Session, conf, preload_list};
pub use stats::Records;
pub use summary::describe;

use crate::failure::Failure;
use crate::options;
use crate::output::style::Style;
use crate::{elf, library, output};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use summary::Summary;

/// Runs the program of `options` and prints the summary. The program's end is the command's.
pub fn run(library: Option<&Path>, options: &options::Run) -> Result<Ending, Failure> {
    check_settings(&options.settings)?;
    let name = &options.command[0];
    let program = find(name)?;
    let library = library::choose(library)?;
    let mut warnings = examine(&program, &library, options.anyway)?;
    for (path, allocator) in rivals::preloaded() {
        warnings.push(format!(
            "LD_PRELOAD names {path} ({allocator}); the library goes before it and serves malloc"
        ));
    }
    if !options.quiet {
        warnings.iter().for_each(|text| output::warning(text));
    }
    // Opened before the run: a run of an hour must not end with "no such folder".
    let mut sink = Sink::open(options)?;
    let early = Early::listen();
    let session = Session::open(library);
    let mut command = session.command(&program, &options.settings);
    command.arg0(name).args(&options.command[1..]);
    let ended = watch(&mut command, early)?;
    let records = session.records(ended.pid);
    let summary = Summary::new(&options.command, &ended, &records, session.library(), session.uncounted());
    if options.json {
        sink.write(&summary.json());
    } else {
        sink.write(&summary.text(sink.style(), &ended, &records));
    }
    Ok(ended.ending)
}

/// Settings go to the library as they are; here only their form is checked.
pub fn check_settings(settings: &[String]) -> Result<(), Failure> {
    for setting in settings {
        let remedy = "write --option key=value, one option each";
        if setting.contains(',') || setting.split_once('=').is_none_or(|(key, _)| key.is_empty()) {
            return Err(Failure::tool(format!("--option {setting} is not of the form key=value"), remedy));
        }
        if setting.starts_with("stats=") {
            return Err(Failure::tool(
                "the option stats belongs to the command, which reads and removes what is left there",
                "leave it out; to keep the files, set LD_PRELOAD and HEAPWRIGHT_CONF without the command",
            ));
        }
    }
    Ok(())
}

/// What is special about the program, for warnings; refuses what cannot work, unless it shall run `anyway`.
pub fn examine(program: &Path, library: &library::Library, anyway: bool) -> Result<Vec<String>, Failure> {
    let facts =
        File::open(&library.path).map_err(|error| error.to_string()).and_then(|file| elf::read(&file));
    let Ok(Some(facts)) = facts else {
        return Err(Failure::tool(
            format!("{} is not a shared library", library.path.display()),
            "name another with --library, or install the command again",
        ));
    };
    let report = program::examine(program, &facts)?;
    let mut warnings = report.warnings;
    for refusal in report.refusals {
        if !anyway {
            return Err(refusal);
        }
        warnings.push(refusal.cause);
    }
    Ok(warnings)
}

/// Where the summary goes.
enum Sink {
    File(File),
    Output,
    Error,
    Nowhere,
}

impl Sink {
    fn open(options: &options::Run) -> Result<Self, Failure> {
        match &options.output {
            None if options.quiet => Ok(Sink::Nowhere),
            None => Ok(Sink::Error),
            Some(path) if path.as_os_str() == "-" => Ok(Sink::Output),
            Some(path) => File::create(path).map(Sink::File).map_err(|error| {
                Failure::tool(
                    format!("the summary cannot be written to {}: {error}", path.display()),
                    "name a file that you may write with --output",
                )
            }),
        }
    }

    fn style(&self) -> Style {
        match self {
            Sink::Error => Style::of(&io::stderr()),
            Sink::Output => Style::of(&io::stdout()),
            Sink::File(_) | Sink::Nowhere => Style::plain(),
        }
    }

    /// Writes the summary. The program has run: its status matters more than a full disk, which is only told.
    fn write(&mut self, text: &str) {
        let written = match self {
            Sink::File(file) => writeln!(file, "{text}"),
            Sink::Output => writeln!(io::stdout(), "{text}"),
            Sink::Error => return output::say(text),
            Sink::Nowhere => return,
        };
        if let Err(error) = written {
            output::warning(&format!("the summary could not be written: {error}"));
        }
    }
}
