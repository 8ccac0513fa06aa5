// A raw clone system call copies the process without the atfork handlers; the child's heap works all the same.
// The parent is single-threaded: with threads glibc's own child would deadlock on an arena another held.
// runs: plain preload linked static
#define _GNU_SOURCE
#include <sys/syscall.h>

#include "harness.h"

int main(void) {
    void *blocks[100];
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 100; i++) fill(blocks[i] = malloc((size_t)i * 100 + 8), 8, (unsigned)i);
        pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
        CHECK(child >= 0);
        if (child == 0) {
            alarm(20);
            for (int i = 0; i < 100; i++) {
                CHECK(filled(blocks[i], 8, (unsigned)i));
                free(blocks[i]);
            }
            exercise(3);
            _exit(0);
        }
        CHECK(ended_well(child));
        for (int i = 0; i < 100; i++) {
            CHECK(filled(blocks[i], 8, (unsigned)i));
            free(blocks[i]);
        }
    }
    return 0;
}
