// Threads grow, shrink and free blocks with mappings of their own while others map memory: the kernel gives the
// addresses that one realloc leaves to the next mapping of any thread, and the block must be known by then.
// runs: plain preload linked static
// flags: -pthread
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "harness.h"

#define UNIT ((size_t)40 << 20)

enum { THREADS = 7 };

static volatile int stop;

static void *blocks(void *argument) {
    unsigned state = (unsigned)(uintptr_t)argument * 7919 + 1;
    while (!stop) {
        size_t size = (1 + next_random(&state) % 8) * UNIT;
        char *p = keep(malloc(size));
        CHECK(p != NULL);
        fill(p, 64, state);
        unsigned seed = state;
        for (int i = 0; i < THREADS; i++) {
            size = (1 + next_random(&state) % 8) * UNIT;
            p = keep(realloc(p, size));
            CHECK(p != NULL && filled(p, 64, seed));
            p[size - 1] = 1;
        }
        free(p);
    }
    return NULL;
}

static void *mappings(void *argument) {
    (void)argument;
    while (!stop) {
        unsigned char *p = mmap(NULL, UNIT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(p != MAP_FAILED && p[0] == 0 && p[UNIT - 1] == 0);
        p[0] = 1;
        CHECK(munmap(p, UNIT) == 0);
    }
    return NULL;
}

int main(void) {
    pthread_t threads[THREADS];
    // Without huge pages a first write clears 4 KiB, not 2 MiB: ten times as many rounds.
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
    for (uintptr_t i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, i > 0 ? blocks : mappings, (void *)i) == 0);
    usleep(2000000);
    stop = 1;
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    exercise(1);
    return 0;
}
