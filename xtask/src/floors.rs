//! Floors look down only: crates by their dependencies, modules by what they name.
//!
//! `floors.txt` lists crates and, in each, modules, bottom first. A crate may depend on crates above it in the list
//! (lower floors); a module may name `crate::X` only if X is above it in its section. A name that the crate root
//! re-exports counts as the module it comes from; `=Name` in the list is an item that the root itself makes. Modules
//! joined by `+` stand on one floor and may name each other, for which the list gives a reason. Tests may look anywhere; `lib.rs` and `main.rs` are the roof.

use crate::shell::root;
use crate::source;
use std::fs;
use std::path::Path;

/// A crate and its modules, bottom first.
#[derive(Debug, PartialEq)]
struct Floor {
    folder: String,
    /// Modules that may name each other are in one row.
    rows: Vec<Vec<String>>,
}

impl Floor {
    fn modules(&self) -> impl Iterator<Item = &String> {
        self.rows.iter().flatten()
    }

    fn place(&self, module: &str) -> Option<usize> {
        self.rows.iter().position(|row| row.iter().any(|it| it.trim_start_matches('=') == module))
    }
}

pub fn check() -> Result<(), String> {
    let floors = parse(&source::read(&root().join("floors.txt"))?)?;
    let mut wrong = crates(&floors)?;
    for floor in &floors {
        wrong.extend(modules(floor)?);
    }
    wrong.iter().for_each(|text| println!("{text}"));
    if wrong.is_empty() { Ok(()) } else { Err(format!("{} looks upward or off the list", wrong.len())) }
}

fn parse(text: &str) -> Result<Vec<Floor>, String> {
    let mut floors: Vec<Floor> = Vec::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or("").trim_end();
        match (line.trim(), line.starts_with(' '), floors.last_mut()) {
            ("", ..) => {}
            (folder, false, _) => floors.push(Floor { folder: folder.to_owned(), rows: Vec::new() }),
            (names, true, Some(floor)) => {
                let row = |names: &str| names.split('+').map(str::to_owned).collect();
                floor.rows.extend(names.split_whitespace().map(row));
            }
            (names, true, None) => return Err(format!("floors.txt: `{names}` belongs to no crate")),
        }
    }
    Ok(floors)
}

/// Members that are not listed, and dependencies that point up.
fn crates(floors: &[Floor]) -> Result<Vec<String>, String> {
    let manifest = source::read(&root().join("Cargo.toml"))?;
    let mut wrong: Vec<String> = members(&manifest)
        .filter(|member| !floors.iter().any(|floor| floor.folder == *member))
        .map(|member| format!("floors.txt does not say on which floor {member} is"))
        .collect();
    let mut below: Vec<String> = Vec::new();
    let all: Vec<String> = floors.iter().map(|floor| package(&floor.folder)).collect::<Result<_, _>>()?;
    for (floor, name) in floors.iter().zip(&all) {
        let manifest = source::read(&root().join(&floor.folder).join("Cargo.toml"))?;
        for dependency in dependencies(&manifest).filter(|name| all.contains(name)) {
            if !below.contains(&dependency) {
                wrong.push(format!("{} depends on {dependency}, which is not below it", floor.folder));
            }
        }
        below.push(name.clone());
    }
    Ok(wrong)
}

fn members(manifest: &str) -> impl Iterator<Item = &str> {
    let list = manifest.split("members = [").nth(1).and_then(|rest| rest.split(']').next()).unwrap_or("");
    list.split('"').skip(1).step_by(2)
}

fn package(folder: &str) -> Result<String, String> {
    let manifest = source::read(&root().join(folder).join("Cargo.toml"))?;
    let name = manifest.lines().find_map(|line| line.strip_prefix("name = "));
    name.map(|name| name.trim_matches('"').to_owned()).ok_or(format!("{folder}/Cargo.toml has no name"))
}

/// The names under `[dependencies]`, whatever the target; those of tests and build scripts may point anywhere.
fn dependencies(manifest: &str) -> impl Iterator<Item = String> {
    let mut section = "";
    let mut found = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
        } else if section.ends_with("dependencies]") && !section.contains("dev-") {
            let name: String =
                line.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect();
            if !name.is_empty() {
                found.push(name);
            }
        }
    }
    found.into_iter()
}

fn modules(floor: &Floor) -> Result<Vec<String>, String> {
    let sources = root().join(&floor.folder).join("src");
    let mut wrong = Vec::new();
    let present = present(&sources)?;
    for name in floor.modules().filter(|name| !name.starts_with('=') && !present.contains(name)) {
        wrong.push(format!("floors.txt lists {}: {name}, which does not exist", floor.folder));
    }
    for name in present.iter().filter(|name| floor.place(name).is_none()) {
        wrong.push(format!("floors.txt does not say where module {name} of {} is", floor.folder));
    }
    let roof = ["lib.rs", "main.rs"].iter().find_map(|name| fs::read_to_string(sources.join(name)).ok());
    let exports = exports(&roof.unwrap_or_default());
    for name in floor.modules() {
        let own = floor.place(name).unwrap_or(0);
        for file in files_of(&sources, name)? {
            let text = source::read(&file)?;
            let top = file.parent() == Some(&sources);
            for (line, upward) in upward(&text, own, floor, &exports, top) {
                wrong.push(format!("{}:{line}: {name} looks up: {upward}", source::shown(&file)));
            }
        }
    }
    Ok(wrong)
}

/// The modules directly below `src`.
fn present(sources: &Path) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(sources).map_err(|error| format!("{}: {error}", sources.display()))? {
        let path = entry.map_err(|error| format!("{}: {error}", sources.display()))?.path();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let rust = path.extension().is_some_and(|extension| extension == "rs");
        let test = stem == "tests" || stem.ends_with("_tests");
        if (path.is_dir() || rust) && !["lib", "main"].contains(&stem.as_str()) && !test {
            names.push(stem);
        }
    }
    names.sort();
    names.dedup();
    Ok(names)
}

/// The files of a module, without those of its tests.
fn files_of(sources: &Path, module: &str) -> Result<Vec<std::path::PathBuf>, String> {
    let mut files: Vec<_> =
        [sources.join(format!("{module}.rs"))].into_iter().filter(|it| it.exists()).collect();
    if sources.join(module).is_dir() {
        files.extend(source::rust_files_below(&sources.join(module))?);
    }
    files.retain(|file| {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        stem != "tests" && !stem.ends_with("_tests")
    });
    Ok(files)
}

/// Where a re-exported name of another crate comes from: a floor below, which the manifest vouches for.
const OUTSIDE: &str = "";

/// What the crate root re-exports: (name, module).
fn exports(roof: &str) -> Vec<(String, String)> {
    let code = source::code_lines(roof).join(" ");
    let mut found = Vec::new();
    for statement in code.split(';') {
        let Some((_, path)) = statement.split_once("pub use ").or(statement.split_once("pub(crate) use "))
        else {
            continue;
        };
        let path = path.trim().trim_start_matches("crate::").trim_start_matches("self::");
        let (module, names) = path.split_once("::").unwrap_or((OUTSIDE, path));
        let module = if module.starts_with("heapwright_") { OUTSIDE } else { module };
        for name in names.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|name| !name.is_empty())
        {
            found.push((name.to_owned(), module.to_owned()));
        }
    }
    found
}

/// The lines of a module's file that name a module above its own.
fn upward(
    text: &str,
    own: usize,
    floor: &Floor,
    exports: &[(String, String)],
    top: bool,
) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in source::code_lines(text).iter().enumerate() {
        for name in names(line, top) {
            let module =
                exports.iter().find(|(export, _)| *export == name).map_or(&name, |(_, module)| module);
            match floor.place(module) {
                _ if module == OUTSIDE => {}
                Some(at) if at > own => {
                    found.push((number + 1, format!("`{name}` is above it in floors.txt")))
                }
                None => found.push((
                    number + 1,
                    format!("`crate::{name}` is no module of floors.txt; name the module it comes from"),
                )),
                Some(_) => {}
            }
        }
    }
    found
}

/// What a line names by `crate::` (and by `super::` in a file directly below `src`); macros are not modules.
fn names(line: &str, top: bool) -> Vec<String> {
    let mut found = Vec::new();
    let prefixes: &[&str] = if top { &["crate::", "super::"] } else { &["crate::"] };
    for prefix in prefixes {
        for (at, _) in line.match_indices(prefix) {
            let before = line[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | ':' | '"' | '`')) {
                continue;
            }
            let rest = &line[at + prefix.len()..];
            if let Some(group) = rest.strip_prefix('{') {
                found.extend(heads(group.split('}').next().unwrap_or(group)));
            } else {
                let name = head(rest);
                if !rest[name.len()..].starts_with('!') && !name.is_empty() {
                    found.push(name);
                }
            }
        }
    }
    found
}

/// The first words of the parts of a group.
fn heads(group: &str) -> Vec<String> {
    group.split(',').map(|part| head(part.trim())).filter(|name| !name.is_empty()).collect()
}

fn head(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floor() -> Floor {
        parse("crates/x\n    low mid+peer high =Made\n").unwrap().remove(0)
    }

    fn judge(text: &str) -> Vec<usize> {
        let exports =
            exports("pub use high::{Tower, Roof};\npub use low::Stone;\npub use heapwright_base as base;\n");
        upward(text, 1, &floor(), &exports, true).into_iter().map(|(line, _)| line).collect()
    }

    #[test]
    fn looking_down_is_allowed() {
        assert!(
            judge("use crate::low::Stone;\nuse crate::Stone;\nuse crate::mid::Own;\nuse super::low;")
                .is_empty()
        );
        assert!(judge("use crate::peer::X; use crate::base::Align;").is_empty());
        assert!(judge("// use crate::high::X;\ncrate::name!();\n$crate::high::X;").is_empty());
    }

    #[test]
    fn looking_up_is_not() {
        assert_eq!(judge("use crate::high::X;"), [1]);
        assert_eq!(judge("\nlet x = crate::Tower::new();"), [2]);
        assert_eq!(judge("use crate::{low::A, high::B};"), [1]);
        assert_eq!(judge("use super::high;"), [1]);
        assert_eq!(judge("use crate::Made;"), [1]);
        assert_eq!(judge("use crate::Unknown;"), [1], "what cannot be placed is not passed over");
    }

    #[test]
    fn tests_may_look_anywhere() {
        assert!(judge("fn f() {}\n#[cfg(test)]\nmod tests {\n    use crate::high::X;\n}").is_empty());
    }

    #[test]
    fn the_list_is_read() {
        let floors =
            parse("# bottom first\ncrates/base  # F0\n    addr bits\n    list\ncrates/os\n").unwrap();
        assert_eq!(floors[0].modules().collect::<Vec<_>>(), ["addr", "bits", "list"]);
        assert_eq!((floors.len(), floors[1].folder.as_str()), (2, "crates/os"));
        assert!(parse("    addr\n").is_err());
    }

    #[test]
    fn manifests_are_read() {
        let manifest = "[dependencies]\nheapwright-os.workspace = true\nlibc = \"0.2\"\n\n[dev-dependencies]\nup = \"1\"\n[target.'cfg(loom)'.dependencies]\nloom = \"0.7\"\n";
        assert_eq!(dependencies(manifest).collect::<Vec<_>>(), ["heapwright-os", "libc", "loom"]);
        assert_eq!(
            members("members = [\n \"a\",\n \"b/c\",\n]\nx = [\"d\"]").collect::<Vec<_>>(),
            ["a", "b/c"]
        );
    }
}
