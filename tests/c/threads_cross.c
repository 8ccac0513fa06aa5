// Blocks made by one thread and freed or resized by others, contents checked on the way.
// runs: plain preload linked static both
// flags: -pthread
#include <pthread.h>

#include "harness.h"

enum { THREADS = 8, PLACES = 512, STEPS = 60000 };
struct block { size_t size; unsigned seed; unsigned char bytes[]; };
static struct block *places[PLACES];

static void *work(void *argument) {
    unsigned state = (unsigned)(uintptr_t)argument * 77777 + 5;
    for (unsigned step = 0; step < STEPS; step++) {
        size_t size = next_random(&state) % (step % 100 == 0 ? 100000 : 500);
        struct block *mine = malloc(sizeof *mine + size);
        CHECK(mine != NULL);
        mine->size = size;
        mine->seed = step;
        fill(mine->bytes, size, step);
        struct block *theirs =
            __atomic_exchange_n(&places[next_random(&state) % PLACES], mine, __ATOMIC_ACQ_REL);
        if (theirs == NULL) continue;
        CHECK(filled(theirs->bytes, theirs->size, theirs->seed));
        if (step % 3 == 0) {
            theirs = realloc(theirs, sizeof *theirs + theirs->size * 2 + 10);
            CHECK(theirs != NULL && filled(theirs->bytes, theirs->size, theirs->seed));
        }
        free(theirs);
    }
    return NULL;
}

int main(void) {
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, work, (void *)i) == 0);
    for (int i = 0; i < THREADS; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    for (int i = 0; i < PLACES; i++) {
        if (places[i]) CHECK(filled(places[i]->bytes, places[i]->size, places[i]->seed));
        free(places[i]);
    }
    return 0;
}
