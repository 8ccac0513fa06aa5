/* release ORDER WHO BLOCKS-MIB SIZE: how much memory goes back when a load of small blocks is freed.
 *
 * ORDER  fifo | lifo | random | mostly (all but one block in 4096: the honest case)
 * WHO    self     the thread that allocated
 *        remote   another thread, while the owner sleeps
 *        orphan   another thread, after the owner has ended
 * Prints RSS in KiB, one measure a line: base, peak, freed, waited (2.0 s later,
 * no call of ours in between), trimmed. The program's own table of pointers is
 * mapped directly and counted as base.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static unsigned char **blocks;
static size_t count, size;
static pthread_barrier_t allocated, ended;

/* No stdio: a measurement must not allocate. */
static long rss_kib(void) {
    char text[128] = {0};
    int fd = open("/proc/self/statm", O_RDONLY);
    if (fd < 0 || read(fd, text, sizeof text - 1) <= 0) abort();
    close(fd);
    char *second = strchr(text, ' ');
    return strtol(second, NULL, 10) * (sysconf(_SC_PAGESIZE) / 1024);
}

static void say(const char *name) { dprintf(1, "%s %ld\n", name, rss_kib()); }

static void allocate(void) {
    for (size_t i = 0; i < count; i++) {
        blocks[i] = malloc(size);
        if (!blocks[i]) {
            dprintf(2, "release: out of memory after %zu blocks\n", i);
            exit(1);
        }
        memset(blocks[i], (int)(i & 255) | 1, size);
    }
}

static void swap(size_t i, size_t j) {
    unsigned char *kept = blocks[i];
    blocks[i] = blocks[j];
    blocks[j] = kept;
}

/* Puts the table in the order in which the blocks are freed. Touches the table only. */
static void arrange(const char *order) {
    uint64_t x = 88172645463325252u;
    if (strcmp(order, "lifo") == 0)
        for (size_t i = 0; i < count / 2; i++) swap(i, count - 1 - i);
    if (strcmp(order, "random") == 0)
        for (size_t i = count - 1; i > 0; i--) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            swap(i, x % (i + 1));
        }
}

static void *owner(void *stays) {
    allocate();
    pthread_barrier_wait(&allocated);
    if (stays) pthread_barrier_wait(&ended); /* asleep until all is measured */
    return NULL;
}

static void free_all(const char *order) {
    size_t keep = strcmp(order, "mostly") == 0 ? 4096 : count + 1;
    for (size_t i = 0; i < count; i++)
        if (i % keep != keep - 1) free(blocks[i]);
}

int main(int argc, char **argv) {
    if (argc != 5) {
        dprintf(2, "usage: release fifo|lifo|random|mostly self|remote|orphan MIB SIZE\n");
        return 2;
    }
    const char *order = argv[1], *who = argv[2];
    pthread_t thread;
    size = strtoul(argv[4], NULL, 10);
    count = (strtoul(argv[3], NULL, 10) << 20) / size;
    blocks = mmap(NULL, count * sizeof *blocks, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (blocks == MAP_FAILED) return 1;
    say("base");
    if (strcmp(who, "self") == 0) allocate();
    else {
        int stays = strcmp(who, "remote") == 0;
        pthread_barrier_init(&allocated, NULL, 2);
        pthread_barrier_init(&ended, NULL, 2);
        if (pthread_create(&thread, NULL, owner, stays ? &allocated : NULL)) return 1;
        pthread_barrier_wait(&allocated);
        if (!stays) pthread_join(thread, NULL);
    }
    say("peak");
    arrange(order);
    free_all(order);
    say("freed");
    usleep(2000000);
    say("waited");
    malloc_trim(0);
    say("trimmed");
    if (strcmp(who, "remote") == 0) pthread_barrier_wait(&ended), pthread_join(thread, NULL);
    return 0;
}
