// A huge block that grows by realloc, MiB by MiB, is never copied: its peak is its size.
// runs: preload linked static
#include "harness.h"

static size_t peak_kib(void) {
    FILE *status = fopen("/proc/self/status", "r");
    CHECK(status != NULL);
    char line[256];
    size_t kib = 0;
    while (fgets(line, sizeof line, status) != NULL) {
        if (sscanf(line, "VmHWM: %zu", &kib) == 1) break;
    }
    fclose(status);
    return kib;
}

int main(void) {
    const size_t mib = (size_t)1 << 20, begin = 40, end = 100;
    char *block = malloc(begin * mib);
    CHECK(block != NULL);
    memset(block, 1, begin * mib);
    for (size_t size = begin + 1; size <= end; size++) {
        block = keep(realloc(block, size * mib));
        CHECK(block != NULL);
        memset(block + (size - 1) * mib, 1, mib);
    }
    size_t peak = peak_kib() >> 10;
    if (peak > end * 3 / 2) dprintf(2, "a peak of %zu MiB for %zu MiB\n", peak, end);
    CHECK(peak >= end && peak <= end * 3 / 2);
    for (size_t at = 0; at < end * mib; at += 4096) CHECK(block[at] == 1);
    free(block);
    return 0;
}
