//! One run: the library in front of a program, and a private folder in which its processes leave statistics.

use super::stats::Records;
use crate::library::{self, Library};
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The library and the folder of a run; the folder goes with the value.
pub struct Session {
    library: Library,
    folder: Result<PathBuf, String>,
}

impl Session {
    /// Makes the folder. A run without one works, and counts nothing.
    pub fn open(library: Library) -> Self {
        Session { library, folder: library::private() }
    }

    /// The library of this run.
    pub fn library(&self) -> &Library {
        &self.library
    }

    /// Why there will be no statistics, if so.
    pub fn uncounted(&self) -> Option<&str> {
        self.folder.as_ref().err().map(String::as_str)
    }

    /// A command that starts `program` under the library, with `settings` for it.
    pub fn command(&self, program: &Path, settings: &[String]) -> Command {
        let mut command = Command::new(program);
        command.env("LD_PRELOAD", preload_list(&self.library.path));
        let folder = self.folder.as_deref().ok();
        let conf = conf(env::var_os("HEAPWRIGHT_CONF").as_deref(), settings, folder);
        if !conf.is_empty() {
            command.env("HEAPWRIGHT_CONF", conf);
        }
        command
    }

    /// What the processes of the run left; `pid` is the program's own.
    pub fn records(&self, pid: u32) -> Records {
        self.folder.as_ref().map(|folder| Records::read(folder, pid)).unwrap_or_default()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Ok(folder) = &self.folder {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

/// `LD_PRELOAD` for the program: `library`, then what the caller has set.
pub fn preload_list(library: &Path) -> OsString {
    let mut list = library.as_os_str().to_owned();
    if let Some(others) = env::var_os("LD_PRELOAD").filter(|others| !others.is_empty()) {
        list.push(":");
        list.push(others);
    }
    list
}

/// `HEAPWRIGHT_CONF` for the program: what the caller has set, then `settings`, then the folder for statistics. A
/// folder that the caller has set is left out: the files would be theirs, or nobody's.
pub fn conf(set: Option<&OsStr>, settings: &[String], folder: Option<&Path>) -> OsString {
    let set = set.unwrap_or_default().as_bytes().split(|byte| *byte == b',');
    let set = set.filter(|item| !item.is_empty() && !item.trim_ascii_start().starts_with(b"stats="));
    let mut items: Vec<Vec<u8>> = set.map(<[u8]>::to_vec).collect();
    items.extend(settings.iter().map(|setting| setting.clone().into_bytes()));
    if let Some(folder) = folder {
        items.push([b"stats=", folder.as_os_str().as_bytes()].concat());
    }
    OsString::from_vec(items.join(&b','))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_after_what_the_caller_has_set_and_our_folder_last() {
        let set = OsStr::new("verbose=1,stats=/other,,foreign=ignore");
        let folder = Path::new("/nowhere/run");
        let both = conf(Some(set), &["verbose=0".to_owned()], Some(folder));
        assert_eq!(both, "verbose=1,foreign=ignore,verbose=0,stats=/nowhere/run");
        assert_eq!(conf(None, &[], Some(folder)), "stats=/nowhere/run");
        assert_eq!(conf(Some(OsStr::new("stats=/other")), &[], None), "");
    }
}
