//! Who serves `malloc` in this process.

/// Family, version and file, as `mimalloc 3.3.2 /path/lib.so`.
pub fn serving() -> String {
    String::new()
}
