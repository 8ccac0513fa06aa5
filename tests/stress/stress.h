/* What all parts of the stress program share: blocks whose contents are known,
 * a mailbox through which threads hand blocks to each other, and counters.
 */
#ifndef STRESS_H
#define STRESS_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* A live block and the seed of the pattern it carries. start == NULL: none. */
struct block {
    unsigned char *start;
    size_t size;
    uint64_t seed;
};

/* A small generator, one per thread; never shared. */
struct rng {
    uint64_t state;
};
uint64_t rng_next(struct rng *rng);
uint64_t rng_below(struct rng *rng, uint64_t bound);

/* blocks.c: make, change and end a block. Each checks what the allocator promises. */
bool block_make(struct block *block, struct rng *rng);  /* malloc, calloc, aligned…; false when memory is out */
bool block_sized(struct block *block, size_t size, struct rng *rng);
bool block_resize(struct block *block, struct rng *rng);
void block_verify(const struct block *block, const char *when);
void block_end(struct block *block);

/* mailbox.c: any thread puts a block in and takes another out. */
void mailbox_swap(struct block *block, struct rng *rng);
void mailbox_empty(void);

/* monitor.c: counters, the table of RSS over time, the watchdog. */
extern atomic_ulong operations, threads_born, forks_done;
extern atomic_long live_bytes; /* asked for and not yet given back */
extern atomic_bool stopping;
void monitor_begin(double seconds, const char *kind);
bool monitor_watch(bool (*finished)(void)); /* main thread: samples until the time is over; false: RSS grows */
double now(void);
double rss_mib(void);
void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
