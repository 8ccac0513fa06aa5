# needs: gcc=gcc as=binutils ld=binutils
# witness: *gcc* cc1 *as *ld*
# limit: 90
# A large generated C file; the object code must be the same to the byte.
. "$CORPUS/lib.sh"
n=$(scaled 600 4000)
{
    printf '#include <stdio.h>\n#include <string.h>\n'
    awk -v n="$n" -f "$CORPUS/data/large_c.awk"
    printf 'int main(void) { struct s a; memset(&a, 3, sizeof a); a.next = 0; printf("%%d\\n", f%d(&a, 12)); return 0; }\n' $((n - 1))
} > big.c
under gcc -O2 -g -c big.c -o big.o
cksum < big.o
under gcc big.o -o big
under ./big
