//! Colours, where a person looks: on a terminal, unless `NO_COLOR` is set; everywhere with `CLICOLOR_FORCE`.

use std::env;
use std::io::IsTerminal;

/// Whether to colour.
#[derive(Clone, Copy)]
pub struct Style(bool);

impl Style {
    /// What suits `stream`.
    pub fn of(stream: &impl IsTerminal) -> Self {
        let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        let forced = env::var_os("CLICOLOR_FORCE").is_some_and(|value| !value.is_empty() && value != "0");
        let dumb = env::var_os("TERM").is_some_and(|value| value == "dumb");
        Style(!set("NO_COLOR") && (forced || (stream.is_terminal() && !dumb)))
    }

    /// No colours.
    pub fn plain() -> Self {
        Style(false)
    }

    /// A heading.
    pub fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    /// Of less weight.
    pub fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }

    /// An error.
    pub fn red(self, text: &str) -> String {
        self.wrap("31", text)
    }

    /// Right.
    pub fn green(self, text: &str) -> String {
        self.wrap("32", text)
    }

    /// A warning.
    pub fn yellow(self, text: &str) -> String {
        self.wrap("33", text)
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}
