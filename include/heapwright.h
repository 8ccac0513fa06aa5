/* Heapwright's own C API. Generated from crates/capi/shared/src/native.rs by cbindgen; do not edit.
 *
 * The malloc family is declared by the C library's <stdlib.h> and <malloc.h>: linking with -lheapwright, or
 * preloading libheapwright.so, is all it takes. This header is for what has no standard name.
 */

#ifndef HEAPWRIGHT_H
#define HEAPWRIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 Receives text: `length` bytes at `text`, not terminated, and the `context` that was passed along.
 */
typedef void (*hw_writer)(const char *text, size_t length, void *context);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/*
 A block of `size` bytes, or NULL with `errno` ENOMEM. Size 0 gives a unique block.
 Blocks of this API and of malloc are of one heap: free() and hw_free() take both.
 */
void *hw_malloc(size_t size);

/*
 A block of `count` times `size` zero bytes, or NULL with `errno` ENOMEM, also if the product overflows.
 */
void *hw_calloc(size_t count, size_t size);

/*
 The block `p` with a new size, perhaps elsewhere; NULL with `errno` ENOMEM leaves the old block as it is.
 A NULL `p` asks for a new block; a `size` of 0 frees `p` and gives NULL.
 */
void *hw_realloc(void *p, size_t size);

/*
 A block of `size` bytes at a multiple of `align`, a power of two; NULL with `errno` EINVAL or ENOMEM.
 Any size will do, a multiple of `align` or not.
 */
void *hw_aligned_alloc(size_t align, size_t size);

/*
 Gives a block back; NULL is fine. `errno` is kept.
 */
void hw_free(void *p);

/*
 Gives a block back that was asked for with `size` and no alignment: faster where the size is known.
 */
void hw_free_sized(void *p, size_t size);

/*
 Bytes of the block that may be used, at least what was asked for; 0 for NULL.
 */
size_t hw_usable_size(const void *p);

/*
 Gives every free page back to the operating system now; true if there were any.
 */
bool hw_trim(void);

/*
 Sets the size in bytes from which a block gets a mapping of its own; false if the size is refused.
 */
bool hw_set_huge_threshold(size_t bytes);

/*
 The library's version, as in "1.2.3".
 */
const char *hw_version(void);

/*
 How many counters there are. Later versions only append.
 */
size_t hw_counter_count(void);

/*
 The name of a counter, as in "live_bytes"; NULL if `index` is not below hw_counter_count().
 */
const char *hw_counter_name(size_t index);

/*
 The value of a counter; 0 if `index` is not below hw_counter_count().
 */
uint64_t hw_counter_at(size_t index);

/*
 Stores the value of the counter called `name` in `value`; false if there is none, and `value` is kept.
 */
bool hw_counter(const char *name, uint64_t *value);

/*
 Writes the options in effect and where each came from, as lines of text, through `writer`,
 which may not allocate.
 */
void hw_describe(hw_writer writer, void *context);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* HEAPWRIGHT_H */
