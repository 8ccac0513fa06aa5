/* exhaust SIZE [THREADS]: asks for more than there is, and goes on living.
 *
 * Each thread allocates blocks of SIZE bytes until NULL, then checks: errno is
 * ENOMEM, blocks taken earlier keep their contents, calloc and realloc refuse in
 * the same way, a failed realloc keeps the old block, and after half is freed
 * allocation works again. Prints "exhausted at N MiB" and exits 0.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A block begins with the link and its number: no table that would need memory. */
struct block {
    struct block *next;
    uint64_t number;
};

static size_t size;
static atomic_size_t taken;

static void refuse(const char *what) {
    dprintf(1, "exhaust: %s (errno %d)\n", what, errno);
    _exit(1);
}

static void expect_refused(void *p, const char *what) {
    if (p) refuse(what);
    if (errno != ENOMEM) refuse("errno is not ENOMEM");
}

static struct block *fill(uint64_t *count) {
    struct block *list = NULL;
    for (*count = 0;; ++*count) {
        errno = 0;
        struct block *b = malloc(size);
        if (!b) break;
        memset(b, 0x5a, size);
        *b = (struct block){list, *count};
        list = b;
        atomic_fetch_add(&taken, size);
    }
    if (errno != ENOMEM) refuse("malloc gave NULL without ENOMEM");
    return list;
}

static void verify(const struct block *list, uint64_t count) {
    for (; list; list = list->next) {
        if (list->number != --count) refuse("a block was lost or changed");
        const unsigned char *last = (const unsigned char *)list + size - 1;
        if (size > sizeof *list && *last != 0x5a) refuse("a block was damaged at its end");
    }
    if (count) refuse("blocks are missing");
}

static void *exhaust(void *unused) {
    (void)unused;
    uint64_t count;
    struct block *list = fill(&count);
    if (!list) return NULL; /* the others have it all */
    verify(list, count);
    size_t huge = (size_t)1 << 40;
    errno = 0, expect_refused(calloc(1, huge), "calloc of a TiB gave memory");
    errno = 0, expect_refused(realloc(list, huge), "realloc to a TiB gave memory");
    errno = 0, expect_refused(malloc(PTRDIFF_MAX), "malloc(PTRDIFF_MAX) gave memory");
    void *aligned = &size;
    if (posix_memalign(&aligned, 4096, huge) != ENOMEM || aligned != &size) refuse("posix_memalign of a TiB");
    verify(list, count);
    for (uint64_t half = count / 2 + 1; list && half; half--) {
        struct block *next = list->next;
        free(list);
        list = next;
    }
    for (uint64_t again = 0; again < count / 4; again++) {
        void *p = malloc(size);
        if (!p) refuse("no memory although half of it was freed");
        memset(p, 1, size);
        free(p);
    }
    while (list) {
        struct block *next = list->next;
        free(list);
        list = next;
    }
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t thread[64];
    size = argc > 1 ? strtoul(argv[1], NULL, 10) : 4096;
    int threads = argc > 2 ? atoi(argv[2]) : 0, born = 0;
    if (size < sizeof(struct block) || threads > 64) return 2;
    for (; born < threads; born++)
        if (pthread_create(&thread[born], NULL, exhaust, NULL)) break; /* no stack left: also a way to be out of memory */
    if (threads == 0) exhaust(NULL);
    for (int i = 0; i < born; i++) pthread_join(thread[i], NULL);
    dprintf(1, "exhausted at %zu MiB\n", atomic_load(&taken) >> 20);
    return 0;
}
