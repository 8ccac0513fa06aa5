//! The shared library exports exactly what `exports.txt` says: the list is the ABI.

mod common;

use std::collections::BTreeSet;
use std::process::Command;

fn tool(name: &str, arguments: &[&str]) -> String {
    let library = common::library_folder().join("libheapwright.so");
    let output = common::output(Command::new(name).args(arguments).arg(library));
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn the_exported_symbols_are_the_contract() {
    let contract: BTreeSet<&str> = include_str!("../exports.txt")
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let listing = tool("nm", &["-D", "--defined-only"]);
    let exported: BTreeSet<&str> =
        listing.lines().filter_map(|line| line.split_whitespace().last()).collect();
    let missing: Vec<_> = contract.difference(&exported).collect();
    let extra: Vec<_> = exported.difference(&contract).collect();
    assert!(
        missing.is_empty() && extra.is_empty(),
        "missing: {missing:?}; not in exports.txt: {extra:?}; an intended change follows docs/abi.md"
    );
}

#[test]
fn the_loader_finds_what_it_needs_to_know() {
    let dynamic = tool("readelf", &["-d"]);
    assert!(dynamic.contains("[libheapwright.so.0]"), "no soname:\n{dynamic}");
    assert!(dynamic.contains("NODELETE"), "the library could be unloaded:\n{dynamic}");
    assert!(dynamic.contains("NOW"), "symbols would be resolved lazily:\n{dynamic}");
    assert!(!dynamic.contains("TEXTREL"), "the code would be written at load:\n{dynamic}");
}

/// glibc: a replacement malloc must use the initial-exec model; `__tls_get_addr` may allocate.
#[test]
fn thread_local_storage_is_reached_without_a_call() {
    let undefined = tool("nm", &["-D", "--undefined-only"]);
    assert!(!undefined.contains("__tls_get_addr"), "{undefined}");
    for forbidden in ["_Unwind_Resume", "rust_eh_personality", "__cxa_thread_atexit_impl"] {
        assert!(!undefined.contains(forbidden), "{forbidden} is referenced:\n{undefined}");
    }
}
