/* A library that allocates in its constructor, in its destructor, and in a thread-local of its own. */
#include <stdlib.h>
#include <string.h>

static void *held[100];
static __thread char *mine;

__attribute__((constructor)) static void start(void) {
    for (int i = 0; i < 100; i++) held[i] = malloc((size_t)i * 37 + 1);
}

__attribute__((destructor)) static void stop(void) {
    for (int i = 0; i < 100; i++) free(held[i]);
    free(calloc(10, 1000));
}

char *plugin_copy(const char *text) {
    free(mine);
    mine = strdup(text);
    return strdup(text);
}
