// A raw clone in a threaded program: the child finds whatever locks the other threads held; ours it notices.
// runs: preload linked static
// flags: -pthread
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/syscall.h>

#include "harness.h"

static volatile int stop;

static void *work(void *argument) {
    unsigned state = (unsigned)(uintptr_t)argument;
    while (!stop) {
        void *blocks[50];
        for (int i = 0; i < 50; i++) blocks[i] = keep(malloc(next_random(&state) % 100000));
        for (int i = 0; i < 50; i++) free(blocks[i]);
    }
    return NULL;
}

int main(void) {
    pthread_t threads[4];
    for (uintptr_t i = 0; i < 4; i++) CHECK(pthread_create(&threads[i], NULL, work, (void *)i) == 0);
    for (int round = 0; round < 200; round++) {
        void *block = malloc(500);
        fill(block, 500, 1);
        pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
        CHECK(child >= 0);
        if (child == 0) {
            alarm(20);
            CHECK(filled(block, 500, 1));
            free(block);
            exercise(3);
            _exit(0);
        }
        CHECK(ended_well(child));
        free(block);
    }
    stop = 1;
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    return 0;
}
