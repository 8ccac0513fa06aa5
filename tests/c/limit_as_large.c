// A limit of the address space that leaves tens of GiB: nearly all of it can be had, not one reservation's worth.
// Blocks stay untouched, so it costs hardly any memory.
// runs: plain preload linked static
#include <sys/resource.h>

#include "harness.h"

int main(void) {
    char strict = 0;
    int file = open("/proc/sys/vm/overcommit_memory", O_RDONLY);
    if (file >= 0 && read(file, &strict, 1) == 1 && strict == '2') {
        dprintf(2, "the machine does not overcommit memory\n");
        return 77;
    }
    close(file);
    const size_t size = 900000, wanted = ((size_t)24 << 30) / size;
    struct rlimit limit = {(size_t)32 << 30, (size_t)32 << 30};
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
    static void *blocks[(size_t)33 * 1200];
    size_t count = 0;
    while (count < sizeof blocks / sizeof *blocks && (blocks[count] = keep(malloc(size))) != NULL) count++;
    if (count < wanted) dprintf(2, "%zu blocks of %zu under a limit of 32 GiB\n", count, size);
    CHECK(count >= wanted && count < sizeof blocks / sizeof *blocks && errno == ENOMEM);
    for (size_t i = 0; i < count; i++) free(blocks[i]);
    exercise(1);
    return 0;
}
