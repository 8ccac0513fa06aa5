// vfork, posix_spawn, system and popen from a program whose threads allocate.
// runs: plain preload linked static
// flags: -pthread
#define _GNU_SOURCE
#include <pthread.h>
#include <spawn.h>

#include "harness.h"

extern char **environ;
static volatile int stop;

static void *work(void *argument) {
    for (unsigned i = 0; !stop; i++) exercise((unsigned)(uintptr_t)argument + i);
    return NULL;
}

int main(void) {
    pthread_t threads[2];
    for (uintptr_t i = 0; i < 2; i++) CHECK(pthread_create(&threads[i], NULL, work, (void *)i) == 0);
    for (int round = 0; round < 30; round++) {
        char *arguments[] = {"sh", "-c", "exit 0", NULL};
        pid_t child;
        CHECK(posix_spawn(&child, "/bin/sh", NULL, NULL, arguments, environ) == 0);
        CHECK(ended_well(child));
        child = vfork();
        CHECK(child >= 0);
        if (child == 0) {
            execve("/bin/sh", arguments, environ);
            _exit(9);
        }
        CHECK(ended_well(child));
        exercise((unsigned)round);
    }
    CHECK(system("exit 0") == 0);
    FILE *pipe = popen("echo hello", "r");
    char text[20] = {0};
    CHECK(pipe != NULL && fgets(text, sizeof text, pipe) != NULL && strcmp(text, "hello\n") == 0);
    CHECK(pclose(pipe) == 0);
    stop = 1;
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    return 0;
}
