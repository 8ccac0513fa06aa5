// Threads that are cancelled: deferred at a cancellation point between allocations, and with cleanup handlers.
// runs: plain preload linked static
// flags: -pthread
#include <pthread.h>

#include "harness.h"

static void cleanup(void *block) {
    CHECK(filled(block, 500, 8));
    free(block);
    exercise(4);
}

static void *work(void *argument) {
    (void)argument;
    void *held = malloc(500);
    fill(held, 500, 8);
    pthread_cleanup_push(cleanup, held);
    for (;;) {
        void *blocks[20];
        for (int i = 0; i < 20; i++) blocks[i] = keep(malloc((size_t)(i + 1) * 50));
        for (int i = 0; i < 20; i++) free(blocks[i]);
        pthread_testcancel();
    }
    pthread_cleanup_pop(0);
    return NULL;
}

// Cancelled at an arbitrary instruction, but never inside the allocator.
static void *spin(void *argument) {
    (void)argument;
    free(keep(malloc(1000)));
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    for (;;) __asm__ volatile("" ::: "memory");
    return NULL;
}

int main(void) {
    for (int round = 0; round < 200; round++) {
        pthread_t threads[4];
        for (int i = 0; i < 4; i++) CHECK(pthread_create(&threads[i], NULL, i < 3 ? work : spin, NULL) == 0);
        exercise((unsigned)round);
        for (int i = 0; i < 4; i++) CHECK(pthread_cancel(threads[i]) == 0);
        for (int i = 0; i < 4; i++) {
            void *result;
            CHECK(pthread_join(threads[i], &result) == 0);
            CHECK(result == PTHREAD_CANCELED);
        }
    }
    return 0;
}
