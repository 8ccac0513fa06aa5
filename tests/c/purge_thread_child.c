// purge_thread=1: memory that lies idle goes back without a call, in the process, in its child and in the
// child's child.
// runs: preload linked static
#include "harness.h"

static void goes_back(void) {
    enum { COUNT = 20000, SIZE = 800 };
    static void *blocks[COUNT];
    size_t before = resident();
    for (int i = 0; i < COUNT; i++) memset(blocks[i] = keep(malloc(SIZE)), 1, SIZE);
    for (int i = 0; i < COUNT; i++) free(blocks[i]);
    size_t enough = before + COUNT * SIZE / 4, now = 0;
    for (int tenth = 0; tenth < 50; tenth++) {
        now = resident();
        if (now <= enough) return;
        usleep(100000);
    }
    dprintf(2, "process %d: %zu bytes resident before, %zu long after all is freed\n", (int)getpid(), before, now);
    _exit(1);
}

int main(int count, char **arguments) {
    if (count == 1) {
        setenv("HEAPWRIGHT_CONF", "purge_thread=1,purge_delay=50ms", 1);
        execl("/proc/self/exe", arguments[0], "again", (char *)NULL);
        return 9;
    }
    for (int generation = 0; generation < 2; generation++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child > 0) {
            goes_back();
            CHECK(ended_well(child));
            return 0;
        }
        // A child gets the thread when it allocates and is no longer so young that it may only be about to exec.
        usleep(100000);
    }
    goes_back();
    return 0;
}
