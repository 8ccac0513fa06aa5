//! What the real programs need from the system, and how it gets there.

use super::script::{Need, Script};
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Why `script` cannot run here, and what would help; nothing where all is installed.
pub fn missing(script: &Script) -> Option<String> {
    reason(&absent(&script.needs, &env::var_os("PATH").unwrap_or_default()))
}

/// Installs the packages that `scripts` lack. What fails is said, and shows again as a missing program.
pub fn install(scripts: &[Script], say: &dyn Fn(&str)) {
    let path = env::var_os("PATH").unwrap_or_default();
    let all: Vec<Need> = scripts.iter().flat_map(|script| script.needs.clone()).collect();
    let wanted = packages(&absent(&all, &path));
    if wanted.is_empty() {
        return;
    }
    say(&format!("installing {}", wanted.join(" ")));
    let begun = apt(&["update", "-q"]).and_then(|()| apt(&install_arguments(&wanted)));
    let Err(error) = begun else { return };
    // One package that the system does not know keeps all the others out: each by itself, then.
    say(&format!("{error}: trying each package by itself"));
    for package in wanted {
        if let Err(error) = apt(&install_arguments(&[package])) {
            say(&format!("{package}: {error}"));
        }
    }
}

/// The needs that `path`, a value of `PATH`, does not meet.
fn absent<'a>(needs: &'a [Need], path: &OsStr) -> Vec<&'a Need> {
    let met = |need: &&Need| {
        let command = Path::new(&need.command);
        if command.is_absolute() {
            expand(&need.command).iter().any(|file| executable(file))
        } else {
            found(command, path)
        }
    };
    needs.iter().filter(|need| !met(need)).collect()
}

/// The paths that `command` stands for: a `*` in it is any one folder, as the version of a server.
fn expand(command: &str) -> Vec<PathBuf> {
    let Some((above, below)) = command.split_once("/*/") else { return vec![PathBuf::from(command)] };
    let folders = fs::read_dir(above).into_iter().flatten().flatten();
    folders.map(|folder| folder.path().join(below)).collect()
}

fn found(command: &Path, path: &OsStr) -> bool {
    env::split_paths(path).any(|folder| executable(&folder.join(command)))
}

fn executable(file: &Path) -> bool {
    file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

fn packages<'a>(needs: &[&'a Need]) -> Vec<&'a str> {
    let mut packages: Vec<&str> = needs.iter().map(|need| need.package.as_str()).collect();
    packages.sort_unstable();
    packages.dedup();
    packages
}

fn reason(absent: &[&Need]) -> Option<String> {
    if absent.is_empty() {
        return None;
    }
    let commands: Vec<&str> = absent.iter().map(|need| need.command.as_str()).collect();
    let verb = if commands.len() == 1 { "is" } else { "are" };
    Some(format!(
        "{} {verb} not installed: apt-get install {}",
        commands.join(" "),
        packages(absent).join(" ")
    ))
}

fn install_arguments<'a>(packages: &[&'a str]) -> Vec<&'a str> {
    [&["install", "-q", "-y", "--no-install-recommends"], packages].concat()
}

/// Runs `apt-get`, as root or by a `sudo` that asks nothing.
fn apt(arguments: &[&str]) -> Result<(), String> {
    let mut command = if is_root() {
        Command::new("apt-get")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.args(["-n", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        sudo
    };
    command
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .env_remove("LD_PRELOAD")
        .stdin(Stdio::null());
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{name} cannot be started: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    let last = errors.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it gave no reason");
    Err(format!("apt-get {}: {}", arguments[0], last.trim()))
}

/// Whether this process may install packages: it owns itself in `/proc`.
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    Path::new("/proc/self").metadata().is_ok_and(|data| data.uid() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(list: &[(&str, &str)]) -> Vec<Need> {
        let need = |(command, package): &(&str, &str)| Need {
            command: (*command).into(),
            package: (*package).into(),
        };
        list.iter().map(need).collect()
    }

    #[test]
    fn what_is_not_there_is_named_with_its_package() {
        let needs = needs(&[("sh", "dash"), ("no-such-server", "server"), ("no-such-client", "client")]);
        let absent = absent(&needs, OsStr::new("/usr/bin:/bin"));
        assert_eq!(
            reason(&absent).unwrap(),
            "no-such-server no-such-client are not installed: apt-get install client server"
        );
    }

    #[test]
    fn a_whole_path_is_that_file_and_no_other() {
        let needs = needs(&[("/bin/sh", "dash"), ("/nonexistent/sh", "other")]);
        let absent = absent(&needs, OsStr::new("/usr/bin:/bin"));
        assert_eq!(packages(&absent), ["other"]);
    }

    #[test]
    fn a_star_is_any_one_folder() {
        let needs =
            needs(&[("/usr/*/sh", "met"), ("/usr/*/no-such-command", "a"), ("/nonexistent/*/sh", "b")]);
        assert_eq!(packages(&absent(&needs, OsStr::new(""))), ["a", "b"]);
    }

    #[test]
    fn a_folder_or_a_file_that_is_no_program_does_not_meet_a_need() {
        let needs = needs(&[("passwd", "a"), ("ssl", "b")]);
        assert_eq!(absent(&needs, OsStr::new("/etc")).len(), 2);
        assert!(reason(&[]).is_none());
    }
}
