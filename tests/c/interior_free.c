// free of a pointer into a large or huge block: SIGABRT with a line that names it, and the block is untouched.
// runs: preload linked static
#include "harness.h"

static void act(void *p) {
    free(p);
}

int main(void) {
    const size_t sizes[] = {200000, 1u << 20, 5u << 20, 100u << 20};
    const size_t offsets[] = {16, 64, 4096, 65536, 131072};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *block = malloc(sizes[i]);
        CHECK(block != NULL);
        fill(block, sizes[i], 1);
        for (size_t k = 0; k < sizeof offsets / sizeof *offsets; k++) {
            char name[32];
            snprintf(name, sizeof name, "%p", (void *)(block + offsets[k]));
            dies_saying(act, keep(block + offsets[k]), "heapwright: free of a pointer into the middle of a block", name);
        }
        CHECK(filled(block, sizes[i], 1));
        free(block);
    }
    return 0;
}
