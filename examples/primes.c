/* A little C for a real compiler to chew on: `heapwright run -- cc -O2 -o target/primes examples/primes.c`. */
#include <stdio.h>
#include <stdlib.h>

int main(void) {
    enum { MOST = 1000000 };
    char *composite = calloc(MOST + 1, 1);
    if (!composite) return 1;
    long found = 0;
    for (long i = 2; i <= MOST; i++) {
        if (composite[i]) continue;
        found++;
        for (long j = i * i; j <= MOST; j += i) composite[j] = 1;
    }
    printf("%ld primes up to %d\n", found, MOST);
    free(composite);
    return 0;
}
