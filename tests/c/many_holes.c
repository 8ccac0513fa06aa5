// A heap full of holes that are a little too small: a request does not look at each of them.
// runs: plain preload linked static
#include <time.h>

#include "harness.h"

enum { MOST = 8000, ASKED = 200, HOLE = 130 * 4096 - 64, REQUEST = 140 * 4096 - 64, BETWEEN = 66000 };

static double now(void) {
    struct timespec time;
    CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

// Microseconds of a request with `count` holes. Nothing is written to: the holes are address space.
static double cost(int count) {
    static void *holes[MOST], *between[MOST], *asked[ASKED];
    for (int i = 0; i < count; i++) {
        CHECK((holes[i] = keep(malloc(HOLE))) != NULL);
        CHECK((between[i] = keep(malloc(BETWEEN))) != NULL);
    }
    for (int i = 0; i < count; i++) free(holes[i]);
    double start = now();
    for (int i = 0; i < ASKED; i++) asked[i] = keep(malloc(REQUEST));
    double time = now() - start;
    for (int i = 0; i < ASKED; i++) CHECK(asked[i] != NULL);
    for (int i = 0; i < ASKED; i++) free(asked[i]);
    for (int i = 0; i < count; i++) free(between[i]);
    return time / ASKED * 1e6;
}

int main(void) {
    double few = 0, many = 0;
    // A machine that is busy with something else does not spoil all three.
    for (int attempt = 0; attempt < 3; attempt++) {
        few = cost(MOST / 80);
        many = cost(MOST);
        if (many < 4 * few + 5) return 0;
    }
    dprintf(2, "a request takes %.2f us with %d holes, %.2f us with %d\n", few, MOST / 80, many, MOST);
    return 1;
}
