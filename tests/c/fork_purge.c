// fork while another thread's frees return the memory of an owner that sleeps: the child finds the owner's heap
// in nobody's hands, frees into it and allocates.
// runs: plain preload linked static
// flags: -pthread
#include <pthread.h>

#include "harness.h"

enum { COUNT = 60000, KEPT = 4000 };

static void *blocks[COUNT];
static volatile int made, done;
static volatile long freed;

static void *owner(void *argument) {
    (void)argument;
    for (int i = 0; i < COUNT; i++) CHECK((blocks[i] = malloc(8192)) != NULL);
    made = 1;
    while (!done) usleep(1000);
    return NULL;
}

static void *freer(void *argument) {
    (void)argument;
    for (int i = 0; i < COUNT - KEPT; i++) {
        free(blocks[i]);
        freed = i;
    }
    freed = COUNT;
    return NULL;
}

int main(void) {
    pthread_t owning, freeing;
    CHECK(pthread_create(&owning, NULL, owner, NULL) == 0);
    while (!made) usleep(100);
    CHECK(pthread_create(&freeing, NULL, freer, NULL) == 0);
    while (freed < 1000) {}
    for (int round = 0; freed < COUNT && round < 200; round++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            alarm(10);
            for (int i = 1; i < 200; i++) free(blocks[COUNT - i]);
            void *p = keep(malloc(8192));
            CHECK(p != NULL);
            free(p);
            _exit(0);
        }
        CHECK(ended_well(child));
    }
    pthread_join(freeing, NULL);
    done = 1;
    pthread_join(owning, NULL);
    for (int i = COUNT - KEPT; i < COUNT; i++) free(blocks[i]);
    return 0;
}
