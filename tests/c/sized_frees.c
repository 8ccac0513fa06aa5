// C23 free_sized and free_aligned_sized, and cfree: for each way to ask for a block.
// runs: preload linked static
#include "harness.h"

// Not every C library declares them; weak, so that the program starts without a definition, too.
__attribute__((weak)) void free_sized(void *, size_t);
__attribute__((weak)) void free_aligned_sized(void *, size_t, size_t);
__attribute__((weak)) void cfree(void *);

int main(void) {
    CHECK(free_sized && free_aligned_sized && cfree);
    free_sized(NULL, 0);
    free_sized(NULL, 100);
    free_aligned_sized(NULL, 64, 100);
    cfree(NULL);
    for (int round = 0; round < 3; round++) {
        for (size_t size = 0; size < 100u << 20; size = size < 2000 ? size + 1 : size * 2) {
            errno = 55;
            void *p = keep(malloc(size)), *q = keep(calloc(1, size)), *r = keep(realloc(malloc(1), size + 1));
            CHECK(p && q && r);
            errno = 55;
            free_sized(p, size);
            free_sized(q, size);
            free_sized(r, size + 1);
            CHECK(errno == 55);
            for (size_t align = 16; align <= 65536; align *= 16) {
                void *s = keep(aligned_alloc(align, size));
                CHECK(s && aligned_to(s, align));
                free_aligned_sized(s, align, size);
            }
        }
    }
    cfree(malloc(10));
    exercise(3);
    return 0;
}
