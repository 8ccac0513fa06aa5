// fork at any moment in a threaded program: the child allocates, frees the parent's blocks, starts threads.
// runs: plain preload linked static both
// flags: -pthread
#include <pthread.h>

#include "harness.h"

static volatile int stop;
static void *shared[64];

static void *work(void *argument) {
    unsigned state = (unsigned)(uintptr_t)argument + 1;
    while (!stop) {
        void *mine = malloc(next_random(&state) % (state % 64 == 0 ? 500000 : 700));
        free(__atomic_exchange_n(&shared[next_random(&state) % 64], mine, __ATOMIC_ACQ_REL));
    }
    return NULL;
}

static void *in_child(void *argument) {
    exercise((unsigned)(uintptr_t)argument);
    return NULL;
}

static void child_lives(void **blocks) {
    alarm(30);
    for (int i = 0; i < 100; i++) {
        CHECK(filled(blocks[i], 200, (unsigned)i));
        free(blocks[i]);
    }
    for (int i = 0; i < 64; i++) free(__atomic_exchange_n(&shared[i], NULL, __ATOMIC_ACQ_REL));
    exercise(1);
    pthread_t threads[3];
    for (uintptr_t i = 0; i < 3; i++) CHECK(pthread_create(&threads[i], NULL, in_child, (void *)i) == 0);
    for (int i = 0; i < 3; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    exit(0);
}

int main(void) {
    pthread_t threads[4];
    for (uintptr_t i = 0; i < 4; i++) CHECK(pthread_create(&threads[i], NULL, work, (void *)i) == 0);
    for (int round = 0; round < 150; round++) {
        void *blocks[100];
        for (int i = 0; i < 100; i++) fill(blocks[i] = malloc(200), 200, (unsigned)i);
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) child_lives(blocks);
        for (int i = 0; i < 100; i++) {
            CHECK(filled(blocks[i], 200, (unsigned)i));
            free(blocks[i]);
        }
        CHECK(ended_well(child));
    }
    stop = 1;
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    return 0;
}
