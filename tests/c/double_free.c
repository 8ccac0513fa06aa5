// A block is freed twice in a row: a clean end with a line, or nothing broken; never a corrupted heap.
// runs: preload linked static
#include "harness.h"

int main(void) {
    const size_t sizes[] = {200000, 1u << 20, 5u << 20, 100u << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int ends[2];
        CHECK(pipe(ends) == 0);
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            dup2(ends[1], 2);
            void *p = malloc(sizes[i]);
            free(keep(p));
            free(keep(p));
            exercise(1);
            _exit(0);
        }
        close(ends[1]);
        char text[1000] = {0};
        size_t used = 0;
        for (ssize_t n; (n = read(ends[0], text + used, sizeof text - 1 - used)) > 0;) used += (size_t)n;
        close(ends[0]);
        int status;
        CHECK(waitpid(child, &status, 0) == child);
        int aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && strncmp(text, "heapwright: free of ", 20) == 0;
        if (!aborted && status != 0) {
            dprintf(2, "size %zu: status 0x%x, said: %s\n", sizes[i], status, text);
            return 1;
        }
    }
    return 0;
}
