// atexit handlers, on_exit, destructors and thread-specific data at exit allocate and free, in any order.
// runs: plain preload linked static both full-static
// flags: -pthread
#define _GNU_SOURCE
#include <pthread.h>

#include "harness.h"

static void *early;
static int handlers;

__attribute__((constructor(101))) static void first(void) {
    early = malloc(5000);
    fill(early, 5000, 1);
}

static void handler(void) {
    exercise((unsigned)handlers++);
    if (handlers == 20) {
        // Registering a handler from a handler grows the list, which the C library allocates.
        for (int i = 0; i < 40; i++) CHECK(atexit(handler) == 0);
    }
}

static void with_status(int status, void *argument) {
    CHECK(status == 0 && filled(argument, 300, 2));
    free(argument);
}

__attribute__((destructor(101))) static void last(void) {
    CHECK(handlers == 140);
    CHECK(filled(early, 5000, 1));
    free(early);
    exercise(1);
}

int main(void) {
    for (int i = 0; i < 100; i++) CHECK(atexit(handler) == 0);
    void *argument = malloc(300);
    fill(argument, 300, 2);
    CHECK(on_exit(with_status, argument) == 0);
    return 0;
}
