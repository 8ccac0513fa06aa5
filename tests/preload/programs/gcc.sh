# needs: gcc=gcc as=binutils ld=binutils
# witness: *gcc* cc1 *as *ld*
# limit: 90
# A large generated C file; the object code must be the same to the byte.
. "$CORPUS/lib.sh"
awk -v n="$(scaled 600 4000)" 'BEGIN {
    print "#include <stdio.h>\n#include <string.h>\nstruct s { int a[8]; double d; struct s *next; };"
    for (i = 0; i < n; i++) {
        printf "static int f%d(struct s *p, int k) { int r = k; for (int i = 0; i < 8; i++) { switch ((p->a[i] + k) %% 7) {", i
        for (c = 0; c < 7; c++) printf " case %d: r += p->a[(i + %d) & 7] * %d; break;", c, (c * i) % 8, c + i
        printf " } } if (p->next) r ^= (int)p->next->d; %s return r; }\n", i ? "if (k & 1) r += f" i - 1 "(p, k - 1);" : ""
    }
    printf "int main(void) { struct s a; memset(&a, 3, sizeof a); a.next = 0; printf(\"%%d\\n\", f%d(&a, 12)); return 0; }\n", n - 1
}' > big.c
under gcc -O2 -g -c big.c -o big.o
cksum < big.o
under gcc big.o -o big
under ./big
