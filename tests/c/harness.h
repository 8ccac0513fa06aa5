/* What the conformance programs share: a check that says what failed without allocating, and a child that
 * must die with a message. A program prints nothing and exits 0 if all is well; it exits 77 after one line if
 * the machine does not let it try. */
#ifndef HARNESS_H
#define HARNESS_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(condition)                                                                              \
    do {                                                                                              \
        if (!(condition)) {                                                                           \
            dprintf(2, "%s:%d: not so: %s (errno %d)\n", __FILE__, __LINE__, #condition, errno);       \
            _exit(1);                                                                                 \
        }                                                                                             \
    } while (0)

/* Hides a value from the optimiser, which knows what malloc and free mean and drops pairs of them. */
static inline void *keep(void *p) {
    __asm__ volatile("" : "+r"(p) : : "memory");
    return p;
}

static inline size_t keep_size(size_t n) {
    __asm__ volatile("" : "+r"(n) : : "memory");
    return n;
}

static inline int aligned_to(const void *p, size_t align) {
    return ((uintptr_t)p & (align - 1)) == 0;
}

/* Fills a block with bytes that depend on its place and a seed, and asks whether they are still there. */
static inline void fill(void *block, size_t size, unsigned seed) {
    unsigned char *p = (unsigned char *)block;
    for (size_t i = 0; i < size; i++) p[i] = (unsigned char)(i * 31 + seed + (i >> 8));
}

static inline int filled(const void *block, size_t size, unsigned seed) {
    const unsigned char *p = (const unsigned char *)block;
    for (size_t i = 0; i < size; i++)
        if (p[i] != (unsigned char)(i * 31 + seed + (i >> 8))) return 0;
    return 1;
}

static inline int all_zero(const void *block, size_t size) {
    const unsigned char *p = (const unsigned char *)block;
    for (size_t i = 0; i < size; i++)
        if (p[i] != 0) return 0;
    return 1;
}

/* A small generator, so that every run does the same. */
static inline unsigned next_random(unsigned *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Bytes of this process that are in memory now. */
static inline size_t resident(void) {
    char text[128];
    int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = read(file, text, sizeof text - 1);
    CHECK(file >= 0 && n > 0);
    close(file);
    text[n] = 0;
    char *second = strchr(text, ' ');
    CHECK(second != NULL);
    return strtoull(second, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

/* Waits for a child that must exit with 0. */
static inline int ended_well(pid_t child) {
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return 1;
    dprintf(2, "child %d ended with status 0x%x\n", (int)child, status);
    return 0;
}

/* Allocates, writes, checks and frees blocks of many sizes: does the heap still work? */
static inline void exercise(unsigned seed) {
    enum { COUNT = 60 };
    unsigned char *blocks[COUNT];
    size_t sizes[COUNT], checked[COUNT];
    unsigned state = seed * 2654435761u + 1;
    for (int i = 0; i < COUNT; i++) {
        sizes[i] = i == 49 ? 1u << 20 : 1 + next_random(&state) % (i % 10 == 9 ? 40000 : 600);
        checked[i] = sizes[i] < 2000 ? sizes[i] : 2000;
        blocks[i] = (unsigned char *)keep(malloc(sizes[i]));
        CHECK(blocks[i] != NULL);
        blocks[i][sizes[i] - 1] = 1;
        fill(blocks[i], checked[i], seed + (unsigned)i);
    }
    for (int i = 0; i < COUNT; i += 2) CHECK(filled(blocks[i], checked[i], seed + (unsigned)i));
    for (int i = 0; i < COUNT; i += 2) free(blocks[i]);
    for (int i = 1; i < COUNT; i += 2) CHECK(filled(blocks[i], checked[i], seed + (unsigned)i));
    for (int i = 1; i < COUNT; i += 2) free(blocks[i]);
}

/* Runs `act` in a child that must be killed by SIGABRT after one line that begins with `words`. `needle`, if
 * not NULL, must be in the line too. */
static inline void dies_saying(void (*act)(void *), void *argument, const char *words, const char *needle) {
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        dup2(ends[1], 2);
        act(argument);
        _exit(0);
    }
    close(ends[1]);
    char text[4096];
    size_t used = 0;
    for (;;) {
        ssize_t n = read(ends[0], text + used, sizeof text - 1 - used);
        if (n <= 0) break;
        used += (size_t)n;
    }
    close(ends[0]);
    text[used] = 0;
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT || strncmp(text, words, strlen(words)) != 0 ||
        (needle && !strstr(text, needle)) || !strchr(text, '\n') || strchr(text, '\n') != text + used - 1) {
        dprintf(2, "expected SIGABRT and one line \"%s ... %s\"; got status 0x%x and \"%s\"\n", words,
                needle ? needle : "", status, text);
        _exit(1);
    }
}

#define FOREIGN_FREE "heapwright: free of a pointer that this allocator did not hand out"
#define FOREIGN_REALLOC "heapwright: realloc of a pointer that this allocator did not hand out"

#endif
