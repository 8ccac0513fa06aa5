// RLIMIT_DATA, raised again: NULL and ENOMEM while it holds, memory when it does not.
// runs: plain preload linked static
#include <sys/resource.h>

#include "harness.h"

int main(void) {
    struct rlimit old, limit;
    CHECK(getrlimit(RLIMIT_DATA, &old) == 0);
    exercise(1);
    limit = old;
    limit.rlim_cur = (rlim_t)32 << 20;
    CHECK(setrlimit(RLIMIT_DATA, &limit) == 0);
    enum { COUNT = 10000 };
    static void *blocks[COUNT];
    int count = 0;
    while (count < COUNT && (blocks[count] = keep(malloc(100000))) != NULL) count++;
    CHECK(count > 100 && count < COUNT);
    CHECK(errno == ENOMEM);
    CHECK(setrlimit(RLIMIT_DATA, &old) == 0);
    void *more = keep(malloc((size_t)64 << 20));
    CHECK(more != NULL);
    free(more);
    CHECK(setrlimit(RLIMIT_DATA, &limit) == 0);
    for (int i = 0; i < count; i++) free(blocks[i]);
    exercise(2);
    return 0;
}
