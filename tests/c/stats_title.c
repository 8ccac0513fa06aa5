// stats=DIR in a program that writes its title over its environment, as servers do, and then forks: both
// leave their files in the folder.
// runs: preload linked static
#include <dirent.h>

#include "harness.h"

extern char **environ;

// The strings of the environment lie behind the arguments; the program copies them and takes their place.
static void set_title(char **arguments) {
    static char *copies[1000];
    char *end = arguments[0] + strlen(arguments[0]);
    for (size_t i = 0; arguments[i]; i++) end = arguments[i] + strlen(arguments[i]);
    for (size_t i = 0; environ[i] && i < 999; i++) {
        end = environ[i] + strlen(environ[i]);
        copies[i] = strdup(environ[i]);
    }
    environ = copies;
    memset(arguments[0], 'x', (size_t)(end - arguments[0]));
}

static int server(char **arguments) {
    exercise(1);
    set_title(arguments);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        exercise(2);
        exit(0);
    }
    CHECK(ended_well(child));
    return 0;
}

// A statistics file: its magic number, the process its name says, the state after a clean exit, allocations.
static void is_of_its_process(const char *folder, const char *name) {
    char path[400];
    uint64_t words[5];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int file = open(path, O_RDONLY);
    CHECK(file >= 0 && read(file, words, sizeof words) == sizeof words);
    close(file);
    CHECK(memcmp(words, "HWSTATS1", 8) == 0);
    CHECK(words[1] == strtoull(name, NULL, 10));
    CHECK(words[2] == 2 && words[3] > 60);
    CHECK(unlink(path) == 0);
}

int main(int count, char **arguments) {
    if (count > 1) return server(arguments);
    char folder[] = "/tmp/heapwright-title-XXXXXX", option[64];
    CHECK(mkdtemp(folder) != NULL);
    snprintf(option, sizeof option, "stats=%s", folder);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        setenv("HEAPWRIGHT_CONF", option, 1);
        execl("/proc/self/exe", arguments[0], "server", (char *)NULL);
        _exit(9);
    }
    CHECK(ended_well(child));
    int files = 0;
    DIR *list = opendir(folder);
    CHECK(list != NULL);
    for (struct dirent *entry; (entry = readdir(list)) != NULL;)
        if (entry->d_name[0] != '.') {
            is_of_its_process(folder, entry->d_name);
            files++;
        }
    closedir(list);
    CHECK(rmdir(folder) == 0);
    CHECK(files == 2);
    return 0;
}
