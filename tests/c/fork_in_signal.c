// fork in a signal handler that interrupts malloc and free; the child does what a child of a threaded
// program may do, and execs.
// runs: plain preload linked static
// note: fork is not async-signal-safe where atfork handlers take locks; glibc's own malloc survives it.
#include <sys/time.h>

#include "harness.h"

static volatile sig_atomic_t forks;

static void handler(int signal) {
    (void)signal;
    int saved = errno;
    pid_t child = fork();
    if (child == 0) _exit(0);
    if (child < 0 || !ended_well(child)) _exit(3);
    forks++;
    errno = saved;
}

int main(void) {
    alarm(60);
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    CHECK(sigaction(SIGVTALRM, &action, NULL) == 0);
    struct itimerval every = {{0, 1000}, {0, 1000}};
    CHECK(setitimer(ITIMER_VIRTUAL, &every, NULL) == 0);
    for (unsigned i = 0; forks < 100; i++) exercise(i);
    struct itimerval never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_VIRTUAL, &never, NULL);
    exercise(5);
    return 0;
}
