// A program that starts under `ulimit -v 200000` and asks for more: NULL, ENOMEM, exit 0.
// runs: plain preload linked static
#include <sys/resource.h>

#include "harness.h"

int main(int count, char **arguments) {
    (void)count;
    if (getenv("LIMITED") == NULL) {
        setenv("LIMITED", "1", 1);
        struct rlimit limit = {(rlim_t)200000 << 10, (rlim_t)200000 << 10};
        CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
        execv("/proc/self/exe", arguments);
        CHECK(!"execv");
    }
    errno = 0;
    CHECK(keep(malloc((size_t)300000 << 10)) == NULL && errno == ENOMEM);
    size_t sum = 0;
    void *last = NULL;
    for (;;) {
        void **block = keep(malloc(50000));
        if (block == NULL) break;
        *block = last;
        last = block;
        sum += 50000;
    }
    CHECK(errno == ENOMEM);
    if (sum < (size_t)100 << 20) dprintf(2, "only %zu KiB of 200000\n", sum >> 10);
    CHECK(sum >= (size_t)100 << 20);
    while (last) {
        void *next = *(void **)last;
        free(last);
        last = next;
    }
    exercise(1);
    return 0;
}
