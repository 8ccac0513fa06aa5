// The free-list allocator's interface: a program of its time compiles and links unchanged.
// runs: linked static
// flags: -I../../include/compat
#include "memory_allocator.h"

#include "harness.h"

int main(void) {
    CHECK(memalloc(0) == NULL && defalloc(0, 4) == NULL && defalloc(4, 0) == NULL);
    CHECK(memalloc(keep_size(SIZE_MAX)) == NULL);
    CHECK(defalloc(keep_size(SIZE_MAX), 2) == NULL);
    CHECK(defalloc(keep_size((size_t)1 << 32), keep_size((size_t)1 << 32)) == NULL);
    memfree(NULL);

    char *text = memalloc(20);
    CHECK(text != NULL);
    strcpy(text, "a block");
    char *copy = memdup(text, strlen(text) + 1);
    CHECK(copy != NULL && copy != text && strcmp(copy, "a block") == 0);
    CHECK(memdup(text, 0) == NULL && memdup(NULL, 5) == NULL);

    text = memresize(text, 100000);
    CHECK(text != NULL && strcmp(text, "a block") == 0);
    CHECK(memresize(text, keep_size(SIZE_MAX)) == NULL);
    CHECK(strcmp(text, "a block") == 0);
    CHECK(memresize(text, 0) == NULL);
    CHECK(memresize(NULL, 0) == NULL);
    text = memresize(NULL, 30);
    CHECK(text != NULL);
    memfree(text);
    memfree(copy);

    int *numbers = defalloc(1000, sizeof *numbers);
    CHECK(numbers != NULL && all_zero(numbers, 4000));
    CHECK(memoryset(numbers, 0x7f, 400) == numbers);
    CHECK(numbers[99] == 0x7f7f7f7f && numbers[100] == 0);
    CHECK(memoryset(NULL, 1, 10) == NULL);
    memfree(numbers);
    return 0;
}
