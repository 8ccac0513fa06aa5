#!/bin/sh
# Counts the instructions of single allocation paths of Rust programs: Heapwright beside other allocators' crates.
#
# usage: crates/bench/programs/paths.sh [allocator…]
#
# An allocator is a feature of this package. The program is built with each in turn and runs under valgrind's callgrind,
# which counts instructions and nothing else. Each path (src/paths.rs) runs N and 2N repetitions; the difference is N
# repetitions of a warm allocator, without the program's start. The table has instructions per operation, loop
# included, and the ratio to mimalloc3 or, where it is not asked for, to the first allocator. No time is taken: the
# counts are the same on a busy machine, except for work that an allocator does by the clock. Instructions are not
# cycles.
#
# PATHS_REPETITIONS: percent of the repetitions below (100). CARGO_TARGET_DIR: where to build, absolute (target, here).
set -eu
export LC_ALL=C
[ $# -gt 0 ] || set -- heapwright mimalloc3 mimalloc2 rusty_alloc system
cd "$(dirname "$0")"
target=${CARGO_TARGET_DIR:-$PWD/target}
kept=$target/paths
mkdir -p "$kept"
command -v valgrind > /dev/null || { echo "paths.sh: valgrind is missing" >&2; exit 1; }

# The program's line of JSON and the line of the count, in `line` and `count`.
counted() {
    line=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null "$@" 2> "$kept/valgrind.txt") ||
        { cat "$kept/valgrind.txt" >&2; exit 1; }
    count=$(sed -n 's/.*Collected : \([0-9]*\).*/\1/p' "$kept/valgrind.txt")
}

# A field of that line.
field() {
    expr "$line" : ".*\"$1\":\"\([^\"]*\)\""
}

for feature in "$@"; do
    echo "building $feature" >&2
    env -u RUSTFLAGS -u CFLAGS -u CXXFLAGS -u LD_PRELOAD cargo build --quiet --release --locked --jobs 1 \
        --no-default-features --features "$feature" --target-dir "$target"
    cp "$target/release/heapwright-programs" "$kept/$feature"
done

: > "$kept/counts.txt"
# A path, its repetitions, and what is divided by.
while read -r path repetitions operation; do
    n=$((repetitions * ${PATHS_REPETITIONS:-100} / 100))
    for feature in "$@"; do
        counted "$kept/$feature" "$path" --size "$n"
        once=$count operations=$((0x$(field checksum)))
        counted "$kept/$feature" "$path" --size $((2 * n))
        echo "$feature $((count - once)) $operations $path (per $operation)" >> "$kept/counts.txt"
        [ "$path" != path-box ] || echo "$feature: $(field serving)"
    done
done << 'EOS'
path-box 100000 64 bytes made and dropped
path-push 500 push of 1000, vector dropped
path-zeroed 50000 256 zero bytes made and dropped
path-grow 500 step of 63, block made and dropped
path-live 200 48 bytes of 1000 alive, made and dropped
path-string 5000 20 bytes of 50 pushed, string dropped
EOS

awk -v order="$*" '
    BEGIN {
        many = split(order, allocators, " ")
        base = allocators[1]
        for (i = 1; i <= many; i++) if (allocators[i] == "mimalloc3") base = "mimalloc3"
        printf "\n%-56s", "instructions (ratio to " base ")"
        for (i = 1; i <= many; i++) printf " %18s", allocators[i]
        print ""
    }
    {
        each[$1] = $2 / $3
        if ($1 != allocators[many]) next
        sub(/^[^ ]+ [^ ]+ [^ ]+ /, "")
        printf "%-56s", $0
        for (i = 1; i <= many; i++) printf " %10.2f (%.3f)", each[allocators[i]], each[allocators[i]] / each[base]
        print ""
    }
' "$kept/counts.txt"
