// Threads with the smallest stack there is allocate, resize and free.
// runs: plain preload linked static
// flags: -pthread
#include <limits.h>
#include <pthread.h>

#include "harness.h"

static void *work(void *argument) {
    void *last = argument;
    for (size_t size = 1; size < 4u << 20; size = size * 2 + 1) {
        void *p = keep(malloc(size));
        CHECK(p != NULL);
        p = keep(realloc(p, size * 2));
        CHECK(p != NULL);
        free(last);
        last = keep(calloc(1, size));
        free(p);
    }
    return last;
}

int main(void) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    // The smallest stack must still hold the loader's and the library's own thread-local storage.
    CHECK(pthread_attr_setstacksize(&attributes, (size_t)PTHREAD_STACK_MIN) == 0);
    void *held = NULL;
    for (int round = 0; round < 50; round++) {
        pthread_t thread;
        CHECK(pthread_create(&thread, &attributes, work, held) == 0);
        CHECK(pthread_join(thread, &held) == 0);
    }
    free(held);
    return 0;
}
