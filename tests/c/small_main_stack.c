// `ulimit -s 64`: the program starts and works with a main stack of 64 KiB.
// runs: plain preload linked static
#include <sys/resource.h>

#include "harness.h"

int main(int count, char **arguments) {
    (void)count;
    if (getenv("SMALL") == NULL) {
        setenv("SMALL", "1", 1);
        struct rlimit limit = {64 << 10, 64 << 10};
        CHECK(setrlimit(RLIMIT_STACK, &limit) == 0);
        execv("/proc/self/exe", arguments);
        CHECK(!"execv");
    }
    for (unsigned i = 0; i < 20; i++) exercise(i);
    void *p = NULL;
    for (size_t size = 1; size < 64u << 20; size = size * 2 + 1) CHECK((p = keep(realloc(p, size))) != NULL);
    free(p);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        exercise(5);
        exit(0);
    }
    CHECK(ended_well(child));
    return 0;
}
