// Descriptors 0, 1 and 2 are closed before the program starts: the allocator takes none of them.
// runs: plain preload linked static
#include <fcntl.h>

#include "harness.h"

int main(int count, char **arguments) {
    (void)count;
    if (getenv("CLOSED") == NULL) {
        setenv("CLOSED", "1", 1);
        int kept = fcntl(2, F_DUPFD_CLOEXEC, 10);
        close(0);
        close(1);
        close(2);
        execv("/proc/self/exe", arguments);
        dup2(kept, 2);
        CHECK(!"execv");
    }
    exercise(1);
    free(keep(malloc(100u << 20)));
    // Exit statuses tell what went wrong: nobody can read a message.
    if (open("/dev/null", O_RDONLY) != 0) _exit(10);
    if (open("/dev/null", O_WRONLY) != 1) _exit(11);
    if (open("/dev/null", O_WRONLY) != 2) _exit(12);
    exercise(2);
    return 0;
}
