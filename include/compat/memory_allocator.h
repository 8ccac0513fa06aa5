/* The interface of a small free-list allocator, on Heapwright.
 *
 *     cc prog.c -Iinclude/compat -Ltarget/release -lheapwright
 *
 * A size of zero and a product that overflows give NULL. The functions are inline, so that a library that
 * every program may be preloaded with does not take such common names away from it. */
#ifndef HEAPWRIGHT_COMPAT_MEMORY_ALLOCATOR_H
#define HEAPWRIGHT_COMPAT_MEMORY_ALLOCATOR_H

#include <stddef.h>
#include <string.h>

#include "../heapwright.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A block of `size` bytes. */
static inline void *memalloc(size_t size) {
    return size == 0 ? NULL : hw_malloc(size);
}

/* A block of `count` elements of `size` bytes, all zero. */
static inline void *defalloc(size_t count, size_t size) {
    return count == 0 || size == 0 ? NULL : hw_calloc(count, size);
}

/* Gives a block back; NULL is fine. */
static inline void memfree(void *block) {
    hw_free(block);
}

/* The block with a new size; NULL keeps the old block, unless `size` is zero, which frees it. */
static inline void *memresize(void *block, size_t size) {
    return block == NULL && size == 0 ? NULL : hw_realloc(block, size);
}

/* A block with a copy of `size` bytes at `from`. */
static inline void *memdup(const void *from, size_t size) {
    void *copy = from == NULL ? NULL : memalloc(size);
    return copy == NULL ? NULL : memcpy(copy, from, size);
}

/* Sets `size` bytes at `start` to `value`; gives `start`. */
static inline void *memoryset(void *start, int value, size_t size) {
    return start == NULL ? NULL : memset(start, value, size);
}

#ifdef __cplusplus
}
#endif

#endif
