// posix_memalign, memalign, aligned_alloc, valloc, pvalloc: what is refused, what is rounded, up to 1 GiB.
// runs: plain preload linked static both full-static
#define _GNU_SOURCE
#include <malloc.h>

#include "harness.h"

static void *const mark = (void *)0x1234;

static void posix_rules(void) {
    const size_t bad[] = {0, 1, 2, 4, 3, 7, 12, 24, 48, 100, SIZE_MAX, SIZE_MAX / 2};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        void *p = mark;
        errno = 0;
        CHECK(posix_memalign(&p, bad[i], 10) == EINVAL);
        CHECK(p == mark && errno == 0);
    }
    void *p = mark;
    CHECK(posix_memalign(&p, 64, PTRDIFF_MAX) == ENOMEM);
    CHECK(posix_memalign(&p, 64, SIZE_MAX) == ENOMEM);
    CHECK(posix_memalign(&p, 4096, SIZE_MAX - 4096) == ENOMEM);
    CHECK(posix_memalign(&p, (size_t)1 << 63, 1) == ENOMEM);
    CHECK(posix_memalign(&p, (size_t)1 << 62, (size_t)1 << 62) == ENOMEM);
    CHECK(p == mark);
}

static void every_alignment(void) {
    for (size_t align = 8; align <= (size_t)1 << 30; align *= 2) {
        const size_t sizes[] = {0, 1, 8, 24, 100, align / 2, align - 1, align, align + 1, 3 * align / 2};
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            void *p = NULL;
            CHECK(posix_memalign(&p, align, sizes[i]) == 0);
            CHECK(p != NULL && aligned_to(p, align));
            CHECK(malloc_usable_size(p) >= sizes[i]);
            if (sizes[i] <= 1u << 20) {
                fill(p, sizes[i], 5);
                CHECK(filled(p, sizes[i], 5));
            } else {
                ((char *)p)[0] = ((char *)p)[sizes[i] - 1] = 1;
            }
            free(p);
        }
    }
}

static void many_at_once(size_t align, size_t size) {
    enum { COUNT = 300 };
    unsigned char *blocks[COUNT];
    for (int i = 0; i < COUNT; i++) {
        blocks[i] = keep(aligned_alloc(align, size));
        CHECK(blocks[i] != NULL && aligned_to(blocks[i], align));
        fill(blocks[i], size, (unsigned)i);
    }
    for (int i = 0; i < COUNT; i++) CHECK(filled(blocks[i], size, (unsigned)i));
    for (int i = 0; i < COUNT; i++) free(blocks[i]);
}

static void rounding(void) {
    const size_t odd[][2] = {{0, 1}, {1, 1}, {3, 4}, {5, 8}, {24, 32}, {48, 64}, {100, 128}, {5000, 8192}};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        void *p = keep(memalign(odd[i][0], 100)), *q = keep(aligned_alloc(odd[i][0], 77));
        CHECK(p != NULL && aligned_to(p, odd[i][1]));
        CHECK(q != NULL && aligned_to(q, odd[i][1]));
        free(p);
        free(q);
    }
    errno = 0;
    CHECK(keep(memalign(((size_t)1 << 63) + 1, 10)) == NULL);
    CHECK(errno == EINVAL);
    errno = 0;
    CHECK(keep(memalign(64, keep_size(SIZE_MAX - 32))) == NULL);
    CHECK(errno == ENOMEM);
    errno = 0;
    CHECK(keep(aligned_alloc(4096, keep_size(PTRDIFF_MAX))) == NULL);
    CHECK(errno == ENOMEM);
}

static void pages(void) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t sizes[] = {0, 1, 100, page - 1, page, page + 1, 10 * page};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        void *p = keep(valloc(sizes[i])), *q = keep(pvalloc(sizes[i]));
        CHECK(p != NULL && aligned_to(p, page));
        CHECK(q != NULL && aligned_to(q, page));
        size_t whole = (sizes[i] + page - 1) / page * page;
        CHECK(malloc_usable_size(q) >= whole);
        memset(q, 1, whole);
        free(p);
        free(q);
    }
    const size_t bad[] = {SIZE_MAX, SIZE_MAX - page + 1, SIZE_MAX - 2 * page, PTRDIFF_MAX};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        errno = 0;
        CHECK(keep(pvalloc(keep_size(bad[i]))) == NULL);
        CHECK(errno == ENOMEM);
        errno = 0;
        CHECK(keep(valloc(keep_size(bad[i]))) == NULL);
        CHECK(errno == ENOMEM);
    }
}

int main(void) {
    posix_rules();
    every_alignment();
    many_at_once(16, 8);
    many_at_once(32, 100);
    many_at_once(64, 48);
    many_at_once(256, 1000);
    many_at_once(4096, 100);
    many_at_once(65536, 5000);
    rounding();
    pages();
    return 0;
}
