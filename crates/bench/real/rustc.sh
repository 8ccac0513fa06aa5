#!/bin/sh
# needs: /usr/bin/rustc=rustc
# serves: rustc
# about: Debian's Rust compiler, which has no malloc of its own, on a generated crate: types, traits, LLVM.
set -eu
export LC_ALL=C
unset RUSTFLAGS RUSTC_WRAPPER RUSTC_BOOTSTRAP 2> /dev/null || true
dir=$2
case $1 in
prepare)
    for size in full=20 quick=1; do
        awk -v n="${size#*=}" 'BEGIN {
            print "use std::collections::{BTreeMap, HashMap};\npub trait Weigh { fn weigh(&self) -> usize; }"
            for (i = 0; i < n; i++) {
                printf "#[derive(Clone, Debug, PartialEq)]\npub enum E%d { A(u32), B(String), C(Vec<E%d>) }\n", i, i
                printf "impl Weigh for E%d { fn weigh(&self) -> usize { match self { ", i
                printf "E%d::A(n) => *n as usize + %d, E%d::B(s) => s.len(), ", i, i, i
                printf "E%d::C(l) => l.iter().map(Weigh::weigh).sum() } } }\n", i
                printf "pub fn f%d(v: &[E%d]) -> BTreeMap<usize, Vec<String>> {\n", i, i
                printf "    let mut m: HashMap<usize, Vec<String>> = HashMap::new();\n"
                printf "    for e in v { m.entry(e.weigh() %% %d).or_default().push(format!(\"{:?}\", e)); }\n", i + 3
                printf "    m.into_iter().collect()\n}\n"
            }
        }' > "$dir/${size%=*}.rs"
    done
    ;;
run)
    cd "$dir"
    TMPDIR=$dir /usr/bin/rustc --edition 2021 --crate-type lib --crate-name work --emit metadata,obj \
        -C codegen-units=1 -C opt-level=0 --out-dir "$dir" "$3.rs"
    cksum < work.o
    ;;
esac
