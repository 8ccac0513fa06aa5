// Our own library opened late, used by its native names from several threads, and "closed" while its blocks live.
// runs: plain
// flags: -pthread -ldl
#include <dlfcn.h>
#include <pthread.h>

#include "harness.h"

static void *(*hw_malloc)(size_t);
static void (*hw_free)(void *);
static void *(*hw_realloc)(void *, size_t);

static void *work(void *argument) {
    unsigned char *last = argument;
    for (size_t i = 0; i < 20000; i++) {
        unsigned char *p = hw_malloc(i % 3000 + 1);
        CHECK(p != NULL);
        p[i % 3000] = 1;
        if (i % 7 == 0) p = hw_realloc(p, i % 5000 + 1);
        hw_free(last);
        last = p;
    }
    return last;
}

int main(void) {
    const char *path = getenv("HW_LIBRARY");
    CHECK(path != NULL);
    for (int round = 0; round < 3; round++) {
        void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        if (library == NULL) dprintf(2, "%s\n", dlerror());
        CHECK(library != NULL);
        hw_malloc = (void *(*)(size_t))dlsym(library, "hw_malloc");
        hw_free = (void (*)(void *))dlsym(library, "hw_free");
        hw_realloc = (void *(*)(void *, size_t))dlsym(library, "hw_realloc");
        CHECK(hw_malloc && hw_free && hw_realloc);
        void *block = hw_malloc(1000);
        fill(block, 1000, 1);
        pthread_t threads[4];
        for (int i = 0; i < 4; i++) CHECK(pthread_create(&threads[i], NULL, work, NULL) == 0);
        for (int i = 0; i < 4; i++) {
            void *last;
            CHECK(pthread_join(threads[i], &last) == 0);
            hw_free(last);
        }
        CHECK(dlclose(library) == 0);
        CHECK(filled(block, 1000, 1));
        hw_free(block);
        exercise((unsigned)round); // the program's own malloc is as it was
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            hw_free(hw_malloc(100));
            exit(0);
        }
        CHECK(ended_well(child));
    }
    return 0;
}
