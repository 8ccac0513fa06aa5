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
        let mut list = self.library.path.clone().into_os_string();
        if let Some(others) = env::var_os("LD_PRELOAD").filter(|others| !others.is_empty()) {
            list.push(":");
            list.push(others);
        }
        command.env("LD_PRELOAD", list);
        let conf = self.conf(env::var_os("HEAPWRIGHT_CONF").as_deref(), settings);
        if !conf.is_empty() {
            command.env("HEAPWRIGHT_CONF", conf);
        }
        command
    }

    /// `HEAPWRIGHT_CONF` for the program: what the caller has set, then `settings`, then our folder.
    fn conf(&self, set: Option<&OsStr>, settings: &[String]) -> OsString {
        let set = set.unwrap_or_default().as_bytes().split(|byte| *byte == b',');
        let set = set.filter(|item| !item.is_empty() && !item.trim_ascii_start().starts_with(b"stats="));
        let mut items: Vec<Vec<u8>> = set.map(<[u8]>::to_vec).collect();
        items.extend(settings.iter().map(|setting| setting.clone().into_bytes()));
        if let Ok(folder) = &self.folder {
            items.push([b"stats=", folder.as_os_str().as_bytes()].concat());
        }
        OsString::from_vec(items.join(&b','))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::Origin;

    #[test]
    fn settings_come_after_what_the_caller_has_set_and_our_folder_last() {
        let library = Library { path: "/lib/x.so".into(), origin: Origin::Option };
        let session = Session { library, folder: Ok("/nowhere/run".into()) };
        let conf = session
            .conf(Some(OsStr::new("verbose=1,stats=/other,,foreign=ignore")), &["verbose=0".to_owned()]);
        assert_eq!(conf, "verbose=1,foreign=ignore,verbose=0,stats=/nowhere/run");
        assert_eq!(session.conf(None, &[]), "stats=/nowhere/run");
    }
}
