// dlopen and dlclose of a library that allocates in its constructor and destructor, from several threads.
// runs: plain preload linked static
// flags: -pthread -ldl
// plugin: busy.c
#include <dlfcn.h>
#include <pthread.h>

#include "harness.h"

static void *work(void *path) {
    for (int round = 0; round < 50; round++) {
        void *library = dlopen(path, RTLD_NOW);
        CHECK(library != NULL);
        char *(*copy)(const char *) = (char *(*)(const char *))dlsym(library, "plugin_copy");
        CHECK(copy != NULL);
        char *text = copy("a text");
        CHECK(strcmp(text, "a text") == 0);
        CHECK(dlclose(library) == 0);
        free(text);
        exercise((unsigned)round);
    }
    return NULL;
}

int main(void) {
    char *path = getenv("HW_PLUGIN");
    CHECK(path != NULL);
    work(path);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) CHECK(pthread_create(&threads[i], NULL, work, path) == 0);
    for (int i = 0; i < 4; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    return 0;
}
