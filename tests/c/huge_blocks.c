// Blocks of 2 GiB and more: whole, writable at both ends, zero from calloc, grown by realloc.
// runs: plain preload linked static
#include <malloc.h>

#include "harness.h"

static void touch(unsigned char *p, size_t size) {
    p[0] = 1;
    p[size / 2] = 2;
    p[size - 1] = 3;
    CHECK(p[0] == 1 && p[size / 2] == 2 && p[size - 1] == 3);
}

int main(void) {
    const size_t gib = (size_t)1 << 30;
    const size_t sizes[] = {2 * gib - 4096, 2 * gib - 1, 2 * gib, 2 * gib + 1, 3 * gib};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char *p = keep(malloc(sizes[i]));
        CHECK(p != NULL && malloc_usable_size(p) >= sizes[i]);
        touch(p, sizes[i]);
        free(p);
        p = keep(calloc(sizes[i] / 8 + 1, 8));
        CHECK(p != NULL && p[0] == 0 && p[sizes[i] / 2] == 0 && p[sizes[i] - 1] == 0);
        touch(p, sizes[i]);
        free(p);
    }
    unsigned char *p = keep(malloc(gib));
    CHECK(p != NULL);
    touch(p, gib);
    p = keep(realloc(p, 5 * gib / 2));
    CHECK(p != NULL && p[0] == 1 && p[gib / 2] == 2 && p[gib - 1] == 3);
    p[5 * gib / 2 - 1] = 9;
    p = keep(realloc(p, 5000));
    CHECK(p != NULL && p[0] == 1);
    free(p);
    return 0;
}
