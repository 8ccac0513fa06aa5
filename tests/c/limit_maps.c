// vm.max_map_count is reached: nothing crashes, what can be had is had, and all is well afterwards.
// runs: plain preload linked static
#include <sys/mman.h>

#include "harness.h"

int main(void) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), most = 300000;
    void *held[200];
    for (int i = 0; i < 200; i++) fill(held[i] = malloc((size_t)i * 2000 + 100), 100, (unsigned)i);
    char *area = mmap(NULL, most * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(area != MAP_FAILED);
    size_t made = 0;
    while (made < most && mprotect(area + made * page, page, PROT_READ) == 0) made += 2;
    if (made >= most) {
        dprintf(2, "vm.max_map_count is too high for this test\n");
        return 77;
    }
    for (unsigned round = 0; round < 20; round++)
        for (size_t size = 16; size < 64u << 20; size *= 2) {
            errno = 0;
            void *p = keep(malloc(size));
            if (p == NULL) {
                CHECK(errno == ENOMEM);
                continue;
            }
            memset(p, 1, size < 100000 ? size : 100000);
            void *q = keep(realloc(p, size * 3));
            free(q ? q : p);
        }
    for (int i = 0; i < 200; i++) {
        CHECK(filled(held[i], 100, (unsigned)i));
        free(held[i]);
    }
    munmap(area, most * page);
    exercise(1);
    free(keep(malloc(100u << 20)));
    return 0;
}
