// malloc_usable_size: at least what was asked for, all of it writable, all of it kept by realloc.
// runs: plain preload linked static full-static
#include <malloc.h>

#include "harness.h"

int main(void) {
    CHECK(malloc_usable_size(NULL) == 0);
    enum { COUNT = 64 };
    for (size_t size = 0; size < 8u << 20; size = size < 300 ? size + 1 : size * 4 / 3) {
        unsigned char *blocks[COUNT];
        int count = size > 100000 ? 4 : COUNT;
        for (int i = 0; i < count; i++) {
            blocks[i] = keep(malloc(size));
            CHECK(blocks[i] != NULL && malloc_usable_size(blocks[i]) >= size);
            fill(blocks[i], malloc_usable_size(blocks[i]), (unsigned)i);
        }
        for (int i = 0; i < count; i++) {
            size_t usable = malloc_usable_size(blocks[i]);
            CHECK(filled(blocks[i], usable, (unsigned)i));
            blocks[i] = keep(realloc(blocks[i], usable + 100));
            CHECK(blocks[i] != NULL && filled(blocks[i], usable, (unsigned)i));
            free(blocks[i]);
        }
    }
    return 0;
}
