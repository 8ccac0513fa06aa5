//! Programs that start with more rights than their caller: the loader takes no library from the caller then.

use rustix::fs::{StatVfsMountFlags, getxattr_query, statvfs};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

const SET_UID: u32 = 0o4000;
const SET_GID: u32 = 0o2000;
const GROUP_EXECUTE: u32 = 0o010;

/// Why starting the file raises its rights, if it does.
///
/// The conditions are the kernel's: a bit counts only if it changes the user or group, and neither on a
/// file system mounted `nosuid` nor in a process that gave up gaining rights.
pub fn raised(path: &Path) -> Option<String> {
    let metadata = fs::metadata(path).ok()?;
    let nosuid = statvfs(path).is_ok_and(|system| system.f_flag.contains(StatVfsMountFlags::NOSUID));
    if nosuid || gave_up_gaining() {
        return None;
    }
    let (user, group) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    let mode = metadata.mode();
    if mode & SET_UID != 0 && metadata.uid() != user {
        return Some(format!("is set-uid (it takes the rights of user {})", metadata.uid()));
    }
    if mode & SET_GID != 0 && mode & GROUP_EXECUTE != 0 && metadata.gid() != group {
        return Some(format!("is set-gid (it takes the rights of group {})", metadata.gid()));
    }
    // Root has the capabilities already.
    if user != 0 && getxattr_query(path, "security.capability").is_ok() {
        return Some("has file capabilities".to_owned());
    }
    None
}

/// `PR_SET_NO_NEW_PRIVS`, where `/proc` tells.
fn gave_up_gaining() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().any(|line| line.strip_prefix("NoNewPrivs:").is_some_and(|value| value.trim() == "1"))
}
