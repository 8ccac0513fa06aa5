/* cycles MIB: takes and frees a load of one block size after the other.
 *
 * Run under a limit of less than two loads, it lives only if the memory of one
 * size is given back, or used again, for the next.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct block {
    struct block *next;
};

int main(int argc, char **argv) {
    static const size_t sizes[] = {64, 400, 3000, 40000, 700000, 5000000, 32, 1500};
    size_t load = (argc > 1 ? strtoul(argv[1], NULL, 10) : 200) << 20;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        struct block *list = NULL;
        for (size_t held = 0; held + sizes[s] <= load; held += sizes[s]) {
            struct block *b = malloc(sizes[s]);
            if (!b) return fprintf(stderr, "cycles: NULL at block size %zu after %zu MiB\n", sizes[s], held >> 20), 1;
            memset(b, 1, sizes[s]);
            b->next = list;
            list = b;
        }
        while (list) {
            struct block *next = list->next;
            free(list);
            list = next;
        }
    }
    return 0;
}
