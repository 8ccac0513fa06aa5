// mallopt: 1 for a knob that is turned or harmless, 0 for a value out of range; blocks of all sizes still come.
// runs: plain preload linked static
#include <malloc.h>

#include "harness.h"

int main(void) {
    CHECK(mallopt(M_MMAP_THRESHOLD, 1 << 20) == 1);
    exercise(1);
    CHECK(mallopt(M_TRIM_THRESHOLD, 1 << 20) == 1);
    CHECK(mallopt(M_TRIM_THRESHOLD, -1) == 1);
    CHECK(mallopt(M_TOP_PAD, 65536) == 1);
    CHECK(mallopt(M_MMAP_MAX, 1000) == 1);
    CHECK(mallopt(M_MXFAST, 64) == 1);
    CHECK(mallopt(M_MXFAST, 100000) == 0);
    CHECK(mallopt(M_MXFAST, -1) == 0);
    CHECK(mallopt(M_ARENA_TEST, 4) == 1);
    CHECK(mallopt(M_ARENA_MAX, 2) == 1);
    CHECK(mallopt(M_CHECK_ACTION, 1) == 1);
    CHECK(mallopt(12345, 1) == 1);
    CHECK(mallopt(M_MMAP_THRESHOLD, 200000) == 1);
    for (size_t size = 1000; size < 64u << 20; size = size * 3 / 2) {
        void *p = keep(malloc(size));
        CHECK(p != NULL);
        fill(p, size, 2);
        p = keep(realloc(p, size * 2));
        CHECK(p != NULL && filled(p, size, 2));
        free(p);
    }
    exercise(2);
    return 0;
}
