/* peak PRELOAD PROGRAM args…: the peak RSS of a program in KiB, on stdout.
 *
 * The kernel counts into a child's peak what it shared with its parent before
 * exec: so the parent must be small, which a script is not.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    pid_t child = fork();
    if (child == 0) {
        if (argv[1][0]) setenv("LD_PRELOAD", argv[1], 1);
        int fd = open("/dev/null", O_WRONLY);
        if (fd < 0 || dup2(fd, 1) < 0) _exit(126);
        execvp(argv[2], argv + 2);
        _exit(127);
    }
    int status = 0;
    struct rusage usage;
    if (child < 0 || wait4(child, &status, 0, &usage) < 0 || status) return 1;
    printf("%ld\n", usage.ru_maxrss);
    return 0;
}
