// MicroHeap's interface: a program of its time compiles and links unchanged.
// runs: linked static
// flags: -I../../include/compat
#include "microheap.h"

#include "harness.h"

int main(void) {
    CHECK(my_malloc(0) == NULL && my_calloc(0, 4) == NULL && my_calloc(4, 0) == NULL);
    CHECK(my_malloc(keep_size(SIZE_MAX)) == NULL);
    CHECK(my_calloc(keep_size(SIZE_MAX / 2), 3) == NULL);
    my_free(NULL);
    char *blocks[100];
    for (size_t i = 0; i < 100; i++) {
        blocks[i] = my_malloc(i * 50 + 1);
        CHECK(blocks[i] != NULL);
        fill(blocks[i], i * 50 + 1, (unsigned)i);
    }
    for (size_t i = 0; i < 100; i++) {
        CHECK(filled(blocks[i], i * 50 + 1, (unsigned)i));
        blocks[i] = my_realloc(blocks[i], i * 200 + 2);
        CHECK(blocks[i] != NULL && filled(blocks[i], i * 50 + 1, (unsigned)i));
    }
    for (size_t i = 0; i < 100; i += 2) my_free(blocks[i]);
    for (size_t i = 1; i < 100; i += 2) CHECK(my_realloc(blocks[i], 0) == NULL);
    CHECK(my_realloc(NULL, 0) == NULL);
    int *numbers = my_calloc(1000, sizeof *numbers);
    CHECK(numbers != NULL && all_zero(numbers, 4000));
    my_free(numbers);
    return 0;
}
