//! Where the scripts run before anything is measured: their folders, the witness, and a limit of time.

use super::script::Script;
use crate::children::{Group, sealed};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A folder in which scripts run, with the witness built.
pub struct Stage {
    folder: PathBuf,
    witness: PathBuf,
    limit: Duration,
}

impl Stage {
    /// Makes `folder` and builds the witness in it.
    ///
    /// # Errors
    /// A line that says what failed.
    pub fn open(root: &Path, folder: &Path) -> Result<Stage, String> {
        make_folder(folder)?;
        let folder = folder.canonicalize().map_err(|error| format!("{}: {error}", folder.display()))?;
        let witness = folder.join("witness.so");
        let mut cc = Command::new("cc");
        cc.args(["-O1", "-shared", "-fPIC", "-fno-builtin", "-Wl,-z,now", "-o"]);
        cc.arg(&witness).arg(root.join("tests/preload/witness.c")).arg("-ldl");
        let built =
            cc.output().map_err(|error| format!("cc cannot be started ({error}): apt-get install gcc"))?;
        if !built.status.success() {
            return Err(format!("the witness cannot be built: {}", last_line(&built.stderr)));
        }
        Ok(Stage { folder, witness, limit: LIMIT })
    }

    /// Runs `prepare` in an empty folder; that folder.
    ///
    /// # Errors
    /// A line that says what failed.
    pub fn prepare(&self, script: &Script) -> Result<PathBuf, String> {
        let folder = self.folder.join(&script.name);
        if folder.exists() {
            fs::remove_dir_all(&folder)
                .map_err(|error| format!("{} cannot be emptied: {error}", folder.display()))?;
        }
        make_folder(&folder)?;
        self.start(script, "prepare", None, &[], &[])?;
        Ok(folder)
    }

    /// Runs the script at `size`; what it prints.
    ///
    /// # Errors
    /// A line that says what failed.
    pub fn run(
        &self,
        script: &Script,
        size: &str,
        environment: &[(String, OsString)],
    ) -> Result<String, String> {
        self.start(script, "run", Some(size), environment, &[])
    }

    /// Runs the script with the witness behind the library `preload`; what the witness wrote.
    ///
    /// # Errors
    /// A line that says what failed.
    pub fn testify(
        &self,
        script: &Script,
        size: &str,
        environment: &[(String, OsString)],
        preload: Option<&OsStr>,
    ) -> Result<String, String> {
        let book = self.folder.join("witness.txt");
        // Any user may write in it: a program may run as another.
        fs::write(&book, "")
            .and_then(|()| fs::set_permissions(&book, Permissions::from_mode(0o666)))
            .map_err(|error| format!("{} cannot be written: {error}", book.display()))?;
        let mut objects = OsString::new();
        if let Some(library) = preload {
            objects.push(library);
            objects.push(" ");
        }
        objects.push(&self.witness);
        let testimony = [
            ("LD_PRELOAD".to_owned(), objects),
            ("CORPUS_WITNESS".to_owned(), book.clone().into_os_string()),
        ];
        self.start(script, "run", Some(size), environment, &testimony)?;
        fs::read_to_string(&book).map_err(|error| format!("{} cannot be read: {error}", book.display()))
    }

    /// Runs the script to its end; what it prints. Its output goes to files: a server that it leaves behind by
    /// mistake would keep a pipe open.
    fn start(
        &self,
        script: &Script,
        verb: &str,
        size: Option<&str>,
        environment: &[(String, OsString)],
        more: &[(String, OsString)],
    ) -> Result<String, String> {
        let folder = self.folder.join(&script.name);
        let paths = ["out", "err"].map(|kind| self.folder.join(format!("{}.{kind}", script.name)));
        let create = |path: &Path| File::create(path).map_err(|error| format!("{}: {error}", path.display()));
        let mut command = Command::new("/bin/sh");
        command.args(arguments(script, verb, &folder, size)).current_dir(&folder);
        sealed(&mut command).envs(environment.iter().chain(more).map(|(name, value)| (name, value)));
        command.stdout(create(&paths[0])?).stderr(create(&paths[1])?);
        let group =
            Group::start(&mut command).map_err(|error| format!("/bin/sh cannot be started: {error}"))?;
        let ended =
            group.wait(self.limit).map_err(|error| format!("its end cannot be waited for: {error}"))?;
        let errors = fs::read(&paths[1]).unwrap_or_default();
        match ended {
            None => {
                Err(format!("`{verb}` was stopped after {} s: {}", self.limit.as_secs(), last_line(&errors)))
            }
            Some(status) if !status.success() => {
                Err(format!("`{verb}` failed ({status}): {}", last_line(&errors)))
            }
            Some(_) => {
                fs::read_to_string(&paths[0]).map_err(|error| format!("its output cannot be read: {error}"))
            }
        }
    }
}

/// The arguments of `/bin/sh` for one verb of the script.
pub fn arguments(script: &Script, verb: &str, folder: &Path, size: Option<&str>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = vec![script.path.clone().into(), verb.into(), folder.into()];
    arguments.extend(size.map(OsString::from));
    arguments
}

/// Makes a folder that other users may enter: a server may refuse to run as root.
fn make_folder(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder)
        .and_then(|()| fs::set_permissions(folder, Permissions::from_mode(0o755)))
        .map_err(|error| format!("{} cannot be made: {error}", folder.display()))
}

/// The last line that says something.
fn last_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it gave no reason");
    line.trim().chars().take(200).collect()
}

/// How long a script may take: a run takes about a second, and `prepare` of a database some more.
const LIMIT: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::real::script;
    use std::thread;
    use std::time::Instant;

    #[test]
    fn a_script_that_hangs_is_ended_with_what_it_started() {
        let root = std::env::temp_dir().join(format!("heapwright-stage-{}", std::process::id()));
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut stage = Stage::open(&sources, &root).unwrap();
        stage.limit = Duration::from_millis(500);
        let text = "# needs: a=b\n# serves: a\n# about: Hangs.\n\
            if [ \"$1\" = run ]; then sleep 500 & echo $! > child; echo waiting >&2; wait; fi\n";
        let path = root.join("hangs.sh");
        fs::write(&path, text).unwrap();
        let script = script::parse("hangs", &path, text).unwrap();
        let folder = stage.prepare(&script).unwrap();
        let reason = stage.run(&script, "full", &[]).unwrap_err();
        assert!(reason.contains("stopped") && reason.contains("waiting"), "{reason}");
        let child = fs::read_to_string(folder.join("child")).unwrap();
        // A signal has been sent, and takes effect when the kernel next lets the process run.
        let ended = || match fs::read_to_string(format!("/proc/{}/stat", child.trim())) {
            Ok(state) => state.contains(") Z "),
            Err(_) => true,
        };
        let until = Instant::now() + Duration::from_secs(10);
        while !ended() && Instant::now() < until {
            thread::sleep(Duration::from_millis(10));
        }
        assert!(ended());
        fs::remove_dir_all(&root).unwrap();
    }
}
