//! The scripts of the real programs, and what their headers say.

use crate::results::Missing;
use std::fs;
use std::path::{Path, PathBuf};

/// One program: `NAME.sh prepare DIR` makes its inputs, `NAME.sh run DIR SIZE` is measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The name of the row: the file's, without `.sh`.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// What must be installed (`# needs: COMMAND=PACKAGE …`).
    pub needs: Vec<Need>,
    /// The executables that must be seen to be served (`# serves: NAME …`); `*` stands for any text, and one of
    /// several names between `|` will do.
    pub serves: Vec<String>,
    /// What it does (`# about: …`).
    pub about: String,
}

/// A command, and Debian's package that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// A name to be found in `PATH`, or a whole path where only that one will do; `*` in it is any one folder.
    pub command: String,
    /// The package.
    pub package: String,
}

/// Every script in `folder`, by name; one that cannot be read goes to `missing`.
pub fn all(folder: &Path, missing: &mut Vec<Missing>) -> Vec<Script> {
    let mut scripts = Vec::new();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            let reason =
                format!("{} cannot be read: {error}; run it in the tree of the sources", folder.display());
            missing.push(Missing { name: "real programs".to_owned(), reason });
            return scripts;
        }
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        let Some(name) =
            path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".sh"))
        else {
            continue;
        };
        let read = fs::read_to_string(&path).map_err(|error| format!("its script cannot be read: {error}"));
        match read.and_then(|text| parse(name, &path, &text)) {
            Ok(script) => scripts.push(script),
            Err(reason) => missing.push(Missing { name: name.to_owned(), reason }),
        }
    }
    scripts.sort_by(|a, b| a.name.cmp(&b.name));
    scripts
}

/// Reads the header: the lines of `text` that begin with `#`, up to the first that does not.
///
/// # Errors
/// A line that names the fault, for a header that leaves something out: a row without a witness proves nothing.
pub fn parse(name: &str, path: &Path, text: &str) -> Result<Script, String> {
    let mut script = Script {
        name: name.to_owned(),
        path: path.to_owned(),
        needs: Vec::new(),
        serves: Vec::new(),
        about: String::new(),
    };
    for line in text.lines().map_while(|line| line.strip_prefix('#')) {
        let Some((key, value)) = line.trim().split_once(": ") else { continue };
        match key {
            "needs" => {
                script.needs.extend(value.split_whitespace().map(need).collect::<Result<Vec<_>, _>>()?)
            }
            "serves" => script.serves.extend(value.split_whitespace().map(str::to_owned)),
            "about" => value.trim().clone_into(&mut script.about),
            _ => return Err(format!("its script's header has an unknown line `# {key}:`: remove it")),
        }
    }
    let left_out = [
        ("needs", script.needs.is_empty()),
        ("serves", script.serves.is_empty()),
        ("about", script.about.is_empty()),
    ];
    match left_out.iter().find(|(_, empty)| *empty) {
        Some((key, _)) => Err(format!("its script has no line `# {key}:` in its header: add one")),
        None => Ok(script),
    }
}

fn need(text: &str) -> Result<Need, String> {
    match text.split_once('=') {
        Some((command, package)) if !command.is_empty() && !package.is_empty() => {
            Ok(Need { command: command.to_owned(), package: package.to_owned() })
        }
        _ => Err(format!("its script's header needs `{text}`: write COMMAND=PACKAGE")),
    }
}
