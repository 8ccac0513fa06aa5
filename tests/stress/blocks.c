/* Blocks whose contents are known: a pattern from a seed is written when a block
 * is made and verified before it is freed or resized. Large blocks carry it in
 * their first and last bytes and in one word of each 1024 bytes, so that the
 * check does not cost more than the allocator.
 */
#include "stress.h"
#include <errno.h>
#include <malloc.h>
#include <string.h>

enum { DENSE = 4096, STEP = 1024 };

uint64_t rng_next(struct rng *rng) {
    uint64_t z = (rng->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t rng_below(struct rng *rng, uint64_t bound) { return rng_next(rng) % bound; }

static uint64_t word_at(uint64_t seed, size_t offset) {
    uint64_t z = (seed ^ offset) * 0xff51afd7ed558ccdu;
    return z ^ (z >> 33);
}

/* The offset after `at` at which the pattern is kept, for a block of any size. */
static size_t next_offset(size_t at) { return at + 8 <= DENSE ? at + 8 : at + STEP; }

static void fill(const struct block *b) {
    size_t at = 0;
    for (; at + 8 <= b->size; at = next_offset(at)) {
        uint64_t word = word_at(b->seed, at);
        memcpy(b->start + at, &word, 8);
    }
    for (size_t tail = b->size & ~(size_t)7; tail < b->size; tail++) b->start[tail] = (unsigned char)(b->seed + tail);
}

/* The first `size` bytes are still what fill() left in a block of `whole` bytes. */
static void expect(const struct block *b, size_t size, size_t whole, const char *when) {
    for (size_t at = 0; at + 8 <= size; at = next_offset(at)) {
        uint64_t word;
        memcpy(&word, b->start + at, 8);
        if (word != word_at(b->seed, at))
            fail("%s: block %p of %zu bytes is damaged at offset %zu: %016lx instead of %016lx", when, (void *)b->start,
                 whole, at, (unsigned long)word, (unsigned long)word_at(b->seed, at));
    }
    if (size == whole)
        for (size_t tail = size & ~(size_t)7; tail < size; tail++)
            if (b->start[tail] != (unsigned char)(b->seed + tail))
                fail("%s: block %p of %zu bytes is damaged at its end", when, (void *)b->start, whole);
}

void block_verify(const struct block *b, const char *when) { expect(b, b->size, b->size, when); }

void block_end(struct block *b) {
    if (!b->start) return;
    block_verify(b, "before free");
    int kept = errno = (int)(b->seed & 63);
    free(b->start);
    if (errno != kept) fail("free changed errno from %d to %d", kept, errno);
    b->start = NULL;
    atomic_fetch_sub_explicit(&live_bytes, (long)b->size, memory_order_relaxed);
}

/* Mostly small, some medium and large, few huge: each kind costs about the same memory. */
static size_t any_size(struct rng *rng) {
    uint64_t dice = rng_below(rng, 10000);
    if (dice < 8000) return rng_below(rng, 512);
    if (dice < 9400) return rng_below(rng, 4096);
    if (dice < 9900) return rng_below(rng, 64 << 10);
    if (dice < 9995) return rng_below(rng, 1 << 20);
    return rng_below(rng, 12 << 20);
}

static bool accept(struct block *b, void *start, size_t size, size_t align, struct rng *rng) {
    if (!start) return false;
    if ((uintptr_t)start % align) fail("block %p of %zu bytes is not aligned to %zu", start, size, align);
    if (malloc_usable_size(start) < size) fail("malloc_usable_size(%p) is less than the %zu asked for", start, size);
    *b = (struct block){start, size, rng_next(rng)};
    atomic_fetch_add_explicit(&live_bytes, (long)size, memory_order_relaxed);
    fill(b);
    return true;
}

static void expect_zero(const unsigned char *p, size_t size) {
    for (size_t at = 0; at < size; at += at < DENSE ? 1 : 61)
        if (p[at]) fail("calloc: byte %zu of %zu at %p is %02x", at, size, (const void *)p, p[at]);
}

bool block_sized(struct block *b, size_t size, struct rng *rng) {
    return accept(b, malloc(size), size, size >= 16 ? 16 : 8, rng);
}

bool block_make(struct block *b, struct rng *rng) {
    size_t size = any_size(rng), align = (size_t)16 << rng_below(rng, 9);
    void *start = NULL;
    switch (rng_below(rng, 16)) {
    case 0: case 1: case 2:
        start = calloc(size ? 1 : 0, size);
        if (start) expect_zero(start, size);
        return accept(b, start, size, size >= 16 ? 16 : 8, rng);
    case 3:
        return posix_memalign(&start, align, size) == 0 && accept(b, start, size, align, rng);
    case 4:
        return accept(b, aligned_alloc(align, (size + align - 1) & ~(align - 1)), size, align, rng);
    default:
        return block_sized(b, size, rng);
    }
}

bool block_resize(struct block *b, struct rng *rng) {
    static const unsigned char scale[] = {4, 6, 7, 9, 10, 12, 16};
    size_t old = b->size;
    size_t size = rng_below(rng, 3) ? old * scale[rng_below(rng, sizeof scale)] / 8 + 1 : any_size(rng) + 1;
    if (size > (16 << 20)) size = 1 + (size & 0xffff);
    block_verify(b, "before realloc");
    void *start = realloc(b->start, size);
    if (!start) {
        block_verify(b, "after a realloc that failed");
        return false;
    }
    b->start = start;
    atomic_fetch_sub_explicit(&live_bytes, (long)old, memory_order_relaxed);
    if (size >= old) expect(b, old, old, "after realloc that grew");
    else expect(b, size, old, "after realloc that shrank");
    return accept(b, start, size, size >= 16 ? 16 : 8, rng);
}
