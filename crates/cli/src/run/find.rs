//! Finds the program as a shell would, and says what is wrong where a shell says "not found".

use crate::failure::Failure;
use rustix::fs::{Access, AtFlags, CWD, StatVfsMountFlags, accessat, statvfs};
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// What `execvp` searches when there is no `PATH`.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// The file that `program` means, ready to be executed.
pub fn find(program: &OsStr) -> Result<PathBuf, Failure> {
    let shown = program.display();
    if program.is_empty() {
        return Err(Failure::not_found("the name of the program is empty", "name a program after `--`"));
    }
    if program.as_encoded_bytes().contains(&b'/') {
        let path = PathBuf::from(program);
        return executable(&path).map(|()| path);
    }
    let mut refused = None;
    let list = env::var_os("PATH").unwrap_or_else(|| DEFAULT_PATH.into());
    for folder in env::split_paths(&list) {
        let path =
            if folder.as_os_str().is_empty() { Path::new(".").join(program) } else { folder.join(program) };
        match executable(&path) {
            Ok(()) => return Ok(path),
            Err(failure) if path.is_file() => refused = refused.or(Some(failure)),
            Err(_) => {}
        }
    }
    if let Some(failure) = refused {
        return Err(failure);
    }
    let remedy = if Path::new(program).is_file() {
        format!("there is one in this folder: write ./{shown}")
    } else {
        "check its spelling, install it, or give its path".to_owned()
    };
    Err(Failure::not_found(format!("there is no program {shown} in PATH"), remedy))
}

/// Whether the kernel would start the file, and if not, why.
pub fn executable(path: &Path) -> Result<(), Failure> {
    let shown = path.display();
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) => return Err(unreachable(path, error.kind())),
    };
    if metadata.is_dir() {
        return Err(Failure::cannot_run(format!("{shown} is a folder"), "name a program in it"));
    }
    if !metadata.is_file() {
        return Err(Failure::cannot_run(format!("{shown} is not a plain file"), "name a program"));
    }
    if accessat(CWD, path, Access::EXEC_OK, AtFlags::EACCESS).is_ok() {
        return Ok(());
    }
    if statvfs(path).is_ok_and(|system| system.f_flag.contains(StatVfsMountFlags::NOEXEC)) {
        return Err(Failure::cannot_run(
            format!("{shown} lies on a file system that is mounted noexec"),
            "copy it to another file system, or mount that one without noexec",
        ));
    }
    if metadata.permissions().mode() & 0o111 != 0 {
        return Err(Failure::cannot_run(
            format!("{shown} may be executed by others, but not by you"),
            "run the command as a user who may, or change the file's permissions",
        ));
    }
    let remedy = match path.extension().and_then(OsStr::to_str) {
        Some("py") => format!("heapwright run -- python3 {shown}, or chmod +x {shown}"),
        Some("sh") => format!("heapwright run -- sh {shown}, or chmod +x {shown}"),
        _ => format!("chmod +x {shown}"),
    };
    Err(Failure::cannot_run(format!("{shown} is not executable"), remedy))
}

/// Why there is nothing to see at `path`.
fn unreachable(path: &Path, kind: ErrorKind) -> Failure {
    let shown = path.display();
    if let Ok(target) = fs::read_link(path) {
        let cause = format!("{shown} is a link to {}, which cannot be reached", target.display());
        return Failure::not_found(cause, "repair the link or name another program");
    }
    match kind {
        ErrorKind::PermissionDenied => Failure::cannot_run(
            format!("a folder on the way to {shown} is closed to you"),
            "run the command as a user who may enter it",
        ),
        ErrorKind::NotADirectory => {
            Failure::not_found(format!("there is no {shown}: a part of its path is a file"), "check the path")
        }
        _ => Failure::not_found(format!("there is no program {shown}"), "check its spelling"),
    }
}
