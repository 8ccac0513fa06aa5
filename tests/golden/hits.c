/* hits: one warm call of each fast-path entry point between two marks, many times.
 *
 * Run under a tracer of memory accesses. A store to `marks[n]` begins a call
 * of the n-th operation, the next store to it ends it; the tracer's reader
 * knows the address of `marks` and of this program's text, and leaves the
 * latter out. Compiled without PIE, so that both are fixed. Each operation is
 * preceded by enough unmarked work that it finds its lists filled.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In the order of the rows of the table. */
volatile int marks[8];

enum { ROUNDS = 64, WARM = 16, SIZE = 64 };

typedef void (*sized)(void *, size_t);

#define MARKED(number, expression) \
    do {                           \
        marks[number] = 1;         \
        expression;                \
        marks[number] = 0;         \
    } while (0)

static void *kept[WARM];

/* Leaves the lists as a program in the middle of its work has them: neither empty nor full. */
static void warm_up(void) {
    for (int i = 0; i < WARM; i++) kept[i] = malloc(SIZE);
    for (int i = 0; i < WARM; i++) free(kept[i]);
}

/* Where each shared object lies, for whoever disassembles the trace. */
static int print_object(struct dl_phdr_info *info, size_t size, void *unused) {
    (void)size, (void)unused;
    if (info->dlpi_name[0] == '/') printf("object %lx %s\n", (unsigned long)info->dlpi_addr, info->dlpi_name);
    return 0;
}

int main(void) {
    sized delete_sized = (sized)dlsym(RTLD_DEFAULT, "_ZdlPvm");
    sized free_sized_ = (sized)dlsym(RTLD_DEFAULT, "free_sized");
    void *held = malloc(SIZE); /* the slab never becomes empty */
    for (int i = 0; i < 50; i++) warm_up();
    for (int i = 0; i < ROUNDS; i++) {
        void *p;
        warm_up();
        MARKED(0, p = malloc(SIZE));
        MARKED(1, free(p));
        MARKED(2, p = calloc(1, SIZE));
        MARKED(3, p = realloc(p, SIZE - 4));
        free(p);
        p = malloc(SIZE);
        if (delete_sized) MARKED(4, delete_sized(p, SIZE));
        else free(p);
        p = malloc(SIZE);
        if (free_sized_) MARKED(5, free_sized_(p, SIZE));
        else free(p);
    }
    free(held);

    dl_iterate_phdr(print_object, NULL);
    return 0;
}
