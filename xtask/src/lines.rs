//! No file grows into a sink: above the first limit it needs a reason, above the second it is split.

use crate::source;

const REASON: &str = "//! Long because";
const NEEDS_REASON: usize = 500;
const MOST: usize = 800;

pub fn check() -> Result<(), String> {
    let mut wrong = Vec::new();
    for file in source::rust_files()? {
        if let Err(text) = judge(&source::read(&file)?) {
            wrong.push(format!("{}: {text}", source::shown(&file)));
        }
    }
    wrong.iter().for_each(|text| println!("{text}"));
    if wrong.is_empty() { Ok(()) } else { Err(format!("{} files are too long", wrong.len())) }
}

fn judge(text: &str) -> Result<(), String> {
    let lines = text.lines().count();
    let excused = text.lines().take_while(|line| line.starts_with("//!") || line.is_empty());
    if lines > MOST {
        Err(format!("{lines} lines; split it: {MOST} is the most"))
    } else if lines > NEEDS_REASON && !excused.into_iter().any(|line| line.starts_with(REASON)) {
        Err(format!("{lines} lines; split it, or say why in its header: `{REASON} …`"))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_kept() {
        let lines = |count: usize| "x\n".repeat(count);
        assert!(judge(&lines(500)).is_ok());
        assert!(judge(&lines(501)).is_err());
        assert!(judge(&format!("//! Idea.\n//! Long because it is a table.\n{}", lines(700))).is_ok());
        assert!(judge(&format!("fn f() {{}}\n//! Long because too late.\n{}", lines(700))).is_err());
        assert!(judge(&format!("//! Long because.\n{}", lines(800))).is_err());
    }
}
