// A thread's very first allocation finds no memory: NULL and ENOMEM, and the thread works once there is some.
// runs: plain preload linked static
// flags: -pthread
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "harness.h"

static volatile int stage;
static struct rlimit old;

static void *work(void *argument) {
    (void)argument;
    while (stage == 0) usleep(100);
    int refused = 0, given = 0;
    void *blocks[64] = {0};
    for (int i = 0; i < 64; i++) {
        errno = 0;
        blocks[i] = keep(malloc(48u << 20));
        if (blocks[i]) given++;
        else {
            CHECK(errno == ENOMEM);
            refused++;
        }
        errno = 0;
        void *small = keep(malloc(24));
        CHECK(small != NULL || errno == ENOMEM);
        free(small);
    }
    CHECK(refused > 0);
    for (int i = 0; i < 64; i++) free(blocks[i]);
    stage = 2;
    while (stage != 3) usleep(100);
    exercise(4);
    return NULL;
}

int main(void) {
    enum { THREADS = 4 };
    CHECK(getrlimit(RLIMIT_AS, &old) == 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;
        stage = 0;
        CHECK(pthread_create(&thread, NULL, work, NULL) == 0);
        struct rlimit none = old;
        none.rlim_cur = 1 << 20; // below what is mapped: nothing more can be
        CHECK(setrlimit(RLIMIT_AS, &none) == 0);
        stage = 1;
        while (stage != 2) usleep(100);
        CHECK(setrlimit(RLIMIT_AS, &old) == 0);
        stage = 3;
        CHECK(pthread_join(thread, NULL) == 0);
    }
    return 0;
}
