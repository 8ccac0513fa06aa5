// calloc: products that overflow, zero sizes, and zero bytes also where dirty memory is used again.
// runs: plain preload linked static both full-static
#include "harness.h"

static void overflow(void) {
    const size_t pairs[][2] = {{SIZE_MAX, 2}, {2, SIZE_MAX}, {SIZE_MAX / 2 + 1, 2}, {(size_t)1 << 32, (size_t)1 << 32},
                               {SIZE_MAX, SIZE_MAX}, {SIZE_MAX / 3, 4}, {PTRDIFF_MAX, 1}, {1, (size_t)PTRDIFF_MAX + 1}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        errno = 0;
        CHECK(keep(calloc(keep_size(pairs[i][0]), keep_size(pairs[i][1]))) == NULL);
        CHECK(errno == ENOMEM);
    }
}

static void zero_after_dirt(size_t size) {
    enum { COUNT = 8 };
    void *blocks[COUNT];
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < COUNT; i++) {
            blocks[i] = keep(calloc(1, size));
            CHECK(blocks[i] != NULL);
            CHECK(all_zero(blocks[i], size));
            memset(blocks[i], 0xa5, size);
        }
        for (int i = 0; i < COUNT; i++) free(blocks[i]);
    }
}

int main(void) {
    void *a = keep(calloc(0, 5)), *b = keep(calloc(5, 0));
    CHECK(a != NULL && b != NULL && a != b);
    free(a);
    free(b);
    overflow();
    for (size_t size = 1; size <= 600; size++) zero_after_dirt(size);
    for (size_t size = 1024; size <= 8u << 20; size = size * 3 / 2) zero_after_dirt(size);
    // Dirt left by neighbours of other sizes: a large span cut from what small blocks used.
    for (int round = 0; round < 20; round++) {
        void *small[500];
        for (int i = 0; i < 500; i++) memset(small[i] = keep(malloc(1000)), 0xff, 1000);
        for (int i = 0; i < 500; i++) free(small[i]);
        size_t size = 100000 + (size_t)round * 40000;
        void *large = keep(calloc(size / 8, 8));
        CHECK(large != NULL && all_zero(large, size));
        memset(large, 0xff, size);
        free(large);
    }
    return 0;
}
