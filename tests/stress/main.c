/* stress KIND SECONDS: runs one kind, prints its table, exits 0 when nothing was wrong. */
#define _GNU_SOURCE
#include "kinds.h"
#include "stress.h"
#include <dlfcn.h>
#include <string.h>

static const struct {
    const char *name;
    bool (*run)(void);
} kinds[] = {
    {"stress", kind_stress}, {"threads", kind_threads}, {"fork", kind_fork},   {"rawfork", kind_rawfork},
    {"remote", kind_remote}, {"sleep", kind_sleep},     {"soak", kind_soak},
};

/* The library that was asked for is the one whose malloc we call (compiled with -fno-plt, position independent). */
static void check_library(void) {
    const char *expected = getenv("STRESS_LIBRARY");
    Dl_info info;
    if (!expected || !*expected) return;
    if (!dladdr((void *)malloc, &info) || !info.dli_fname || strcmp(info.dli_fname, expected) != 0)
        fail("malloc comes from %s, not from %s", info.dli_fname ? info.dli_fname : "nowhere", expected);
}

int main(int argc, char **argv) {
    double seconds = argc > 2 ? atof(argv[2]) : 20;
    check_library();
    for (size_t i = 0; argc > 1 && i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].name, argv[1]) != 0) continue;
        monitor_begin(seconds, kinds[i].name);
        bool flat = kinds[i].run();
        mailbox_empty();
        printf("%s: %s\n", kinds[i].name, flat ? "ok" : "FAILED: RSS is not flat");
        return flat ? 0 : 1;
    }
    fprintf(stderr, "stress: unknown kind %s: stress|threads|fork|rawfork|remote|sleep|soak\n", argc > 1 ? argv[1] : "(none)");
    return 2;
}
