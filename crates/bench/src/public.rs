//! What a file that is published may say: no path of this machine, no address of a registry.

use crate::results::Results;
use std::path::Path;

/// The results with the reasons of failures and absences made fit to be published.
pub fn results(results: &Results, root: &Path) -> Results {
    let mut fit = results.clone();
    let cells = fit.rows.iter_mut().flat_map(|row| &mut row.cells);
    cells.filter_map(|cell| cell.failure.as_mut()).for_each(|reason| *reason = text(reason, root));
    fit.missing.iter_mut().for_each(|missing| missing.reason = text(&missing.reason, root));
    fit.options.iter_mut().for_each(|option| *option = text(option, root));
    fit
}

/// The text with the checkout as `.`, other absolute paths by their last name, and addresses as `URL`.
fn text(text: &str, root: &Path) -> String {
    let near = text.replace(&root.display().to_string(), ".");
    let mut fit = String::new();
    for part in near.split_inclusive(' ') {
        // As curl and apt name a host that they do not find.
        let host = fit.ends_with("host: ") || fit.ends_with("resolving ");
        fit += &if host { "HOST ".to_owned() } else { word(part) };
    }
    fit
}

fn word(word: &str) -> String {
    if let Some(at) = word.find("://") {
        let begin = word[..at].rfind(|letter: char| !letter.is_ascii_alphanumeric()).map_or(0, |at| at + 1);
        let rest = &word[at..];
        let end = rest.find(|letter: char| letter.is_whitespace() || "`'\",;)".contains(letter));
        return format!("{}URL{}", &word[..begin], end.map_or("", |end| &rest[end..]));
    }
    let path = |letter: char| letter.is_alphanumeric() || "/._-+".contains(letter);
    match word.find('/') {
        Some(begin) if begin == 0 || !word[..begin].ends_with(path) => {
            let end = word[begin..].find(|letter| !path(letter)).map_or(word.len(), |end| begin + end);
            let name = word[begin..end].rsplit('/').next().unwrap_or_default();
            let shown = if name.is_empty() { "/" } else { name };
            format!("{}{shown}{}", &word[..begin], &word[end..])
        }
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_addresses_stay_here() {
        let fit = |reason: &str| text(reason, Path::new("/home/me/tree"));
        assert_eq!(
            fit("served by x 1 /home/me/tree/target/lib.so, not by y 2 /usr/lib/liby.so build-id 0a"),
            "served by x 1 ./target/lib.so, not by y 2 liby.so build-id 0a"
        );
        assert_eq!(fit("error: https://mirror.example/index/config.json: timeout"), "error: URL timeout");
        assert_eq!(
            fit("Could not resolve host: index.example (Timeout)"),
            "Could not resolve host: HOST (Timeout)"
        );
        assert_eq!(fit("(`/var/tmp/log`) ended; and/or not"), "(`log`) ended; and/or not");
    }
}
