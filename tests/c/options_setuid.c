// A set-uid program: HEAPWRIGHT_CONF does not make it write files for whoever starts it.
// runs: linked static
#include <dirent.h>
#include <sys/auxv.h>
#include <sys/stat.h>

#include "harness.h"

static int files_in(const char *folder) {
    DIR *list = opendir(folder);
    CHECK(list != NULL);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(list)) != NULL;) count += entry->d_name[0] != '.';
    closedir(list);
    return count;
}

static int run(const char *file, const char *mode) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(freopen("/dev/null", "w", stderr) != NULL); // that the option is ignored is said there
        if (setgid(65534) != 0 || setuid(65534) != 0) _exit(9);
        execl(file, file, mode, (char *)NULL);
        _exit(8);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

int main(int count, char **arguments) {
    if (count > 1) {
        exercise(1);
        return getauxval(AT_SECURE) ? 20 : 21;
    }
    (void)arguments;
    if (geteuid() != 0) {
        dprintf(2, "only root can make a set-uid program of another user\n");
        return 77;
    }
    char folder[] = "/tmp/heapwright-setuid-XXXXXX", file[64], stats[64], option[96], buffer[1 << 16];
    CHECK(mkdtemp(folder) != NULL && chmod(folder, 0755) == 0);
    snprintf(file, sizeof file, "%s/program", folder);
    snprintf(stats, sizeof stats, "%s/stats", folder);
    snprintf(option, sizeof option, "stats=%s", stats);
    CHECK(mkdir(stats, 0755) == 0 && chmod(stats, 0777) == 0);
    FILE *from = fopen("/proc/self/exe", "r"), *to = fopen(file, "w");
    CHECK(from && to);
    for (size_t n; (n = fread(buffer, 1, sizeof buffer, from)) > 0;) CHECK(fwrite(buffer, 1, n, to) == n);
    fclose(from);
    CHECK(fclose(to) == 0);
    setenv("HEAPWRIGHT_CONF", option, 1);

    CHECK(chmod(file, 0755) == 0);
    int ordinary = run(file, "child"), ordinary_files = files_in(stats);
    CHECK(chmod(file, 04755) == 0);
    int privileged = run(file, "child"), privileged_files = files_in(stats) - ordinary_files;

    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    unsetenv("HEAPWRIGHT_CONF");
    CHECK(system(command) == 0);
    if (ordinary == 8 || privileged == 21) {
        dprintf(2, "the temporary folder does not honour set-uid, or the library is out of nobody's reach\n");
        return 77;
    }
    CHECK(ordinary == 21 && privileged == 20);
    CHECK(ordinary_files == 1);
    CHECK(privileged_files == 0);
    return 0;
}
