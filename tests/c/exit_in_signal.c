// exit in a signal handler that interrupts malloc or free: what runs at exit waits for nothing that the
// interrupted call holds.
// runs: plain preload linked static
#include <sys/time.h>

#include "harness.h"

static void handler(int signal) {
    (void)signal;
    exit(0);
}

int main(void) {
    for (int round = 0; round < 100; round++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            alarm(10);
            CHECK(signal(SIGVTALRM, handler) != SIG_ERR);
            struct itimerval once = {{0, 0}, {0, 300 + round * 37}};
            CHECK(setitimer(ITIMER_VIRTUAL, &once, NULL) == 0);
            for (;;) free(keep(malloc(100000)));
        }
        CHECK(ended_well(child));
    }
    return 0;
}
