// fork in a signal handler that interrupts fork: what the outer one holds, the inner one takes again.
// runs: plain preload linked static
#include <time.h>

#include "harness.h"

enum { INNER = 400 };

static volatile sig_atomic_t inner;

static void handler(int signal) {
    (void)signal;
    if (inner >= INNER) return;
    int saved = errno;
    pid_t child = fork();
    if (child == 0) _exit(0);
    inner++;
    errno = saved;
}

int main(void) {
    alarm(20);
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    timer_t timer;
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    struct itimerspec every = {{0, 700000}, {0, 700000}};
    CHECK(timer_settime(timer, 0, &every, NULL) == 0);
    while (inner < INNER) {
        pid_t child = fork();
        if (child == 0) {
            free(keep(malloc(100000)));
            _exit(0);
        }
        free(keep(malloc(100000)));
        while (waitpid(-1, NULL, WNOHANG) > 0) {}
    }
    CHECK(timer_delete(timer) == 0);
    exercise(1);
    return 0;
}
