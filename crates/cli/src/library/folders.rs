//! Folders we may write to, in the order of preference, and whether they can be trusted.

use std::env;
use std::fs::{self, DirBuilder, Metadata, Permissions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A place for a folder of ours: what must be there, and what we make below it.
pub struct Candidate {
    /// A folder that is there; never made.
    pub anchor: PathBuf,
    /// Folders below the anchor, made when they are missing.
    pub below: Vec<String>,
}

fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

/// Where unpacked files may live, best first.
pub fn caches() -> Vec<Candidate> {
    let ours = |anchor: PathBuf, below: &[&str]| Candidate {
        anchor,
        below: below.iter().map(|name| name.to_string()).collect(),
    };
    let mine = format!("heapwright-{}", user());
    let mut list = Vec::new();
    match variable("XDG_CACHE_HOME") {
        Some(cache) => list.push(ours(cache, &["heapwright"])),
        None => list.extend(variable("HOME").map(|home| ours(home, &[".cache", "heapwright"]))),
    }
    list.extend(variable("XDG_RUNTIME_DIR").map(|folder| ours(folder, &["heapwright"])));
    list.extend(variable("TMPDIR").map(|folder| ours(folder, &[&mine])));
    list.extend(["/tmp", "/var/tmp", "/dev/shm"].map(|folder| ours(folder.into(), &[&mine])));
    if user() == 0 {
        // A daemon started by root gives its rights up and starts children, which load the library too.
        list.sort_by_key(|candidate| !open_to_all(&candidate.anchor));
    }
    list
}

/// Whether any user may walk to `folder`.
fn open_to_all(folder: &Path) -> bool {
    folder.ancestors().all(|part| fs::metadata(part).is_ok_and(|metadata| metadata.mode() & 0o001 != 0))
}

impl Candidate {
    /// The folder, made if it has to be, or why it will not do.
    pub fn open(&self) -> Result<PathBuf, String> {
        trusted_anchor(&self.anchor)?;
        let mut folder = self.anchor.clone();
        for name in &self.below {
            folder.push(name);
            make(&folder)?;
        }
        let metadata = fs::symlink_metadata(&folder).map_err(|error| why(&folder, &error))?;
        if !metadata.is_dir() || metadata.uid() != user() || metadata.mode() & 0o022 != 0 {
            return Err(format!("{} is not a folder that only you can write", folder.display()));
        }
        Ok(folder)
    }
}

/// Makes a folder that all may read, whatever the umask: children of the program that run as somebody else
/// load the library too. One that is there already stays as it is.
pub fn make(folder: &Path) -> Result<(), String> {
    match DirBuilder::new().mode(0o755).create(folder) {
        Ok(()) => {
            fs::set_permissions(folder, Permissions::from_mode(0o755)).map_err(|error| why(folder, &error))
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(why(folder, &error)),
    }
}

/// A folder that others write to must be sticky: nobody can then take our folder away.
fn trusted_anchor(anchor: &Path) -> Result<(), String> {
    let metadata = fs::metadata(anchor).map_err(|error| why(anchor, &error))?;
    let shown = anchor.display();
    if !metadata.is_dir() {
        return Err(format!("{shown} is not a folder"));
    }
    if !owner_is_trusted(&metadata) {
        return Err(format!("{shown} belongs to another user"));
    }
    if metadata.mode() & 0o022 != 0 && metadata.mode() & 0o1000 == 0 {
        return Err(format!("{shown} can be written by others and is not sticky"));
    }
    Ok(())
}

fn owner_is_trusted(metadata: &Metadata) -> bool {
    metadata.uid() == user() || metadata.uid() == 0
}

/// A path and what went wrong with it, without the error's number.
pub fn why(path: &Path, error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or("");
    format!("{}: {text}", path.display())
}

/// A new folder for one run that only this user can enter, below the usual places for such.
pub fn private() -> Result<PathBuf, String> {
    let anchors = [
        variable("TMPDIR"),
        Some("/tmp".into()),
        Some("/dev/shm".into()),
        variable("XDG_RUNTIME_DIR"),
        Some("/var/tmp".into()),
    ];
    let mut tried = Vec::new();
    for anchor in anchors.into_iter().flatten() {
        // The path is a value in HEAPWRIGHT_CONF.
        if anchor
            .as_os_str()
            .as_encoded_bytes()
            .iter()
            .any(|byte| *byte == b',' || byte.is_ascii_whitespace())
        {
            tried.push(format!("{} has a comma or a space in it", anchor.display()));
            continue;
        }
        let unique = RandomState::new().build_hasher().finish();
        let folder = anchor.join(format!("heapwright-run-{}-{unique:016x}", std::process::id()));
        match trusted_anchor(&anchor).and_then(|()| {
            DirBuilder::new().mode(0o700).create(&folder).map_err(|error| why(&folder, &error))
        }) {
            Ok(()) => return Ok(folder),
            Err(reason) => tried.push(reason),
        }
    }
    Err(tried.join("; "))
}
