// RLIMIT_AS: memory runs out with NULL and ENOMEM for blocks of every kind, and comes back when it is freed.
// runs: plain preload linked static
// flags: -pthread
#include <pthread.h>
#include <sys/resource.h>

#include "harness.h"

static size_t address_space(void) {
    char text[128] = {0};
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file != NULL && fgets(text, sizeof text, file) != NULL);
    fclose(file);
    return strtoull(text, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

struct node { struct node *next; };

static size_t use_up(size_t size) {
    struct node *list = NULL;
    size_t count = 0;
    for (;;) {
        errno = 0;
        struct node *node = keep(malloc(size));
        if (node == NULL) break;
        memset(node, 1, size < 4096 ? size : 4096);
        node->next = list;
        list = node;
        count++;
    }
    CHECK(errno == ENOMEM);
    // Out of memory: everything else fails cleanly too, and keeps what there is.
    errno = 0;
    void *p = keep(calloc(100, size));
    CHECK(p != NULL || errno == ENOMEM);
    free(p);
    p = NULL;
    CHECK(posix_memalign(&p, 64, 100 * size + (1u << 20)) == ENOMEM && p == NULL);
    if (list) {
        struct node *next = list->next;
        errno = 0;
        CHECK(keep(realloc(list, keep_size((size_t)1 << 40))) == NULL && errno == ENOMEM);
        CHECK(list->next == next);
    }
    while (list != NULL) {
        struct node *next = list->next;
        free(list);
        list = next;
    }
    return count;
}

static volatile int limited;

static void *in_thread(void *argument) {
    (void)argument;
    while (!limited) usleep(100);
    use_up(1000);
    // Large blocks too would ask more than glibc can, whose arenas do not share their memory.
    void *p = keep(malloc(5000));
    CHECK(p != NULL);
    free(p);
    return NULL;
}

int main(void) {
    const size_t room = (size_t)64 << 20;
    // Made before the limit: what is left afterwards may not hold a stack.
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, in_thread, NULL) == 0);
    size_t now = address_space();
    struct rlimit limit = {now + room, now + room};
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
    const size_t sizes[] = {64, 1000, 30000, 300000, 3u << 20};
    for (size_t round = 0; round < 2; round++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            size_t count = use_up(sizes[i]);
            if (count * sizes[i] < room / 4) dprintf(2, "size %zu: only %zu blocks\n", sizes[i], count);
            CHECK(count * sizes[i] >= room / 4);
            exercise((unsigned)i);
        }
    limited = 1;
    CHECK(pthread_join(thread, NULL) == 0);
    return 0;
}
