//! Unpacks a carried file to where programs can load it.
//!
//! The file lies in a folder named by its content's hash, below the first folder that works: writable,
//! ours alone, and not on a file system that forbids execution. It is written beside and renamed, so that a
//! program never sees half of it; one that is there already is used only if its content is right.

use super::folders::{self, Candidate, why};
use crate::failure::Failure;
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A file inside the command.
pub struct Carried {
    /// Its name when unpacked.
    pub name: &'static str,
    /// Its content.
    pub bytes: &'static [u8],
    /// SHA-256 of the content, in hexadecimal.
    pub hash: &'static str,
}

/// The path of the unpacked file.
pub fn unpack(carried: &Carried) -> Result<PathBuf, Failure> {
    let mut tried = Vec::new();
    for candidate in folders::caches() {
        match unpack_to(carried, &candidate) {
            Ok(path) => return Ok(path),
            Err(reason) => tried.push(reason),
        }
    }
    Err(Failure::tool(
        format!("{} cannot be unpacked where programs can load it ({})", carried.name, tried.join("; ")),
        "set XDG_CACHE_HOME to a folder of yours that is writable and not mounted noexec, or install \
         libheapwright.so and name it with --library PATH or HEAPWRIGHT_LIBRARY",
    ))
}

fn unpack_to(carried: &Carried, candidate: &Candidate) -> Result<PathBuf, String> {
    let folder = candidate.open()?;
    if !can_stand_in_a_list(&folder) {
        return Err(format!("{} has a space, a colon or a dollar in it", folder.display()));
    }
    if forbids_execution(&folder) {
        return Err(format!("{} is mounted noexec", folder.display()));
    }
    let folder = folder.join(&carried.hash[..16]);
    folders::make(&folder)?;
    let path = folder.join(carried.name);
    if !is_intact(&path, carried) {
        write_beside(&path, carried).map_err(|error| why(&path, &error))?;
    }
    if is_intact(&path, carried) {
        Ok(path)
    } else {
        Err(format!("{} does not keep what is written", path.display()))
    }
}

/// Whether the file at `path` is ours alone to write, may be executed, and has the carried content.
fn is_intact(path: &Path, carried: &Carried) -> bool {
    let Ok(metadata) = fs::symlink_metadata(path) else { return false };
    metadata.is_file()
        && metadata.mode() & 0o022 == 0
        && metadata.mode() & 0o555 == 0o555
        && metadata.uid() == rustix::process::geteuid().as_raw()
        && metadata.len() == carried.bytes.len() as u64
        && sha256(path).is_ok_and(|hash| hash == carried.hash)
}

fn write_beside(path: &Path, carried: &Carried) -> io::Result<()> {
    let beside = path.with_extension(format!("new-{}", std::process::id()));
    let _ = fs::remove_file(&beside);
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o755).open(&beside)?;
        file.write_all(carried.bytes)?;
        // The mode at creation is cut by the umask.
        file.set_permissions(fs::Permissions::from_mode(0o755))?;
        drop(file);
        fs::rename(&beside, path)
    };
    write().inspect_err(|_| {
        let _ = fs::remove_file(&beside);
    })
}

/// Whether the file system forbids executing (and so mapping as code) what lies on it.
fn forbids_execution(folder: &Path) -> bool {
    rustix::fs::statvfs(folder)
        .is_ok_and(|system| system.f_flag.contains(rustix::fs::StatVfsMountFlags::NOEXEC))
}

/// Whether a path can stand in `LD_PRELOAD`, whose entries are parted by spaces and colons, and where a
/// dollar begins a name that the loader replaces.
pub fn can_stand_in_a_list(path: &Path) -> bool {
    let special = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b':' | b'$');
    !path.as_os_str().as_encoded_bytes().iter().any(special)
}

/// SHA-256 of a file, in hexadecimal.
pub fn sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; 64 << 10];
    loop {
        match file.read(&mut piece)? {
            0 => break,
            len => hash.update(&piece[..len]),
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
