// mallinfo and mallinfo2 move with the program: in use up and down, sums that fit, huge blocks counted.
// runs: plain preload linked static
#include <malloc.h>

#include "harness.h"

static size_t in_use(struct mallinfo2 info) {
    return info.uordblks + info.hblkhd;
}

static void sums_fit(struct mallinfo2 info) {
    CHECK(info.arena == info.uordblks + info.fordblks);
    CHECK(info.keepcost <= info.fordblks);
    CHECK((info.hblks == 0) == (info.hblkhd == 0));
}

int main(void) {
    enum { COUNT = 20000, SIZE = 1000, HUGE = 48 << 20 };
    void **blocks = malloc(COUNT * sizeof *blocks);
    struct mallinfo2 before = mallinfo2();
    sums_fit(before);
    for (int i = 0; i < COUNT; i++) blocks[i] = keep(malloc(SIZE));
    struct mallinfo2 full = mallinfo2();
    sums_fit(full);
    size_t grown = in_use(full) - in_use(before);
    CHECK(grown >= (size_t)COUNT * SIZE && grown < (size_t)COUNT * SIZE * 5 / 4);

    void *huge = keep(malloc(HUGE));
    struct mallinfo2 with_huge = mallinfo2();
    sums_fit(with_huge);
    CHECK(with_huge.hblks == full.hblks + 1);
    CHECK(with_huge.hblkhd >= full.hblkhd + HUGE);
    free(huge);
    CHECK(mallinfo2().hblks == full.hblks);

    for (int i = 0; i < COUNT; i++) free(blocks[i]);
    struct mallinfo2 after = mallinfo2();
    sums_fit(after);
    CHECK(in_use(after) <= in_use(before) + 200000);
    free(blocks);

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    struct mallinfo narrow = mallinfo();
    CHECK(narrow.arena >= 0 && narrow.uordblks >= 0 && narrow.arena == narrow.uordblks + narrow.fordblks);
    return 0;
}
