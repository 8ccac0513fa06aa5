//! What the shared library refers to: nothing that panics or allocates, and only what is allowed from outside.

use crate::shell::{self, built_library, cargo, command, need, root};
use crate::source;
use std::path::Path;

const ALLOWED: &str = "xtask/allowed-symbols.txt";
/// Parts of demangled names that an allocator must not contain.
const FORBIDDEN: &[(&str, &str)] = &[
    ("core::panicking", "a panic"),
    ("core::fmt::", "formatting"),
    ("core::slice::index::slice_", "a slice index panic"),
    ("core::option::unwrap_failed", "an unwrap"),
    ("core::option::expect_failed", "an expect"),
    ("core::result::unwrap_failed", "an unwrap"),
    ("alloc::", "the alloc crate"),
    ("__rust_alloc", "the global allocator"),
    ("__rust_realloc", "the global allocator"),
    ("std::", "the standard library"),
];

pub fn check() -> Result<(), String> {
    need("nm", "apt-get install binutils")?;
    shell::run(cargo(&["build", "--release", "-p", "heapwright-shared"]))?;
    let library = built_library()?;
    let mut wrong = forbidden(&nm(&["-C"], &library)?)?;
    if !wrong.is_empty() {
        need("objdump", "apt-get install binutils")?;
        let mut objdump = command("objdump");
        objdump.args(["-d", "-C", "--no-show-raw-insn"]).arg(&library);
        callers(&shell::output(objdump)?).iter().for_each(|text| println!("{text}"));
    }
    let allowed = source::read(&root().join(ALLOWED))?;
    wrong.extend(strangers(&nm(&["-D", "--undefined-only"], &library)?, &allowed));
    wrong.iter().for_each(|text| println!("{text}"));
    if wrong.is_empty() { Ok(()) } else { Err(format!("{} symbols that must not be there", wrong.len())) }
}

fn nm(words: &[&str], library: &Path) -> Result<String, String> {
    let mut nm = command("nm");
    nm.args(words).arg(library);
    shell::output(nm)
}

/// Names that mean a panic or an allocation. A stripped library proves nothing.
fn forbidden(table: &str) -> Result<Vec<String>, String> {
    if table.lines().count() < 10 {
        return Err("the library is stripped: build it with symbols".into());
    }
    let mut found = Vec::new();
    for name in table.lines().filter_map(symbol) {
        let bare = name.trim_start_matches('<');
        // `alloc::` and `std::` are meant as the first part of a path.
        let hit = FORBIDDEN.iter().find(|(part, _)| match *part {
            "alloc::" | "std::" => bare.starts_with(part),
            _ => name.contains(part),
        });
        found.extend(hit.map(|(_, what)| format!("{name}: {what} in the allocator")));
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// Which functions call what must not be there, so that the culprit is known.
fn callers(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut function = "";
    for line in code.lines() {
        if let Some(name) = line.strip_suffix(">:").and_then(|line| line.split_once('<')) {
            function = name.1;
        } else if let Some((_, callee)) = line.split_once("call").and_then(|(_, to)| to.split_once('<')) {
            let own = FORBIDDEN.iter().any(|(part, _)| function.starts_with(part));
            let hit = FORBIDDEN.iter().any(|(part, _)| callee.starts_with(part));
            if hit && !own {
                found.push(format!("  {function} calls {}", callee.trim_end_matches('>')));
            }
        }
    }
    found.dedup();
    found
}

/// Undefined symbols that are not on the list.
fn strangers(table: &str, allowed: &str) -> Vec<String> {
    let allowed: Vec<&str> =
        allowed.lines().filter_map(|line| line.split('#').next()?.split_whitespace().next()).collect();
    let names = table.lines().filter_map(symbol).map(|name| name.split('@').next().unwrap_or(name));
    names
        .filter(|name| !allowed.contains(name))
        .map(|name| format!("{name}: needed from outside, and not in {ALLOWED} with a reason"))
        .collect()
}

/// The name in a line of nm: what follows the one-letter kind.
fn symbol(line: &str) -> Option<&str> {
    let line = line.trim();
    let mut rest = line;
    loop {
        let (word, tail) = rest.split_once(' ')?;
        let tail = tail.trim_start();
        if word.len() == 1 && word.chars().all(|c| c.is_ascii_alphabetic()) {
            return Some(tail);
        }
        rest = tail;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_nm_are_read() {
        assert_eq!(symbol("0000000000001000 T malloc"), Some("malloc"));
        assert_eq!(symbol("                 U abort@GLIBC_2.2.5"), Some("abort@GLIBC_2.2.5"));
        assert_eq!(symbol("0000 t <a::B as c::D>::e"), Some("<a::B as c::D>::e"));
        assert_eq!(symbol(""), None);
    }

    #[test]
    fn panics_and_allocations_are_found() {
        let padding = "0000000000001000 T malloc\n".repeat(10);
        let of = |name: &str| forbidden(&format!("{padding}0000000000001000 t {name}\n")).unwrap().len();
        assert_eq!(of("core::panicking::panic_fmt"), 1);
        assert_eq!(of("alloc::raw_vec::handle_error"), 1);
        assert_eq!(of("<alloc::string::String as core::fmt::Write>::write_str"), 1);
        assert_eq!(of("__rustc::__rust_alloc"), 1);
        assert_eq!(of("heapwright_engine::alloc::take"), 0);
        assert!(forbidden("").is_err(), "a stripped library proves nothing");
    }

    #[test]
    fn callers_are_named() {
        let code = "0000000000009000 <<a::B as c::D>::e>:\n  9caf:\tcall   121a9 <core::panicking::panic_fmt>\n  9cb0:\tcall   12 <ok>\n";
        assert_eq!(callers(code), ["  <a::B as c::D>::e calls core::panicking::panic_fmt"]);
    }

    #[test]
    fn only_listed_symbols_come_from_outside() {
        let table = "                 U abort@GLIBC_2.2.5\n                 w __gmon_start__\n                 U puts\n";
        let wrong = strangers(table, "# what we need\nabort  to stop\n__gmon_start__\n");
        assert_eq!(wrong.len(), 1);
        assert!(wrong[0].starts_with("puts: "));
    }
}
