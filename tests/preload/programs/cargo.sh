# needs: cargo=cargo rustc=rustc
# witness: cargo build-script-build first
# owns: rustc
# limit: 180
# A small workspace: threads in rustc and in cargo, a build script, a linker.
# The rustc of rust-lang.org brings its own malloc; cargo, cc, ld and what is built do not.
. "$CORPUS/lib.sh"
export CARGO_TARGET_DIR="$PWD/target" CARGO_NET_OFFLINE=true CARGO_TERM_COLOR=never
unset RUSTFLAGS CARGO_BUILD_TARGET
cp -r "$CORPUS/data/workspace" ws
cd ws
awk -v n="$(scaled 60 400)" 'BEGIN {
    for (i = 0; i < n; i++)
        printf "pub fn f%d(v: &mut Vec<String>) -> usize { v.push(format!(\"{}-{}\", %d, v.len())); v.iter().map(|s| s.len() * %d).sum() }\n", i, i, i
    print "pub fn all() -> usize { let mut v = Vec::new(); let mut t = 0usize;"
    for (i = 0; i < n; i++) printf "    t = t.wrapping_add(f%d(&mut v));\n", i
    print "    t }"
}' > second/src/generated.rs
under cargo build --release --offline 2> ../build.log || { cat ../build.log >&2; exit 1; }
grep -c Compiling ../build.log
under ../target/release/first "$(scaled 20000 200000)"
