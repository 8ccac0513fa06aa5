// free of a pointer that is not ours: never followed, one line that names it, SIGABRT.
// runs: preload linked static
#include <malloc.h>
#include <sys/mman.h>

#include "harness.h"

static char in_data[4096] = "x";
static const char in_text[] = "constant";

static void act(void *p) {
    free(p);
}

static void foreign(void *p) {
    char name[32];
    snprintf(name, sizeof name, "%p", p);
    dies_saying(act, p, FOREIGN_FREE, name);
}

int main(void) {
    char on_stack[256] = {0};
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    exercise(1);
    foreign(keep(on_stack + 64));
    foreign(keep(in_data));
    foreign(keep(in_data + 16));
    foreign((void *)(uintptr_t)keep((void *)(uintptr_t)in_text));
    foreign((void *)(uintptr_t)&main);
    foreign((void *)16);
    foreign((void *)0x1000);
    foreign((void *)0xdeadbeef000);
    foreign((void *)((uintptr_t)1 << 47));
    foreign((void *)((uintptr_t)1 << 56));
    foreign((void *)(uintptr_t)-4096);
    foreign((void *)(uintptr_t)-16);
    foreign((void *)((uintptr_t)1 << 63));

    char *area = mmap(NULL, 64 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(area != MAP_FAILED);
    foreign(area);
    foreign(area + 32 * page + 16);
    munmap(area, 64 * page);
    foreign(area);

    char *closed = mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(closed != MAP_FAILED);
    foreign(closed);

    // A huge block that is gone: its address is nobody's.
    char *huge = malloc(200u << 20);
    CHECK(huge != NULL);
    free(huge);
    huge = keep(huge);
    foreign(huge + 100 * page);
    exercise(2);
    return 0;
}
