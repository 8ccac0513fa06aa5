//! The C and C++ programs of `tests/c`, run on the C library's own malloc and on ours in every way it is used.
//!
//! Each program is one file with a theme. Comments in its head say how it runs:
//!
//! ```text
//! // runs: plain preload linked static both full-static
//! // flags: -pthread
//! // plugin: busy.c
//! ```
//!
//! | run | the program is |
//! |---|---|
//! | `plain` | built and run without us: it shows that the test itself is right |
//! | `preload` | the same file under `LD_PRELOAD` |
//! | `linked` | linked with `-lheapwright` |
//! | `static` | linked with `libheapwright.a` |
//! | `both` | linked with `libheapwright.a` and run under `LD_PRELOAD`: two copies in one process |
//! | `full-static` | linked with `-static` and `libheapwright.a` |
//!
//! A program passes if it exits with 0 and prints nothing. `HEAPWRIGHT_ONLY=name` runs one of them.

mod common;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::sleep;
use std::time::{Duration, Instant};
use std::{env, fs};

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Run {
    Plain,
    Preload,
    Linked,
    Static,
    Both,
    FullStatic,
}

impl Run {
    fn name(self) -> &'static str {
        match self {
            Run::Plain => "plain",
            Run::Preload => "preload",
            Run::Linked => "linked",
            Run::Static => "static",
            Run::Both => "both",
            Run::FullStatic => "full-static",
        }
    }

    /// The run whose file this run uses.
    fn built_as(self) -> Run {
        match self {
            Run::Preload => Run::Plain,
            Run::Both => Run::Static,
            other => other,
        }
    }

    fn preloads(self) -> bool {
        matches!(self, Run::Preload | Run::Both)
    }
}

struct Program {
    name: String,
    source: PathBuf,
    runs: Vec<String>,
    flags: Vec<String>,
    plugin: Option<String>,
}

fn folder() -> PathBuf {
    fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/c")).expect("tests/c")
}

fn programs() -> Vec<Program> {
    let only = env::var("HEAPWRIGHT_ONLY").ok();
    let mut programs: Vec<Program> = fs::read_dir(folder())
        .expect("tests/c")
        .map(|entry| entry.expect("an entry of tests/c").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "c" || extension == "cc"))
        .map(|path| program(&path))
        .filter(|program| only.as_ref().is_none_or(|only| *only == program.name))
        .collect();
    programs.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(!programs.is_empty(), "no program in {} (HEAPWRIGHT_ONLY={only:?})", folder().display());
    programs
}

fn program(source: &Path) -> Program {
    let text = fs::read_to_string(source).expect("a program's text");
    let words = |key: &str| -> Vec<String> {
        let prefix = format!("// {key}: ");
        let line = text.lines().find_map(|line| line.strip_prefix(&prefix)).unwrap_or("");
        line.split_whitespace().map(str::to_owned).collect()
    };
    let runs = words("runs");
    assert!(!runs.is_empty(), "{} does not say how it runs", source.display());
    Program {
        name: source.file_stem().expect("a file name").to_string_lossy().into_owned(),
        source: source.to_path_buf(),
        runs,
        flags: words("flags"),
        plugin: words("plugin").pop(),
    }
}

fn compiler(source: &Path) -> Command {
    let cxx = source.extension().is_some_and(|extension| extension == "cc");
    let mut command = Command::new(if cxx { "c++" } else { "cc" });
    command.current_dir(folder());
    command.args(["-O2", "-g", "-Wall", "-Wextra"]);
    // The programs do on purpose what these warn about.
    for warning in ["alloc-size-larger-than", "free-nonheap-object", "use-after-free", "unused-result"] {
        command.arg(format!("-Wno-{warning}"));
    }
    command
}

fn compiled(command: &mut Command) -> Result<(), String> {
    let output = common::output(command);
    if output.status.success() {
        return Ok(());
    }
    Err(format!("does not compile:\n{}", String::from_utf8_lossy(&output.stderr)))
}

/// The program's file for a kind of run, compiled once.
fn executable(program: &Program, run: Run) -> Result<PathBuf, String> {
    type Slot = Arc<OnceLock<Result<PathBuf, String>>>;
    static FILES: Mutex<Option<HashMap<(String, Run), Slot>>> = Mutex::new(None);
    let kind = run.built_as();
    let slot = {
        let mut files = FILES.lock().expect("no test panics while it holds this");
        files.get_or_insert_default().entry((program.name.clone(), kind)).or_default().clone()
    };
    slot.get_or_init(|| build(program, kind)).clone()
}

fn build(program: &Program, kind: Run) -> Result<PathBuf, String> {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("conformance").join(kind.name());
    fs::create_dir_all(&out).expect("a folder for the programs");
    let file = out.join(&program.name);
    let mut command = compiler(&program.source);
    command.arg(&program.source).args(&program.flags).arg("-o").arg(&file);
    match kind {
        Run::Linked => {
            let library = common::library_folder();
            command
                .arg("-L")
                .arg(library)
                .arg("-lheapwright")
                .arg(format!("-Wl,-rpath,{}", library.display()));
        }
        Run::Static => {
            command.arg(common::library_folder().join("libheapwright.a")).args(["-pthread", "-ldl"]);
        }
        Run::FullStatic => {
            command.arg("-static").arg(common::library_folder().join("libheapwright.a")).arg("-pthread");
        }
        Run::Plain | Run::Preload | Run::Both => {}
    }
    compiled(&mut command)?;
    Ok(file)
}

fn plugin(name: &str) -> Result<PathBuf, String> {
    let source = folder().join("plugins").join(name);
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("conformance/plugins");
    fs::create_dir_all(&out).expect("a folder for the plugins");
    // The name is the process's and the test's own: two tests may build the same plugin at once.
    static SERIAL: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let serial = SERIAL.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let file = out.join(format!("{name}.{}.{serial}.so", std::process::id()));
    compiled(compiler(&source).args(["-shared", "-fPIC"]).arg(&source).arg("-o").arg(&file))?;
    Ok(file)
}

/// Why a program did not pass.
enum Outcome {
    Passed,
    CannotTry(String),
    Failed(String),
}

fn perform(program: &Program, run: Run) -> Outcome {
    let plugin = match program.plugin.as_deref().map(plugin).transpose() {
        Ok(plugin) => plugin,
        Err(why) => return Outcome::Failed(why),
    };
    let mut command = match executable(program, run) {
        Ok(file) => Command::new(file),
        Err(why) => return Outcome::Failed(why),
    };
    command.current_dir(folder());
    // Cargo puts its development build's folder into LD_LIBRARY_PATH, before any path in the program.
    for name in ["HEAPWRIGHT_CONF", "LD_PRELOAD", "LD_LIBRARY_PATH"] {
        command.env_remove(name);
    }
    let library = common::library_folder().join("libheapwright.so");
    command.env("HW_LIBRARY", &library);
    if let Some(plugin) = &plugin {
        command.env("HW_PLUGIN", plugin);
    }
    if run.preloads() {
        command.env("LD_PRELOAD", &library);
    }
    let outcome = judge(&mut command);
    if let Some(plugin) = plugin {
        let _ = fs::remove_file(plugin);
    }
    outcome
}

/// Runs a program with a time limit. Its output goes to a file: a pipe would wait for its grandchildren.
fn judge(command: &mut Command) -> Outcome {
    let log = tempfile();
    let file = fs::File::create(&log).expect("a file for the output");
    let copy = file.try_clone().expect("a second handle");
    let mut child =
        command.stdin(Stdio::null()).stdout(file).stderr(copy).spawn().expect("start the program");
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("wait for the program") {
            break status;
        }
        if start.elapsed() > LIMIT {
            let _ = child.kill();
            let _ = child.wait();
            return Outcome::Failed(format!("still running after {LIMIT:?}; {}", take(&log)));
        }
        sleep(Duration::from_millis(2));
    };
    let said = take(&log);
    match status.code() {
        Some(0) if said.is_empty() => Outcome::Passed,
        Some(0) => Outcome::Failed(format!("passed, but printed: {said}")),
        Some(CANNOT_TRY) => Outcome::CannotTry(said),
        Some(code) => Outcome::Failed(format!("exit status {code}: {said}")),
        None => Outcome::Failed(format!("killed by signal {}: {said}", status.signal().unwrap_or(0))),
    }
}

fn tempfile() -> PathBuf {
    static SERIAL: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let serial = SERIAL.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("conformance-{}-{serial}.log", std::process::id()))
}

fn take(log: &Path) -> String {
    let text = String::from_utf8_lossy(&fs::read(log).unwrap_or_default()).trim().to_owned();
    let _ = fs::remove_file(log);
    text
}

fn all_pass(run: Run) {
    let mut failures = String::new();
    let mut ran = 0;
    for program in programs() {
        if !program.runs.iter().any(|name| name == run.name()) {
            continue;
        }
        ran += 1;
        match perform(&program, run) {
            Outcome::Passed => {}
            Outcome::CannotTry(why) => {
                println!("{} ({}): CANNOT BE TRIED HERE: {why}", program.name, run.name())
            }
            Outcome::Failed(why) => {
                writeln!(failures, "{} ({}): {why}", program.name, run.name()).expect("text")
            }
        }
    }
    assert!(ran > 0 || env::var_os("HEAPWRIGHT_ONLY").is_some(), "no program says `runs: {}`", run.name());
    assert!(failures.is_empty(), "\n{failures}");
}

#[test]
fn plain() {
    all_pass(Run::Plain);
}

#[test]
fn preload() {
    all_pass(Run::Preload);
}

#[test]
fn linked() {
    all_pass(Run::Linked);
}

#[test]
fn linked_statically() {
    all_pass(Run::Static);
}

#[test]
fn two_copies() {
    all_pass(Run::Both);
}

#[test]
fn fully_static() {
    all_pass(Run::FullStatic);
}

/// The exit status of a program that the machine does not let try.
const CANNOT_TRY: i32 = 77;

const LIMIT: Duration = Duration::from_secs(120);
