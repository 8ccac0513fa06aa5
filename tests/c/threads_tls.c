// Destructors of thread-specific data that free and allocate, in several rounds, also after ours ran.
// runs: plain preload linked static both full-static
// flags: -pthread
#include <pthread.h>

#include "harness.h"

static pthread_key_t keys[40];
static int ran;

static void destroy(void *value) {
    int *round = value;
    CHECK(*round >= 1 && *round <= 4);
    __atomic_add_fetch(&ran, 1, __ATOMIC_RELAXED);
    // A new value makes pthread call again, three more rounds: later than any destructor of an allocator.
    if (*round < 4) {
        int *next = malloc(sizeof *next + (size_t)*round * 50);
        *next = *round + 1;
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
            if (pthread_getspecific(keys[i]) == NULL) {
                pthread_setspecific(keys[i], next);
                next = NULL;
                break;
            }
        free(next);
    }
    free(round);
    exercise(9);
}

static void *work(void *argument) {
    (void)argument;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i += 3) {
        int *value = malloc(sizeof *value);
        *value = 1;
        pthread_setspecific(keys[i], value);
    }
    return malloc(100);
}

int main(void) {
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) CHECK(pthread_key_create(&keys[i], destroy) == 0);
    for (int round = 0; round < 10; round++) {
        pthread_t threads[8];
        for (int i = 0; i < 8; i++) CHECK(pthread_create(&threads[i], NULL, work, NULL) == 0);
        for (int i = 0; i < 8; i++) {
            void *block;
            CHECK(pthread_join(threads[i], &block) == 0);
            free(block);
        }
    }
    CHECK(ran >= 10 * 8 * 14);
    return 0;
}
