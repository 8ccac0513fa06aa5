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
        awk -v n="${size#*=}" 'BEGIN {
            print "struct s { int a[8]; double d; struct s *next; };"
            for (i = 0; i < n; i++) {
                printf "static int f%d(struct s *p, int k) { int r = k; for (int i = 0; i < 8; i++) { switch ((p->a[i] + k) %% 7) {", i
                for (c = 0; c < 7; c++) printf " case %d: r += p->a[(i + %d) & 7] * %d; break;", c, (c * i) % 8, c + i
                printf " } } if (p->next) r ^= (int)p->next->d; %s return r; }\n", i ? "if (k & 1) r += f" i - 1 "(p, k - 1);" : ""
            }
            printf "int last(struct s *p) { return f%d(p, 12); }\n", n - 1
        }' > "$dir/${size%=*}.c"
    done
    ;;
run)
    cd "$dir"
    TMPDIR=$dir gcc -O1 -S "$3.c" -o out.s
    cksum < out.s
    ;;
esac
