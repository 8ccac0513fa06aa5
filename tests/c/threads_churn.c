// Ten thousand threads born and ended; each frees a block of the one before and leaves one behind.
// runs: plain preload linked static
// flags: -pthread
#include <pthread.h>

#include "harness.h"

static void *live(void *before) {
    unsigned char *mine = malloc(300);
    if (before) CHECK(filled(before, 300, 6));
    free(before);
    for (int i = 0; i < 20; i++) free(keep(malloc((size_t)i * 40)));
    fill(mine, 300, 6);
    return mine;
}

int main(void) {
    void *held[4] = {0};
    size_t early = 0;
    for (int round = 0; round < 2500; round++) {
        pthread_t threads[4];
        for (int i = 0; i < 4; i++) CHECK(pthread_create(&threads[i], NULL, live, held[i]) == 0);
        for (int i = 0; i < 4; i++) CHECK(pthread_join(threads[i], &held[i]) == 0);
        if (round == 250) early = resident();
    }
    for (int i = 0; i < 4; i++) free(held[i]);
    size_t late = resident();
    if (late > early + (8u << 20)) dprintf(2, "RSS grew from %zu to %zu KiB\n", early >> 10, late >> 10);
    CHECK(late <= early + (8u << 20));
    return 0;
}
