/* workloads NAME ROUNDS: loops of malloc and free for counting instructions.
 *
 * A round is 1000 operations: pairs of malloc and free (calloc and free), or
 * steps of realloc. The generator is three instructions, so that the loop stays
 * small beside what is measured. The first five keep to the fast paths; the
 * others are made of slow ones:
 *
 *   slabs     1000 blocks of one size, then all freed, another size each round:
 *             bins run dry, slabs fill, empty and go back
 *   large     blocks of 64 KiB to 1 MiB, sixteen live
 *   grow      realloc from 16 bytes to 8 KiB in steps of an eighth, again and again
 *   handover  one thread allocates 1000 blocks, another frees them, in turns
 */
#include <pthread.h>
#include <semaphore.h>
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

static void slabs(long rounds) {
    static const size_t sizes[] = {144, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192};
    for (long r = 0; r < rounds; r++) {
        size_t size = sizes[r % (sizeof sizes / sizeof *sizes)];
        for (int i = 0; i < BATCH; i++) slots[i] = malloc(size);
        for (int i = 0; i < BATCH; i++) free(slots[i]);
    }
}

static void large(long rounds) {
    for (long i = 0; i < rounds * BATCH; i++) {
        uint64_t x = random64();
        void **slot = &slots[x >> 60];
        free(*slot);
        char *p = malloc((64 << 10) + 1 + (((x >> 16) & 0xffffffff) * (960 << 10) >> 32));
        *p = (char)x;
        *slot = p;
    }
}

static void grow(long rounds) {
    size_t size = 16;
    char *p = NULL;
    for (long i = 0; i < rounds * BATCH; i++) {
        p = realloc(p, size);
        p[size - 1] = 1;
        size += size / 8 + 1;
        if (size > 8 << 10) {
            free(p);
            p = NULL;
            size = 16;
        }
    }
    free(p);
}

static sem_t made, freed;

static void *maker(void *rounds) {
    for (long r = (long)rounds; r > 0; r--) {
        for (int i = 0; i < BATCH; i++) slots[i] = malloc(r & 1 ? 64 : 512);
        sem_post(&made);
        while (sem_wait(&freed) != 0) {}
    }
    return NULL;
}

/* Strictly in turns, so that no count depends on who is scheduled when. */
static void handover(long rounds) {
    pthread_t thread;
    sem_init(&made, 0, 0);
    sem_init(&freed, 0, 0);
    if (pthread_create(&thread, NULL, maker, (void *)rounds) != 0) abort();
    for (long r = 0; r < rounds; r++) {
        while (sem_wait(&made) != 0) {}
        for (int i = 0; i < BATCH; i++) free(slots[i]);
        sem_post(&freed);
    }
    pthread_join(thread, NULL);
}

static const struct {
    const char *name;
    void (*run)(long);
} workloads[] = {{"pair", pair},   {"batch", batch}, {"small", churn_small}, {"medium", churn_medium}, {"calloc", churn_zeroed},
                 {"slabs", slabs}, {"large", large}, {"grow", grow},         {"handover", handover}};

int main(int argc, char **argv) {
    for (size_t i = 0; argc == 3 && i < sizeof workloads / sizeof *workloads; i++)
        if (strcmp(argv[1], workloads[i].name) == 0) {
            workloads[i].run(atol(argv[2]));
            return 0;
        }
    fprintf(stderr, "usage: workloads pair|batch|small|medium|calloc|slabs|large|grow|handover ROUNDS (of 1000 operations)\n");
    return 2;
}
