// The process exits while detached threads allocate and free as fast as they can.
// runs: plain preload linked static
// flags: -pthread
#include <pthread.h>

#include "harness.h"

static void *work(void *argument) {
    for (unsigned i = 0;; i++) exercise((unsigned)(uintptr_t)argument + i);
    return NULL;
}

static void last(void) {
    exercise(77);
}

int main(void) {
    for (int round = 0; round < 40; round++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            atexit(last);
            for (uintptr_t i = 0; i < 4; i++) {
                pthread_t thread;
                CHECK(pthread_create(&thread, NULL, work, (void *)i) == 0);
                pthread_detach(thread);
            }
            usleep(3000);
            exit(0);
        }
        CHECK(ended_well(child));
    }
    return 0;
}
