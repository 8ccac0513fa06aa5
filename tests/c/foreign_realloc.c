// realloc of a pointer that is not ours: one line that names it, SIGABRT.
// runs: preload linked static
#include "harness.h"

static void act(void *p) {
    (void)!keep(realloc(p, 100));
}

int main(void) {
    char on_stack[256] = {0};
    static char in_data[256];
    void *const pointers[] = {keep(on_stack + 16), keep(in_data), (void *)0x1000, (void *)0xdeadbeef000};
    for (size_t i = 0; i < sizeof pointers / sizeof *pointers; i++) {
        char name[32];
        snprintf(name, sizeof name, "%p", pointers[i]);
        dies_saying(act, pointers[i], FOREIGN_REALLOC, name);
    }
    return 0;
}
