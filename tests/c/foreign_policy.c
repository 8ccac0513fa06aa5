// HEAPWRIGHT_CONF=foreign=ignore leaves a foreign block alone, foreign=forward hands it to the C library.
// runs: preload linked
#define _GNU_SOURCE
#include <dlfcn.h>

#include "harness.h"

int main(int count, char **arguments) {
    if (count == 1) {
        const char *policies[] = {"foreign=ignore", "foreign=forward", "foreign=abort"};
        for (int i = 0; i < 3; i++) {
            setenv("HEAPWRIGHT_CONF", policies[i], 1);
            int ends[2];
            CHECK(pipe(ends) == 0);
            pid_t child = fork();
            CHECK(child >= 0);
            if (child == 0) {
                dup2(ends[1], 2);
                execl("/proc/self/exe", arguments[0], policies[i], (char *)NULL);
                _exit(9);
            }
            close(ends[1]);
            char text[2000] = {0};
            size_t used = 0;
            for (ssize_t n; (n = read(ends[0], text + used, sizeof text - 1 - used)) > 0;) used += (size_t)n;
            close(ends[0]);
            int status;
            CHECK(waitpid(child, &status, 0) == child);
            int aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
            int well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
            if (i == 2 ? !aborted || strncmp(text, FOREIGN_FREE, strlen(FOREIGN_FREE)) != 0 : !well) {
                dprintf(2, "%s: status 0x%x, said: %s\n", policies[i], status, text);
                return 1;
            }
        }
        return 0;
    }
    void *theirs = NULL;
    if (strcmp(arguments[1], "foreign=ignore") == 0) {
        static char in_data[64];
        free(keep(in_data));
        free(keep(in_data));
    } else {
        // The C library's own heap, reached past every interposer.
        void *library = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
        CHECK(library != NULL);
        void *(*their_malloc)(size_t) = (void *(*)(size_t))dlsym(library, "malloc");
        CHECK(their_malloc != NULL);
        for (int i = 0; i < 1000; i++) {
            theirs = their_malloc(1000);
            CHECK(theirs != NULL);
            memset(theirs, 1, 1000);
            free(keep(theirs));
        }
    }
    exercise(1);
    return 0;
}
