#!/bin/sh
# needs: gcc=gcc
# serves: cc1
# about: The C compiler on a large generated file, at -O1; the object code must be the same to the byte.
set -eu
export LC_ALL=C
unset CPATH C_INCLUDE_PATH COMPILER_PATH GCC_EXEC_PREFIX 2> /dev/null || true
dir=$2
case $1 in
prepare)
    for size in full=600 quick=150; do
        n=${size#*=}
        {
            awk -v n="$n" -f "${0%/*}/../../../tests/preload/data/large_c.awk"
            printf 'int last(struct s *p) { return f%d(p, 12); }\n' $((n - 1))
        } > "$dir/${size%=*}.c"
    done
    ;;
run)
    cd "$dir"
    TMPDIR=$dir gcc -O1 -S "$3.c" -o out.s
    cksum < out.s
    ;;
esac
