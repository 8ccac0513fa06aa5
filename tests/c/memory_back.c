// A load of small blocks is freed: RSS falls without any further call, and further by malloc_trim(0).
// runs: preload linked static
#include <malloc.h>

#include "harness.h"

int main(void) {
    const size_t load = (size_t)512 << 20;
    struct node { struct node *next; } *list = NULL;
    unsigned state = 1;
    size_t floor = resident();
    for (size_t sum = 0; sum < load;) {
        size_t size = 16 + next_random(&state) % 500;
        struct node *node = malloc(size);
        CHECK(node != NULL);
        memset(node, 1, size);
        node->next = list;
        list = node;
        sum += size;
    }
    size_t peak = resident();
    CHECK(peak - floor >= load);
    while (list != NULL) {
        struct node *next = list->next;
        free(list);
        list = next;
    }
    size_t freed = resident();
    if (freed >= peak / 4) dprintf(2, "after the frees: %zu KiB of %zu KiB\n", freed >> 10, peak >> 10);
    CHECK(freed < peak / 4);
    malloc_trim(0);
    size_t trimmed = resident();
    if (trimmed >= peak / 20) dprintf(2, "after malloc_trim: %zu KiB of %zu KiB\n", trimmed >> 10, peak >> 10);
    CHECK(trimmed < peak / 20);
    // And the memory is there again when it is wanted.
    exercise(5);
    return 0;
}
