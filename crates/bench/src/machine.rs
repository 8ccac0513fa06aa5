//! The machine and the tools, as far as they can change a result.

use crate::results::Machine;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Looks at this machine, and at the tree in `root`.
pub fn look(root: &Path) -> Machine {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpuinfo = read("/proc/cpuinfo");
    let processor = value(&cpuinfo, "model name", ':').or_else(|| value(&cpuinfo, "Hardware", ':'));
    let memory = value(&read("/proc/meminfo"), "MemTotal", ':');
    let memory = memory.and_then(|text| text.split(' ').next()?.parse::<u64>().ok()).unwrap_or(0) << 10;
    let system = value(&read("/etc/os-release"), "PRETTY_NAME", '=');
    Machine {
        processor: processor.unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
        cores: std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32),
        memory,
        kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
        system: system.map_or_else(|| "unknown".to_owned(), |name| name.trim_matches('"').to_owned()),
        page: rustix::param::page_size() as u64,
        huge_pages: chosen(&read("/sys/kernel/mm/transparent_hugepage/enabled")),
        rustc: first_line(Command::new("rustc").arg("--version")),
        cc: first_line(Command::new("cc").arg("--version")),
        commit: commit(root),
        load: load(),
    }
}

/// The load average of the last minute.
pub fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|text| text.parse().ok()).unwrap_or(0.0)
}

/// The value of the first line that begins with `name`.
fn value(text: &str, name: &str, separator: char) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(separator)?.1.trim().to_owned())
}

/// The word in brackets, as in `always [madvise] never`.
fn chosen(text: &str) -> String {
    let word = text.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
    word.map_or_else(|| "unknown".to_owned(), |(word, _)| word.to_owned())
}

fn first_line(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().map_or_else(|| "unknown".to_owned(), str::to_owned)
}

/// The commit, with `+` if the files that are measured differ from it.
fn commit(root: &Path) -> String {
    let git = |words: &[&str]| first_line(Command::new("git").arg("-C").arg(root).args(words));
    let changed = git(&["status", "--porcelain", "--untracked-files=no", "--", "crates", "Cargo.lock"]);
    let mark = if changed == "unknown" { "" } else { "+" };
    format!("{}{mark}", git(&["rev-parse", "--short=12", "HEAD"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernel_files_are_read() {
        assert_eq!(chosen("always [madvise] never\n"), "madvise");
        assert_eq!(chosen(""), "unknown");
        assert_eq!(
            value("a : 1\nmodel name\t: Some CPU @ 2 GHz\n", "model name", ':').unwrap(),
            "Some CPU @ 2 GHz"
        );
        assert_eq!(value("", "model name", ':'), None);
    }

    #[test]
    fn this_machine_has_a_processor_and_memory() {
        let machine = look(Path::new(env!("CARGO_MANIFEST_DIR")));
        assert!(machine.cores >= 1 && machine.memory > 1 << 26 && machine.page >= 4096);
        assert!(machine.rustc.starts_with("rustc"), "{}", machine.rustc);
    }
}
