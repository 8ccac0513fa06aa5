#!/bin/sh
# needs: z3=z3
# serves: z3
# about: A theorem prover: a puzzle of bit vectors, arithmetic over integers, and arrays, with a fixed seed.
set -eu
export LC_ALL=C
dir=$2
case $1 in
prepare)
    # Queens as booleans, a product of bit vectors, and orderings over integers: three solvers at work.
    awk 'function both(a, b) { printf "(assert (not (and q%d_%d q%d_%d)))\n", a[1], a[2], b[1], b[2] }
    function problem(n, bits, jobs,   i, j, k, a, b) {
        print "(set-option :smt.random_seed 7)\n(set-option :sat.random_seed 7)\n(push)"
        for (i = 0; i < n; i++) for (j = 0; j < n; j++) printf "(declare-const q%d_%d Bool)\n", i, j
        for (i = 0; i < n; i++) { printf "(assert (or"; for (j = 0; j < n; j++) printf " q%d_%d", i, j; print "))" }
        for (i = 0; i < n; i++) for (j = 0; j < n; j++) for (k = 0; k < n; k++) {
            a[1] = i; a[2] = j
            if (k > j) { b[1] = i; b[2] = k; both(a, b) }
            if (k > i) {
                b[1] = k; b[2] = j; both(a, b)
                b[2] = j + k - i; if (b[2] < n) both(a, b)
                b[2] = j - k + i; if (b[2] >= 0) both(a, b)
            }
        }
        print "(check-sat)\n(pop)\n(push)"
        printf "(declare-const x (_ BitVec %d))\n(declare-const y (_ BitVec %d))\n", bits, bits
        printf "(assert (not (= (bvmul (bvadd x y) (bvadd x y)) (bvadd (bvmul x x) (bvmul #b%s10 (bvmul x y)) (bvmul y y)))))\n", substr("00000000000000", 1, bits - 2)
        print "(check-sat)\n(pop)\n(push)"
        for (i = 0; i < jobs; i++) printf "(declare-const t%d Int)\n(assert (and (>= t%d 0) (<= (+ t%d %d) %d)))\n", i, i, i, i % 5 + 1, jobs * 2
        for (i = 0; i < jobs; i++) for (j = i + 1; j < jobs; j++) if ((i + j) % 3 == 0)
            printf "(assert (or (<= (+ t%d %d) t%d) (<= (+ t%d %d) t%d)))\n", i, i % 5 + 1, j, j, j % 5 + 1, i
        print "(declare-const m (Array Int Int))"
        for (i = 0; i < jobs; i++) printf "(assert (= (select m t%d) (+ t%d %d)))\n", i, i, i % 2
        print "(check-sat)\n(pop)"
    }
    BEGIN { if (full) problem(16, 5, 24); else problem(9, 4, 10) }' full=0 > /dev/null || exit 1
    ;;
run)
    exec z3 -smt2 "$dir/$3.smt2"
    ;;
esac
