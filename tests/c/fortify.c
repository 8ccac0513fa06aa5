// _FORTIFY_SOURCE=3 beside malloc_usable_size, as systemd uses it: the usable bytes may be written.
// runs: plain preload linked static
// flags: -O2 -D_FORTIFY_SOURCE=3
#include <malloc.h>

#include "harness.h"

// Tells the compiler that the block now has the size it can really take.
__attribute__((alloc_size(2), noinline)) static void *expanded(void *block, size_t size) {
    (void)size;
    return keep(block);
}

int main(void) {
    for (size_t size = 1; size < 100000; size = size * 5 / 4 + 1) {
        void *raw = malloc(size);
        CHECK(raw != NULL);
        size_t usable = malloc_usable_size(raw);
        char *p = expanded(raw, usable);
        memset(p, 'x', usable);
        char *q = malloc(usable);
        memcpy(q, p, usable);
        CHECK(memcmp(p, q, usable) == 0);
        free(q);
        free(p);
    }
    return 0;
}
