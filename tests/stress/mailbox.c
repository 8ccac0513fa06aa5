/* The mailbox: blocks change hands here, so that most are freed by another
 * thread than the one that made them, often long after that one is gone.
 *
 * Each place has a lock that is only ever tried: a child of fork may find one
 * held by a thread it does not have, and must pass by.
 */
#include "stress.h"

enum { PLACES = 4096 };

static struct place {
    atomic_flag held;
    struct block block;
} places[PLACES];

void mailbox_swap(struct block *b, struct rng *rng) {
    struct place *place = &places[rng_below(rng, PLACES)];
    if (atomic_flag_test_and_set_explicit(&place->held, memory_order_acquire)) return;
    struct block other = place->block;
    place->block = *b;
    atomic_flag_clear_explicit(&place->held, memory_order_release);
    *b = other;
}

void mailbox_empty(void) {
    for (size_t i = 0; i < PLACES; i++) {
        if (atomic_flag_test_and_set_explicit(&places[i].held, memory_order_acquire)) continue;
        struct block block = places[i].block;
        places[i].block.start = NULL;
        atomic_flag_clear_explicit(&places[i].held, memory_order_release);
        block_end(&block);
    }
}
