// A handler that interrupts malloc and free at any instruction and calls async-signal-safe functions only, and
// one that jumps out of the program's own code with siglongjmp.
// runs: plain preload linked static
#include <setjmp.h>
#include <sys/time.h>

#include "harness.h"

static volatile sig_atomic_t ticks, armed;
static sigjmp_buf back;

static void handler(int signal) {
    (void)signal;
    int saved = errno;
    ticks++;
    CHECK(getpid() > 0);
    if (armed) {
        armed = 0;
        siglongjmp(back, 1);
    }
    errno = saved;
}

int main(void) {
    alarm(60);
    struct sigaction action = {.sa_handler = handler};
    CHECK(sigaction(SIGVTALRM, &action, NULL) == 0);
    struct itimerval every = {{0, 500}, {0, 500}};
    CHECK(setitimer(ITIMER_VIRTUAL, &every, NULL) == 0);
    for (unsigned i = 0; ticks < 200; i++) exercise(i);
    for (volatile int jumps = 0; jumps < 100; jumps++) {
        if (sigsetjmp(back, 1) == 0) {
            armed = 1;
            for (;;) __asm__ volatile("" ::: "memory"); // our own code: no allocator is interrupted
        }
        exercise((unsigned)jumps);
    }
    return 0;
}
