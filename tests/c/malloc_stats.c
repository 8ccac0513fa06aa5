// malloc_stats: writes to standard error, and says how much is in use.
// runs: plain preload linked static
#include <malloc.h>

#include "harness.h"

int main(void) {
    int ends[2], saved = dup(2);
    void *held = keep(malloc(100000));
    CHECK(pipe(ends) == 0);
    dup2(ends[1], 2);
    close(ends[1]);
    malloc_stats();
    dup2(saved, 2);
    char text[20000];
    size_t used = 0;
    for (ssize_t n; (n = read(ends[0], text + used, sizeof text - 1 - used)) > 0;) used += (size_t)n;
    text[used] = 0;
    const char *label = "in use bytes     =", *last = NULL;
    for (const char *p = text; (p = strstr(p, label)) != NULL; p++) last = p;
    CHECK(strstr(text, "system bytes     =") != NULL && last != NULL);
    CHECK(strtoull(last + strlen(label), NULL, 10) >= 100000);
    free(held);
    return 0;
}
