#!/bin/sh
# needs: z3=z3
# serves: z3
# about: A theorem prover: queens, bit vectors, and a timetable over integers, with a fixed seed.
set -eu
export LC_ALL=C
dir=$2

# Queens as booleans, a binomial of bit vectors, and a timetable over integers: three of its solvers at work.
problem='
function pair(i, j, k, l) { if (l >= 0 && l < n) printf "(assert (not (and q%d_%d q%d_%d)))\n", i, j, k, l }
function queens(   i, j, k) {
    for (i = 0; i < n; i++) for (j = 0; j < n; j++) printf "(declare-const q%d_%d Bool)\n", i, j
    for (i = 0; i < n; i++) { printf "(assert (or"; for (j = 0; j < n; j++) printf " q%d_%d", i, j; print "))" }
    for (i = 0; i < n; i++) for (j = 0; j < n; j++) {
        for (k = j + 1; k < n; k++) pair(i, j, i, k)
        for (k = i + 1; k < n; k++) { pair(i, j, k, j); pair(i, j, k, j + k - i); pair(i, j, k, j - k + i) }
    }
}
function binomial() {
    printf "(declare-const x (_ BitVec %d))\n(declare-const y (_ BitVec %d))\n", bits, bits
    printf "(assert (not (= (bvmul (bvadd x y) (bvadd x y))"
    print " (bvadd (bvmul x x) (bvmul x y) (bvmul x y) (bvmul y y)))))"
}
function timetable(   i, j) {
    for (i = 0; i < jobs; i++) printf "(declare-const t%d Int)\n(assert (and (>= t%d 0) (<= t%d %d)))\n", i, i, i, jobs * 2
    for (i = 0; i < jobs; i++) for (j = i + 1; j < jobs; j++) if ((i + j) % 3 == 0) {
        printf "(assert (or (<= (+ t%d %d) t%d)", i, i % 5 + 1, j
        printf " (<= (+ t%d %d) t%d)))\n", j, j % 5 + 1, i
    }
}
BEGIN {
    split(sizes, size, ":"); n = size[1]; bits = size[2]; jobs = size[3]
    print "(set-option :smt.random_seed 7)\n(set-option :sat.random_seed 7)\n(push)"
    queens(); print "(check-sat)\n(pop)\n(push)"
    binomial(); print "(check-sat)\n(pop)\n(push)"
    timetable(); print "(check-sat)\n(pop)"
}'

case $1 in
prepare)
    for size in full=32:8:120 quick=18:4:60; do
        awk -v sizes="${size#*=}" "$problem" > "$dir/${size%=*}.smt2"
    done
    ;;
run)
    exec z3 -smt2 "$dir/$3.smt2"
    ;;
esac
