// free and cfree keep errno, whatever the block and however it was made.
// runs: plain preload linked static full-static
#define _GNU_SOURCE
#include <malloc.h>

#include "harness.h"

int main(void) {
    for (size_t size = 1; size <= 256u << 20; size = size * 5 / 2 + 1) {
        void *p = keep(malloc(size)), *q = NULL;
        CHECK(p != NULL);
        errno = 4321;
        free(p);
        CHECK(errno == 4321);
        CHECK(posix_memalign(&q, 8192, size) == 0);
        errno = -77;
        free(q);
        CHECK(errno == -77);
    }
    errno = 99;
    free(NULL);
    CHECK(errno == 99);
    // Many at once: the frees that give memory back to the system are among them.
    enum { COUNT = 20000 };
    void **blocks = malloc(COUNT * sizeof *blocks);
    for (int i = 0; i < COUNT; i++) memset(blocks[i] = malloc(3000), 1, 3000);
    errno = 4321;
    for (int i = 0; i < COUNT; i++) free(blocks[i]);
    free(blocks);
    CHECK(errno == 4321);
    return 0;
}
