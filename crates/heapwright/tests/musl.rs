//! A static musl binary with this allocator: built by cargo alone, without a C toolchain for musl.

use std::process::Command;

#[cfg(target_arch = "x86_64")]
const TARGET: &str = "x86_64-unknown-linux-musl";
#[cfg(target_arch = "aarch64")]
const TARGET: &str = "aarch64-unknown-linux-musl";

#[test]
fn a_static_binary_runs_on_it() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("musl");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--release", "-p", "heapwright", "--example", "words", "--target", TARGET])
        .env("CARGO_TARGET_DIR", &folder)
        .env_remove("RUSTFLAGS")
        .output()
        .expect("cargo runs");
    let said = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "is the target there? `rustup target add {TARGET}`\n{said}");
    let program = folder.join(TARGET).join("release/examples/words");
    let image = std::fs::read(&program).expect("the program was built");
    assert!(!image.windows(7).any(|bytes| bytes == b"ld-musl"), "the program is not static");
    let run = Command::new(&program).output().expect("the program runs");
    assert!(run.status.success(), "{run:?}");
    assert_eq!(String::from_utf8_lossy(&run.stdout), "400000 words, 5003 different\n");
    let counted = String::from_utf8_lossy(&run.stderr);
    let allocations: u64 = counted.split(' ').next().and_then(|n| n.parse().ok()).expect("a count");
    assert!(allocations > 400_000, "{counted}");
}
