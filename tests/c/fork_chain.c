// A child forks a child that forks a child, thirty deep; each frees what its ancestors made.
// runs: plain preload linked static full-static
#include "harness.h"

int main(void) {
    void *blocks[30];
    for (int depth = 0; depth < 30; depth++) {
        fill(blocks[depth] = malloc(1000 + (size_t)depth * 3000), 1000, (unsigned)depth);
        exercise((unsigned)depth);
        pid_t child = fork();
        CHECK(child >= 0);
        if (child > 0) {
            CHECK(ended_well(child));
            for (int i = 0; i <= depth; i++) CHECK(filled(blocks[i], 1000, (unsigned)i));
            exit(0);
        }
        if (depth % 5 == 4) {
            free(blocks[depth - 2]);
            fill(blocks[depth - 2] = malloc(2000), 1000, (unsigned)depth - 2);
        }
    }
    for (int i = 0; i < 30; i++) {
        CHECK(filled(blocks[i], 1000, (unsigned)i));
        free(blocks[i]);
    }
    return 0;
}
