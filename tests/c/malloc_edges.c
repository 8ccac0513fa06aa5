// malloc: size 0, alignment, sizes near the limits, errno.
// runs: plain preload linked static both full-static
#include "harness.h"

static void zero_is_unique(void) {
    void *blocks[100];
    for (int i = 0; i < 100; i++) {
        blocks[i] = keep(malloc(0));
        CHECK(blocks[i] != NULL);
        for (int k = 0; k < i; k++) CHECK(blocks[k] != blocks[i]);
    }
    for (int i = 0; i < 100; i++) free(blocks[i]);
    free(NULL);
}

static void alignment(void) {
    for (size_t size = 1; size < 5000; size++) {
        void *p = keep(malloc(size));
        CHECK(p != NULL);
        CHECK(aligned_to(p, size >= 16 ? 16 : size >= 8 ? 8 : 1));
        memset(p, 1, size);
        free(p);
    }
}

static void too_large(void) {
    const size_t limit = PTRDIFF_MAX;
    const size_t sizes[] = {limit, limit + 1, limit + 2, limit - 1, limit - 4095, limit - 65536, SIZE_MAX, SIZE_MAX - 1,
                            SIZE_MAX - 15, SIZE_MAX - 16, SIZE_MAX - 4096, SIZE_MAX - 65536, SIZE_MAX / 2,
                            SIZE_MAX - (size_t)(1 << 20), (size_t)1 << 63, ((size_t)1 << 62) + 1, (size_t)1 << 47};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        errno = 0;
        void *p = keep(malloc(keep_size(sizes[i])));
        CHECK(p == NULL);
        CHECK(errno == ENOMEM);
    }
    exercise(1);
}

int main(void) {
    zero_is_unique();
    alignment();
    too_large();
    return 0;
}
