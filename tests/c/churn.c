// Long churn of blocks of all sizes with checked contents and a shadow of what must be there.
// runs: plain preload linked static both
#include <malloc.h>

#include "harness.h"

enum { SLOTS = 4000, STEPS = 400000 };
static struct { unsigned char *block; size_t size; unsigned seed; } slots[SLOTS];

static size_t some_size(unsigned *state) {
    unsigned kind = next_random(state) % 1000;
    if (kind < 900) return next_random(state) % 600;
    if (kind < 990) return next_random(state) % 9000;
    if (kind < 999) return next_random(state) % 200000;
    return next_random(state) % 3000000;
}

int main(void) {
    unsigned state = 12345;
    for (unsigned step = 0; step < STEPS; step++) {
        unsigned i = next_random(&state) % SLOTS;
        size_t size = some_size(&state);
        size_t checked = slots[i].size < 2000 ? slots[i].size : 2000;
        if (slots[i].block) CHECK(filled(slots[i].block, checked, slots[i].seed));
        switch (next_random(&state) % 4) {
            case 0:
                slots[i].block = keep(realloc(slots[i].block, size + 1));
                CHECK(slots[i].block != NULL);
                CHECK(filled(slots[i].block, checked < size ? checked : size, slots[i].seed));
                size++;
                break;
            case 1:
                free(slots[i].block);
                slots[i].block = keep(calloc(1, size));
                CHECK(slots[i].block != NULL && all_zero(slots[i].block, size));
                break;
            case 2: {
                size_t align = (size_t)8 << next_random(&state) % 10;
                free(slots[i].block);
                slots[i].block = keep(memalign(align, size));
                CHECK(slots[i].block != NULL && aligned_to(slots[i].block, align));
                break;
            }
            default:
                free(slots[i].block);
                slots[i].block = keep(malloc(size));
                CHECK(slots[i].block != NULL);
        }
        slots[i].size = size;
        slots[i].seed = step;
        fill(slots[i].block, size < 2000 ? size : 2000, step);
    }
    for (int i = 0; i < SLOTS; i++) {
        if (slots[i].block) CHECK(filled(slots[i].block, slots[i].size < 2000 ? slots[i].size : 2000, slots[i].seed));
        free(slots[i].block);
    }
    return 0;
}
