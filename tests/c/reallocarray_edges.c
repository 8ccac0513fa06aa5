// reallocarray: the product is checked, the block is kept on failure, zero frees.
// runs: plain preload linked static
#define _GNU_SOURCE
#include "harness.h"

int main(void) {
    int *p = keep(reallocarray(NULL, 10, sizeof *p));
    CHECK(p != NULL);
    for (int i = 0; i < 10; i++) p[i] = i;
    errno = 0;
    CHECK(keep(reallocarray(p, keep_size(SIZE_MAX / 2), 3)) == NULL);
    CHECK(errno == ENOMEM);
    errno = 0;
    CHECK(keep(reallocarray(p, keep_size((size_t)1 << 32), keep_size((size_t)1 << 32))) == NULL);
    CHECK(errno == ENOMEM);
    p = keep(reallocarray(p, 100000, sizeof *p));
    CHECK(p != NULL);
    for (int i = 0; i < 10; i++) CHECK(p[i] == i);
    CHECK(keep(reallocarray(p, 0, sizeof *p)) == NULL);
    p = keep(reallocarray(NULL, 0, 4));
    CHECK(p != NULL);
    free(p);
    return 0;
}
