// A child of a raw clone calls exit while its parent's threads were in the middle of malloc and free: what runs
// at exit finds their locks taken by nobody.
// runs: preload linked static
// flags: -pthread
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/syscall.h>

#include "harness.h"

static volatile int stop;

static void *work(void *argument) {
    (void)argument;
    while (!stop) free(keep(malloc(100000)));
    return NULL;
}

int main(void) {
    pthread_t threads[2];
    free(keep(malloc(10)));
    for (int i = 0; i < 2; i++) CHECK(pthread_create(&threads[i], NULL, work, NULL) == 0);
    usleep(10000);
    for (int round = 0; round < 300; round++) {
        pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
        CHECK(child >= 0);
        if (child == 0) {
            alarm(10);
            exit(0);
        }
        CHECK(ended_well(child));
        if (round % 30 == 0) usleep(1000);
    }
    stop = 1;
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    return 0;
}
