// A child of a raw clone starts a thread of its own: no two threads of it share a heap.
// runs: plain preload linked static
// flags: -pthread
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/syscall.h>

#include "harness.h"

enum { COUNT = 200, ROUNDS = 15000 };

static volatile int started;

static void own_blocks(long who) {
    long *blocks[COUNT];
    for (long round = 0; round < ROUNDS; round++) {
        for (long i = 0; i < COUNT; i++) {
            blocks[i] = (long *)keep(malloc(3 * sizeof(long)));
            CHECK(blocks[i] != NULL);
            blocks[i][1] = who << 32 | i;
            blocks[i][2] = round;
        }
        for (long i = 0; i < COUNT; i++) CHECK(blocks[i][1] == (who << 32 | i) && blocks[i][2] == round);
        for (int i = 0; i < COUNT; i++) free(blocks[i]);
    }
}

static void *thread(void *argument) {
    started = 1;
    if (argument) own_blocks(2);
    return NULL;
}

int main(void) {
    pthread_t other;
    // The parent has had a thread too: whatever is counted or numbered is not at its beginning.
    CHECK(pthread_create(&other, NULL, thread, NULL) == 0 && pthread_join(other, NULL) == 0);
    own_blocks(1);
    for (int round = 0; round < 3; round++) {
        started = 0;
        pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
        CHECK(child >= 0);
        if (child == 0) {
            alarm(10);
            CHECK(pthread_create(&other, NULL, thread, "works") == 0);
            while (!started) {}
            own_blocks(1);
            CHECK(pthread_join(other, NULL) == 0);
            exercise(1);
            _exit(0);
        }
        CHECK(ended_well(child));
    }
    return 0;
}
