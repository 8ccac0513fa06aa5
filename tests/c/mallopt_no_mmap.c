// mallopt tells us to give no block a mapping of its own; blocks larger than any reservation come nevertheless.
// runs: plain preload linked static
#include <malloc.h>
#include <sys/mman.h>

#include "harness.h"

int main(void) {
    const size_t size = (size_t)5 << 30;
    void *probe = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (probe == MAP_FAILED) {
        dprintf(2, "the machine does not map 5 GiB (errno %d)\n", errno);
        return 77;
    }
    CHECK(munmap(probe, size) == 0);
    CHECK(mallopt(M_MMAP_THRESHOLD, -1) == 1);
    for (int round = 0; round < 2; round++) {
        char *p = (char *)keep(malloc(size));
        CHECK(p != NULL && malloc_usable_size(p) >= size);
        p[0] = p[size / 2] = p[size - 1] = 7;
        CHECK(p[0] + p[size / 2] + p[size - 1] == 21);
        free(p);
        exercise(1);
        CHECK(mallopt(M_MMAP_MAX, 0) == 1);
    }
    return 0;
}
