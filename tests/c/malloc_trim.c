// malloc_trim: 0 or 1, harmless at any time, also while other threads work.
// runs: plain preload linked static
// flags: -pthread
#include <malloc.h>
#include <pthread.h>

#include "harness.h"

static volatile int stop;

static void *work(void *argument) {
    for (unsigned i = 0; !stop; i++) exercise((unsigned)(uintptr_t)argument * 1000 + i);
    return NULL;
}

int main(void) {
    int answer = malloc_trim(0);
    CHECK(answer == 0 || answer == 1);
    pthread_t threads[3];
    for (uintptr_t i = 0; i < 3; i++) CHECK(pthread_create(&threads[i], NULL, work, (void *)i) == 0);
    for (int i = 0; i < 300; i++) {
        exercise((unsigned)i);
        answer = malloc_trim((size_t)i * 1000);
        CHECK(answer == 0 || answer == 1);
    }
    stop = 1;
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    malloc_trim(0);
    return 0;
}
