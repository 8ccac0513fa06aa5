// Counts the sizes that a program asks malloc, calloc and realloc for: cc -O2 -shared -fPIC -o record.so record.c;
// RECORD_TO=folder LD_PRELOAD=./record.so program. Each process leaves folder/PID.csv with lines `size,count`:
// exact sizes up to 1 KiB, beyond that eight steps to a doubling, named by their upper end.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { EXACT = 1024, STEPS = 8, RANGES = EXACT + 1 + STEPS * 24 };

static _Atomic unsigned long counts[RANGES];

// glibc's own names: a recorder that asked dlsym first would be asked for memory by dlsym.
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);

static size_t upper(unsigned range) {
    if (range <= EXACT) return range;
    unsigned step = range - EXACT - 1;
    size_t base = (size_t)EXACT << (step / STEPS);
    return base + base / STEPS * (step % STEPS + 1);
}

static void note(size_t size) {
    unsigned range = size;
    if (size > EXACT) {
        unsigned doubling = 63 - __builtin_clzl((size - 1) / EXACT);
        size_t base = (size_t)EXACT << doubling;
        range = EXACT + 1 + doubling * STEPS + (size - 1 - base) * STEPS / base;
        if (range >= RANGES) range = RANGES - 1;
    }
    atomic_fetch_add_explicit(&counts[range], 1, memory_order_relaxed);
}

void *malloc(size_t size) {
    note(size);
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    note(count * size);
    return __libc_calloc(count, size);
}

void *realloc(void *block, size_t size) {
    note(size);
    return __libc_realloc(block, size);
}

__attribute__((destructor)) static void leave(void) {
    const char *folder = getenv("RECORD_TO");
    char path[4096];
    if (!folder || snprintf(path, sizeof path, "%s/%d.csv", folder, getpid()) >= (int)sizeof path) return;
    FILE *file = fopen(path, "w");
    if (!file) return;
    fputs("size,count\n", file);
    for (unsigned range = 1; range < RANGES; range++) {
        unsigned long count = atomic_load(&counts[range]);
        if (count) fprintf(file, "%zu,%lu\n", upper(range), count);
    }
    fclose(file);
}
