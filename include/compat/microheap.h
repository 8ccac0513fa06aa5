/* The interface of MicroHeap, on Heapwright.
 *
 *     cc prog.c -Iinclude/compat -Ltarget/release -lheapwright
 *
 * A size of zero and a product that overflows give NULL. */
#ifndef HEAPWRIGHT_COMPAT_MICROHEAP_H
#define HEAPWRIGHT_COMPAT_MICROHEAP_H

#include <stddef.h>

#include "../heapwright.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A block of `size` bytes. */
static inline void *my_malloc(size_t size) {
    return size == 0 ? NULL : hw_malloc(size);
}

/* Gives a block back; NULL is fine. */
static inline void my_free(void *block) {
    hw_free(block);
}

/* A block of `count` elements of `size` bytes, all zero. */
static inline void *my_calloc(size_t count, size_t size) {
    return count == 0 || size == 0 ? NULL : hw_calloc(count, size);
}

/* The block with a new size; NULL keeps the old block, unless `size` is zero, which frees it. */
static inline void *my_realloc(void *block, size_t size) {
    return block == NULL && size == 0 ? NULL : hw_realloc(block, size);
}

#ifdef __cplusplus
}
#endif

#endif
