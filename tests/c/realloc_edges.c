// realloc: NULL, size 0, contents kept while growing and shrinking, the old block kept on failure.
// runs: plain preload linked static both full-static
#include "harness.h"

static void null_and_zero(void) {
    void *p = keep(realloc(NULL, 100));
    CHECK(p != NULL);
    errno = 0;
    CHECK(keep(realloc(p, 0)) == NULL);
    CHECK(errno == 0);
    p = keep(realloc(NULL, 0));
    CHECK(p != NULL);
    free(p);
}

static void walk(size_t most, size_t numerator, size_t denominator) {
    size_t size = 1;
    unsigned char *p = malloc(size);
    fill(p, size, 7);
    while (size < most) {
        size_t larger = size * numerator / denominator + 1;
        p = keep(realloc(p, larger));
        CHECK(p != NULL);
        CHECK(filled(p, size, 7));
        size = larger;
        fill(p, size, 7);
    }
    while (size > 1) {
        size = size * denominator / numerator;
        if (size == 0) size = 1;
        p = keep(realloc(p, size));
        CHECK(p != NULL);
        CHECK(filled(p, size, 7));
    }
    free(p);
}

static void kept_on_failure(size_t size) {
    void *p = malloc(size);
    CHECK(p != NULL);
    fill(p, size, 3);
    const size_t impossible[] = {SIZE_MAX, (size_t)PTRDIFF_MAX + 1, PTRDIFF_MAX, (size_t)1 << 47, SIZE_MAX - 4095};
    for (size_t i = 0; i < sizeof impossible / sizeof *impossible; i++) {
        errno = 0;
        CHECK(keep(realloc(p, keep_size(impossible[i]))) == NULL);
        CHECK(errno == ENOMEM);
        CHECK(filled(p, size, 3));
    }
    p = keep(realloc(p, size + 1));
    CHECK(p != NULL && filled(p, size, 3));
    free(p);
}

static void same_size_in_place(void) {
    for (size_t size = 16; size < 100000; size = size * 2 + 3) {
        void *p = malloc(size);
        CHECK(keep(realloc(p, size)) == p);
        free(p);
    }
}

static void aligned_blocks(void) {
    for (size_t align = 32; align <= 1u << 20; align *= 4) {
        void *p = NULL;
        CHECK(posix_memalign(&p, align, 1000) == 0);
        fill(p, 1000, 9);
        p = keep(realloc(p, 300000));
        CHECK(p != NULL && filled(p, 1000, 9));
        p = keep(realloc(p, 500));
        CHECK(p != NULL && filled(p, 500, 9));
        free(p);
    }
}

int main(void) {
    null_and_zero();
    walk(100000, 9, 8);
    walk(64u << 20, 2, 1);
    const size_t sizes[] = {1, 24, 1000, 5000, 70000, 1u << 20, 40u << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) kept_on_failure(sizes[i]);
    same_size_in_place();
    aligned_blocks();
    return 0;
}
