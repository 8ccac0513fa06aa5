// The __libc_* family is of one heap with malloc and free.
// runs: plain preload linked static
#include "harness.h"

void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t), *__libc_valloc(size_t), *__libc_pvalloc(size_t);
void *__libc_reallocarray(void *, size_t, size_t);
void __libc_free(void *);

int main(void) {
    for (size_t size = 1; size < 1u << 20; size = size * 3 + 1) {
        free(keep(__libc_malloc(size)));
        __libc_free(keep(malloc(size)));
        void *p = keep(__libc_calloc(2, size));
        CHECK(p && all_zero(p, 2 * size));
        fill(p, 2 * size, 1);
        p = keep(realloc(p, 3 * size));
        CHECK(p && filled(p, 2 * size, 1));
        p = keep(__libc_realloc(p, 4 * size));
        CHECK(p && filled(p, 2 * size, 1));
        p = keep(__libc_reallocarray(p, 2, size));
        CHECK(p && filled(p, 2 * size, 1));
        free(p);
        p = keep(__libc_memalign(256, size));
        CHECK(p && aligned_to(p, 256));
        free(p);
        free(keep(__libc_valloc(size)));
        free(keep(__libc_pvalloc(size)));
    }
    return 0;
}
