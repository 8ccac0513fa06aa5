//! `heapwright doctor`: what a bug report needs.
//!
//! Everything is looked up and nothing is required: where `/proc` or `/sys` is missing, the answer is
//! "unknown". Only a library that cannot be preloaded makes the exit status 1.

mod machine;
mod preload;

use crate::failure::Failure;
use crate::output::style::Style;
use crate::run::{Ending, rivals};
use crate::{library, options};
use serde_json::{Map, Value};
use std::env;
use std::io::{self, Write};
use std::path::Path;

/// One finding: its JSON name and value. Nothing is known where the value is null.
pub type Finding = (&'static str, Value);

/// Examines everything and prints it.
pub fn doctor(given: Option<&Path>, options: &options::Doctor) -> Result<Ending, Failure> {
    let (library, works) = about_library(given);
    let sections = [
        ("command", about_command()),
        ("library", library),
        ("system", machine::system()),
        ("memory", machine::memory()),
        ("environment", about_environment()),
    ];
    let text = if options.json { json(sections) } else { plain(sections, Style::of(&io::stdout())) };
    let _ = writeln!(io::stdout(), "{text}");
    Ok(Ending::Status(i32::from(!works)))
}

fn about_command() -> Vec<Finding> {
    let path = env::current_exe().ok().map(|path| path.to_string_lossy().into_owned());
    vec![
        ("version", env!("CARGO_PKG_VERSION").into()),
        ("path", path.into()),
        ("target", library::BUILD_TARGET.into()),
    ]
}

/// The library, and whether programs run under it.
fn about_library(given: Option<&Path>) -> (Vec<Finding>, bool) {
    match library::choose(given) {
        Err(failure) => (
            vec![("path", Value::Null), ("preload", failure.cause.into()), ("remedy", failure.remedy.into())],
            false,
        ),
        Ok(library) => {
            let hash = library::sha256(&library.path).ok();
            let bytes = std::fs::metadata(&library.path).ok().map(|metadata| metadata.len());
            let mut findings = vec![
                ("path", library.path.to_string_lossy().into()),
                ("origin", library.origin.name().into()),
                ("sha256", hash.into()),
                ("bytes", bytes.into()),
            ];
            let check = preload::check(library);
            let works = check.works;
            findings.extend(check.findings);
            (findings, works)
        }
    }
}

fn about_environment() -> Vec<Finding> {
    let variable = |name| env::var_os(name).map(|value| Value::from(value.to_string_lossy()));
    let rivals: Vec<Value> = rivals::preloaded()
        .into_iter()
        .map(|(path, allocator)| format!("{allocator} ({path})").into())
        .collect();
    let set = |name| variable(name).unwrap_or(Value::Null);
    vec![
        ("HEAPWRIGHT_CONF", set("HEAPWRIGHT_CONF")),
        ("HEAPWRIGHT_LIBRARY", set("HEAPWRIGHT_LIBRARY")),
        ("LD_PRELOAD", set("LD_PRELOAD")),
        ("GLIBC_TUNABLES", set("GLIBC_TUNABLES")),
        ("rival_allocators", Value::Array(rivals)),
    ]
}

fn json<const N: usize>(sections: [(&str, Vec<Finding>); N]) -> String {
    let object = |findings: Vec<Finding>| {
        findings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>()
    };
    let all: Map<String, Value> = sections
        .into_iter()
        .map(|(title, findings)| (title.to_owned(), Value::Object(object(findings))))
        .collect();
    serde_json::to_string_pretty(&all).unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}"))
}

fn plain<const N: usize>(sections: [(&str, Vec<Finding>); N], style: Style) -> String {
    let mut lines = Vec::new();
    for (title, findings) in sections {
        lines.push(style.bold(title));
        for (name, value) in findings {
            let label = style.dim(&format!("{:<22}", label(name)));
            lines.extend(shown(title, &value).into_iter().map(|text| format!("  {label} {text}")));
        }
    }
    lines.join("\n")
}

/// A name as a label: the names of variables and limits stay as they are written.
fn label(name: &str) -> String {
    if name.contains(char::is_lowercase) { name.replace('_', " ") } else { name.to_owned() }
}

/// A value as lines for people. What is not set in the environment is not unknown.
fn shown(title: &str, value: &Value) -> Vec<String> {
    match value {
        Value::Null if title == "environment" => vec!["not set".to_owned()],
        Value::Null => vec!["unknown".to_owned()],
        Value::String(text) => vec![text.clone()],
        Value::Array(items) if items.is_empty() => vec!["none".to_owned()],
        Value::Array(items) => items.iter().flat_map(|item| shown(title, item)).collect(),
        other => vec![other.to_string()],
    }
}
