/* workloads NAME ROUNDS: five loops of malloc and free for counting instructions.
 *
 * Operations = pairs of malloc and free (calloc and free). The generator is
 * three instructions, so that the loop stays small beside what is measured.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 1000, SLOTS = 1024, CHURN = 1000 };

static inline void *zeroed(size_t size) { return calloc(1, size); }

static void *slots[SLOTS];
static uint64_t state = 88172645463325252u;

/* A multiplicative congruential step; the high half is random enough for sizes and slots. */
static inline uint64_t random64(void) { return state = state * 6364136223846793005u + 1442695040888963407u; }

static void pair(long rounds) {
    for (long r = 0; r < rounds; r++)
        for (int i = 0; i < BATCH; i++) {
            void *p = malloc(64);
            __asm__ volatile("" : "+r"(p) : : "memory");
            free(p);
        }
}

static void batch(long rounds) {
    for (long r = 0; r < rounds; r++) {
        for (int i = 0; i < BATCH; i++) slots[i] = malloc(64);
        for (int i = 0; i < BATCH; i++) free(slots[i]);
    }
}

/* Replaces a random slot's block by one of `least` to `least + spread - 1` bytes. */
static inline void churn(long rounds, uint32_t least, uint32_t spread, void *(*make)(size_t)) {
    for (long i = 0; i < rounds * CHURN; i++) {
        uint64_t x = random64();
        void **slot = &slots[x >> 54];
        free(*slot);
        char *p = make(least + (uint32_t)((((x >> 16) & 0xffffffff) * spread) >> 32));
        *p = (char)x; /* the block is used */
        *slot = p;
    }
}

static void churn_small(long rounds) { churn(rounds, 16, 512, malloc); }
static void churn_medium(long rounds) { churn(rounds, 1024, 32768, malloc); }
static void churn_zeroed(long rounds) { churn(rounds, 16, 512, zeroed); }

static const struct {
    const char *name;
    void (*run)(long);
} workloads[] = {{"pair", pair}, {"batch", batch}, {"small", churn_small}, {"medium", churn_medium}, {"calloc", churn_zeroed}};

int main(int argc, char **argv) {
    for (size_t i = 0; argc == 3 && i < sizeof workloads / sizeof *workloads; i++)
        if (strcmp(argv[1], workloads[i].name) == 0) {
            workloads[i].run(atol(argv[2]));
            return 0;
        }
    fprintf(stderr, "usage: workloads pair|batch|small|medium|calloc ROUNDS (of 1000 operations)\n");
    return 2;
}
