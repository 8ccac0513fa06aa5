// HEAPWRIGHT_CONF with a misspelt key: one line that names it and the nearest key, and the program goes on.
// runs: preload linked static
#include "harness.h"

int main(int count, char **arguments) {
    if (count > 1) {
        exercise(1);
        return 0;
    }
    setenv("HEAPWRIGHT_CONF", "huge_treshold=1M,purge_delay=100ms", 1);
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        dup2(ends[1], 2);
        execl("/proc/self/exe", arguments[0], "child", (char *)NULL);
        _exit(9);
    }
    close(ends[1]);
    char text[2000] = {0};
    size_t used = 0;
    for (ssize_t n; (n = read(ends[0], text + used, sizeof text - 1 - used)) > 0;) used += (size_t)n;
    int well = ended_well(child);
    if (!well || strncmp(text, "heapwright: ", 12) != 0 || !strstr(text, "huge_treshold") ||
        !strstr(text, "huge_threshold") || strchr(text, '\n') != text + used - 1) {
        dprintf(2, "expected one line about huge_treshold; got: %s\n", text);
        return 1;
    }
    return 0;
}
