// No /proc and no /sys, as in a chroot: the program starts, allocates, forks and ends.
// runs: plain preload linked static
// flags: -pthread
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>

#include "harness.h"

static void *work(void *argument) {
    exercise((unsigned)(uintptr_t)argument);
    return NULL;
}

int main(int count, char **arguments) {
    (void)count;
    if (getenv("BARE") == NULL) {
        char self[4096] = {0};
        CHECK(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
        setenv("BARE", "1", 1);
        if ((unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) ||
            mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 || mount("none", "/proc", "tmpfs", 0, NULL) != 0 ||
            mount("none", "/sys", "tmpfs", 0, NULL) != 0) {
            dprintf(2, "no mount namespace here (errno %d)\n", errno);
            return 77;
        }
        execv(self, arguments);
        CHECK(!"execv");
    }
    CHECK(access("/proc/self", F_OK) != 0);
    exercise(1);
    pthread_t threads[4];
    for (uintptr_t i = 0; i < 4; i++) CHECK(pthread_create(&threads[i], NULL, work, (void *)i) == 0);
    for (int i = 0; i < 4; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    free(keep(malloc(200u << 20)));
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) exit(0);
    CHECK(ended_well(child));
    return 0;
}
