//! Other allocators: in the program, in its libraries, in `LD_PRELOAD`.

use super::program::Report;
use crate::elf::Facts;
use crate::failure::Failure;
use std::env;
use std::path::Path;

/// How the libraries of known allocators begin their names.
const LIBRARIES: [(&str, &str); 11] = [
    ("libjemalloc", "jemalloc"),
    ("libmimalloc", "mimalloc"),
    ("libtcmalloc", "tcmalloc"),
    ("libsnmallocshim", "snmalloc"),
    ("librpmalloc", "rpmalloc"),
    ("libhardened_malloc", "hardened_malloc"),
    ("libscudo", "scudo"),
    ("libhoard", "Hoard"),
    ("libmesh", "Mesh"),
    ("libtbbmalloc_proxy", "TBB malloc"),
    ("libc_malloc_debug", "glibc's malloc debugging"),
];

/// Libraries and start functions of the sanitizers, which insist on a `malloc` of their own.
const SANITIZERS: [(&str, &str, &str); 4] = [
    ("libasan", "__asan_init", "AddressSanitizer"),
    ("libtsan", "__tsan_init", "ThreadSanitizer"),
    ("libclang_rt.msan", "__msan_init", "MemorySanitizer"),
    ("libhwasan", "__hwasan_init", "HWAddressSanitizer"),
];

/// Private names of allocators that programs link into themselves.
const PRIVATE: [(&str, &str); 6] = [
    ("je_malloc", "jemalloc"),
    ("_rjem_malloc", "jemalloc (of a Rust program)"),
    ("mi_malloc", "mimalloc"),
    ("tc_malloc", "tcmalloc"),
    ("rpmalloc", "rpmalloc"),
    ("sn_malloc", "snmalloc"),
];

/// The allocator whose library this is.
pub fn library(name: &str) -> Option<&'static str> {
    LIBRARIES.iter().find(|(start, _)| name.starts_with(start)).map(|(_, allocator)| *allocator)
}

/// Libraries of other allocators that `LD_PRELOAD` names already.
pub fn preloaded() -> Vec<(String, &'static str)> {
    let list = env::var_os("LD_PRELOAD").unwrap_or_default().to_string_lossy().into_owned();
    let mut found = Vec::new();
    for path in list.split([' ', ':']).filter(|path| !path.is_empty()) {
        let name = path.rsplit('/').next().unwrap_or(path);
        if let Some(allocator) = library(name) {
            found.push((path.to_owned(), allocator));
        }
    }
    found
}

/// Adds to `report` what the program's own allocator means for a run under ours.
pub fn judge(path: &Path, facts: &Facts, report: &mut Report) {
    let shown = path.display();
    let has = |name: &str| facts.exports.iter().chain(&facts.contains).any(|known| known == name);
    let sanitizer = SANITIZERS
        .iter()
        .find(|(library, start, _)| has(start) || facts.needed.iter().any(|name| name.starts_with(library)));
    if let Some((_, _, name)) = sanitizer {
        report.refusals.push(Failure::cannot_run(
            format!("{shown} is built with {name}, which works only with its own malloc"),
            "build the program without the sanitizer",
        ));
    } else if facts.exports.iter().any(|name| name == "malloc") {
        let whose = owner(facts).map(|name| format!(" ({name})")).unwrap_or_default();
        report.refusals.push(Failure::cannot_run(
            format!("{shown} exports a malloc of its own{whose}, which comes before that of every library"),
            "build it with the C library's malloc, or add --anyway to run it as it is",
        ));
    } else if facts.contains.iter().any(|name| name == "malloc") {
        report.warnings.push(format!(
            "{shown} has a malloc of its own, so its own requests do not reach the library (those of its \
             libraries do); build it with the C library's malloc"
        ));
    } else if let Some(name) = owner(facts) {
        report.warnings.push(format!(
            "{shown} has {name} in it; what it allocates there is neither served nor counted here"
        ));
    }
    for name in &facts.needed {
        if let Some(allocator) = library(name) {
            report.warnings.push(format!(
                "{shown} links {allocator} ({name}); malloc and free are ours, but calls by its private \
                 names are not"
            ));
        }
    }
}

/// The allocator whose private names the program has.
fn owner(facts: &Facts) -> Option<&'static str> {
    let known = |name: &str| facts.exports.iter().chain(&facts.contains).any(|symbol| symbol == name);
    PRIVATE.iter().find(|(name, _)| known(name)).map(|(_, allocator)| *allocator)
}
