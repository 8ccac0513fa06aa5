// A C program loads a C++ library privately: a failing operator new still finds its runtime and throws.
// runs: plain preload linked static
// flags: -ldl
// plugin: thrower.cc
#include <dlfcn.h>

#include "harness.h"

int main(void) {
    void *library = dlopen(getenv("HW_PLUGIN"), RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) dprintf(2, "%s\n", dlerror());
    CHECK(library != NULL);
    int (*catches)(size_t) = (int (*)(size_t))dlsym(library, "plugin_catches_bad_alloc");
    int (*works)(void) = (int (*)(void))dlsym(library, "plugin_works");
    CHECK(catches && works);
    CHECK(works() == 1);
    CHECK(catches(1000) == 0);
    for (int i = 0; i < 10; i++) CHECK(catches((size_t)PTRDIFF_MAX - 100) == 1);
    CHECK(works() == 1);
    return 0;
}
