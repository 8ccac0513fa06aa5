// Threads end and leave slabs in which one block in two hundred lives; a thread that allocates as many blocks as
// are dead there gets their places, not new memory.
// runs: preload linked static
// flags: -pthread
#include <malloc.h>
#include <pthread.h>

#include "harness.h"

enum { THREADS = 200, COUNT = 4000, SIZE = 200, LIVE_ONE_IN = 200 };

static pthread_barrier_t all_made;
static void *blocks[THREADS][COUNT];

static void *work(void *argument) {
    void **mine = (void **)argument;
    for (int i = 0; i < COUNT; i++) memset(mine[i] = keep(malloc(SIZE)), 1, SIZE);
    pthread_barrier_wait(&all_made);
    for (int i = 0; i < COUNT; i++)
        if (i % LIVE_ONE_IN != 0) free(mine[i]);
    return NULL;
}

int main(void) {
    pthread_t threads[THREADS];
    pthread_attr_t attributes;
    memset(blocks, 1, sizeof blocks);
    CHECK(pthread_barrier_init(&all_made, NULL, THREADS) == 0);
    CHECK(pthread_attr_init(&attributes) == 0 && pthread_attr_setstacksize(&attributes, 1 << 18) == 0);
    for (int i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], &attributes, work, blocks[i]) == 0);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    malloc_trim(0);
    size_t left = resident();
    for (int i = 0; i < THREADS; i++)
        for (int j = 0; j < COUNT; j++)
            if (j % LIVE_ONE_IN != 0) memset(blocks[i][j] = keep(malloc(SIZE)), 2, SIZE);
    size_t again = resident(), anew = (size_t)THREADS * COUNT * SIZE;
    if (again > left + anew / 4) dprintf(2, "%zu bytes resident with dead slabs, then %zu\n", left, again);
    CHECK(again <= left + anew / 4);
    for (int i = 0; i < THREADS; i++)
        for (int j = 0; j < COUNT; j++) {
            CHECK(*(unsigned char *)blocks[i][j] == (j % LIVE_ONE_IN != 0 ? 2 : 1));
            free(blocks[i][j]);
        }
    return 0;
}
