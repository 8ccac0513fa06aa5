//! Reading the repository's own source: which files there are, and what in them is code.

use crate::shell::root;
use std::fs;
use std::path::{Path, PathBuf};

/// All `.rs` files of the repository, in order, built ones left out.
pub fn rust_files() -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    walk(&root(), &mut found)?;
    found.sort();
    Ok(found)
}

/// All `.rs` files below `folder`, in order.
pub fn rust_files_below(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    walk(folder, &mut found)?;
    found.sort();
    Ok(found)
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in entries {
        let path = entry.map_err(|error| format!("{}: {error}", folder.display()))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_symlink() || name.starts_with('.') || name == "target" {
            continue;
        }
        if path.is_dir() {
            walk(&path, found)?;
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
    Ok(())
}

/// The text of a file.
pub fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// A path as the repository sees it.
pub fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// The code of a file, line by line: comments blanked, and everything from its tests on.
pub fn code_lines(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let tests = lines.windows(2).position(|pair| {
        let test = pair[0].starts_with("#[cfg(") && pair[0].contains("test");
        test && pair[1].trim_start().starts_with("mod ")
    });
    lines
        .iter()
        .enumerate()
        .map(|(at, line)| match (tests, line.find("//")) {
            (Some(tests), _) if at >= tests => String::new(),
            (_, Some(comment)) => line[..comment].to_owned(),
            _ => (*line).to_owned(),
        })
        .collect()
}

/// Copies the manifests and sources of the workspace to `tree`, where they may be changed.
pub fn copy_tree(tree: &Path) -> Result<(), String> {
    if tree.exists() {
        fs::remove_dir_all(tree).map_err(|error| format!("{}: {error}", tree.display()))?;
    }
    for name in ["Cargo.toml", "Cargo.lock", "crates", "xtask"] {
        copy(&root().join(name), &tree.join(name))?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("copying {}: {error}", from.display());
    if !from.is_dir() {
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        fs::copy(from, to).map_err(failed)?;
        return Ok(());
    }
    for entry in fs::read_dir(from).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default();
        if name != "target" && !path.is_symlink() {
            copy(&path, &to.join(name))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_tests_are_no_code() {
        let text =
            "use a; // why\n/// doc\nfn f() {}\n#[cfg(all(test, not(loom)))]\nmod tests {\n    use b;\n}\n";
        assert_eq!(code_lines(text), ["use a; ", "", "fn f() {}", "", "", "", ""]);
    }

    #[test]
    fn our_own_files_are_found() {
        let files = rust_files().unwrap();
        assert!(files.contains(&root().join("xtask/src/source.rs")));
        assert!(files.iter().all(|file| !shown(file).starts_with("target/")));
    }
}
