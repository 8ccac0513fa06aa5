// The native API: every function, and that its blocks and malloc's are of one heap.
// runs: linked static
// flags: -I../../include
#include "harness.h"
#include "heapwright.h"

static void count_text(const char *text, size_t length, void *context) {
    CHECK(text != NULL);
    *(size_t *)context += length;
}

int main(void) {
    char *p = hw_malloc(100);
    CHECK(p != NULL && hw_usable_size(p) >= 100);
    fill(p, 100, 1);
    p = hw_realloc(p, 100000);
    CHECK(p != NULL && filled(p, 100, 1));
    free(p);
    p = malloc(10);
    hw_free(p);
    p = hw_calloc(100, 8);
    CHECK(p != NULL && all_zero(p, 800));
    hw_free_sized(p, 800);
    errno = 0;
    CHECK(hw_calloc(keep_size(SIZE_MAX), 2) == NULL && errno == ENOMEM);
    errno = 0;
    CHECK(hw_malloc(keep_size(SIZE_MAX)) == NULL && errno == ENOMEM);
    p = hw_aligned_alloc(4096, 10);
    CHECK(p != NULL && aligned_to(p, 4096));
    CHECK(hw_realloc(p, 0) == NULL);
    errno = 0;
    CHECK(hw_aligned_alloc(48, 10) == NULL && errno == EINVAL);
    errno = 0;
    CHECK(hw_aligned_alloc(0, 10) == NULL && errno == EINVAL);
    hw_free(NULL);
    CHECK(hw_usable_size(NULL) == 0);
    hw_trim();
    CHECK(hw_set_huge_threshold(4u << 20));
    unsigned major, minor, patch;
    CHECK(sscanf(hw_version(), "%u.%u.%u", &major, &minor, &patch) == 3);

    CHECK(hw_counter_count() >= 20);
    CHECK(hw_counter_name(hw_counter_count()) == NULL && hw_counter_at(hw_counter_count()) == 0);
    for (size_t i = 0; i < hw_counter_count(); i++) {
        uint64_t value = 0;
        CHECK(hw_counter_name(i) != NULL && hw_counter(hw_counter_name(i), &value));
    }
    uint64_t before = 0, during = 0, after = 0, untouched = 7;
    CHECK(!hw_counter("no_such_counter", &untouched) && untouched == 7);
    CHECK(hw_counter("live_bytes", &before));
    p = keep(malloc(300000));
    CHECK(hw_counter("live_bytes", &during) && during >= before + 300000);
    free(p);
    CHECK(hw_counter("live_bytes", &after) && after < during);
    size_t length = 0;
    hw_describe(count_text, &length);
    CHECK(length > 0);
    hw_describe(NULL, NULL);
    return 0;
}
