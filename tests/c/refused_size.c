// A request that no machine can answer is refused at once: it does not first give back the memory kept for reuse.
// runs: plain preload linked static
#include "harness.h"

int main(void) {
    enum { COUNT = 20, SIZE = 700000 };
    void *blocks[COUNT], *small = malloc(100);
    fill(small, 100, 1);
    for (int i = 0; i < COUNT; i++) memset(blocks[i] = keep(malloc(SIZE)), 1, SIZE);
    for (int i = 0; i < COUNT; i++) free(blocks[i]);
    size_t before = resident(), most = keep_size((size_t)PTRDIFF_MAX - 4096);
    void *p = NULL;
    for (int round = 0; round < 3; round++) {
        errno = 0;
        CHECK(keep(malloc(most)) == NULL && errno == ENOMEM);
        errno = 0;
        CHECK(keep(calloc(1, most)) == NULL && errno == ENOMEM);
        CHECK(posix_memalign(&p, 4096, most) == ENOMEM && p == NULL);
        errno = 0;
        CHECK(keep(realloc(small, most)) == NULL && errno == ENOMEM);
    }
    size_t after = resident();
    if (after < before / 4 * 3) dprintf(2, "%zu bytes resident before, %zu after\n", before, after);
    CHECK(after >= before / 4 * 3);
    CHECK(filled(small, 100, 1));
    free(small);
    return 0;
}
