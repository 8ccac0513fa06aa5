/* The kinds of stress: who allocates, who frees, who is born, forked or asleep. */
#define _GNU_SOURCE
#include "kinds.h"
#include "stress.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CREW = 64, SLOTS = 200, SHORT_LIFE = 300, BORN_AT_LEAST = 10000 };

static pthread_t start_thread(void *(*body)(void *), void *argument) {
    pthread_t thread;
    int error = pthread_create(&thread, NULL, body, argument);
    if (error) fail("pthread_create: %s", strerror(error));
    atomic_fetch_add(&threads_born, 1);
    return thread;
}

/* One step of the mix on one of a thread's own slots. */
static void step(struct block *slots, struct rng *rng) {
    struct block *b = &slots[rng_below(rng, SLOTS)];
    if (!b->start) {
        if (!block_make(b, rng) && errno != ENOMEM) fail("out of memory with errno %d", errno);
    } else {
        switch (rng_below(rng, 8)) {
        case 0: case 1: block_resize(b, rng); break;
        case 2: case 3: mailbox_swap(b, rng); break;
        default: block_end(b);
        }
    }
    atomic_fetch_add_explicit(&operations, 1, memory_order_relaxed);
}

static void end_all(struct block *slots) {
    for (size_t i = 0; i < SLOTS; i++) block_end(&slots[i]);
}

/* ---- stress: a fixed crew ------------------------------------------------ */

static void *worker(void *argument) {
    struct rng rng = {(uint64_t)(uintptr_t)argument * 7919 + 1};
    struct block slots[SLOTS] = {0};
    while (!atomic_load_explicit(&stopping, memory_order_relaxed)) step(slots, &rng);
    end_all(slots);
    return NULL;
}

static bool at_once(void) { return true; }

static bool crew(int threads, bool (*finished)(void)) {
    pthread_t thread[CREW];
    for (int i = 0; i < threads; i++) thread[i] = start_thread(worker, (void *)(uintptr_t)(i + 1));
    bool flat = monitor_watch(finished);
    for (int i = 0; i < threads; i++) pthread_join(thread[i], NULL);
    return flat;
}

bool kind_stress(void) { return crew(CREW, at_once); }

/* ---- threads: short lives, the blocks outlive their makers ---------------- */

static pthread_key_t late_key;

/* A thread's last act: allocates and frees after most of the thread is gone. */
static void late(void *value) {
    struct block b;
    struct rng rng = {(uint64_t)(uintptr_t)value};
    free(value);
    if (block_make(&b, &rng)) block_end(&b);
}

static void *short_life(void *argument) {
    struct rng rng = {(uint64_t)(uintptr_t)argument * 104729 + 3};
    struct block slots[SLOTS] = {0};
    pthread_setspecific(late_key, malloc(40));
    for (int i = 0; i < SHORT_LIFE; i++) step(slots, &rng);
    for (size_t i = 0; i < SLOTS; i++) mailbox_swap(&slots[i], &rng); /* a full mailbox gives an old block back */
    end_all(slots);
    return NULL;
}

static void *wave_maker(void *argument) {
    uintptr_t seed = (uintptr_t)argument * 1000000;
    pthread_t thread[8];
    while (!atomic_load(&stopping)) {
        for (int i = 0; i < 8; i++) thread[i] = start_thread(short_life, (void *)++seed);
        for (int i = 0; i < 8; i++) pthread_join(thread[i], NULL);
    }
    return NULL;
}

static bool enough_born(void) { return atomic_load(&threads_born) >= BORN_AT_LEAST; }

static void begin_waves(pthread_t *makers, int count) {
    if (pthread_key_create(&late_key, late)) fail("pthread_key_create");
    for (int i = 0; i < count; i++)
        if (pthread_create(&makers[i], NULL, wave_maker, (void *)(uintptr_t)(i + 1))) fail("pthread_create");
}

bool kind_threads(void) {
    pthread_t makers[CREW / 8];
    begin_waves(makers, CREW / 8);
    bool flat = monitor_watch(enough_born);
    for (int i = 0; i < CREW / 8; i++) pthread_join(makers[i], NULL);
    return flat;
}

/* ---- fork: children of a program whose threads are in the middle of it ---- */

static void *child_thread(void *argument) {
    struct rng rng = {(uint64_t)(uintptr_t)argument};
    struct block slots[SLOTS] = {0};
    for (int i = 0; i < SHORT_LIFE; i++) step(slots, &rng);
    end_all(slots);
    return NULL;
}

/* A child's allocations, its frees of what the parent made, and its threads. */
static void child_work(uint64_t seed, bool threads) {
    struct rng rng = {seed};
    struct block slots[SLOTS] = {0};
    pthread_t a, b;
    for (int i = 0; i < SHORT_LIFE; i++) step(slots, &rng);
    if (seed % 4 == 0) mailbox_empty();
    end_all(slots);
    if (!threads) return;
    if (pthread_create(&a, NULL, child_thread, (void *)1) || pthread_create(&b, NULL, child_thread, (void *)2))
        fail("pthread_create in a child");
    pthread_join(a, NULL);
    pthread_join(b, NULL);
}

/* A child works, then forks the next of its line, which does the same; each waits for its own. */
static _Noreturn void child_life(uint64_t seed, bool threads, int generations) {
    for (;; seed++, generations--) {
        child_work(seed, threads);
        if (generations == 0) _exit(0);
        pid_t next = fork();
        if (next == 0) continue;
        int status = 0;
        if (next < 0 || waitpid(next, &status, 0) < 0 || status) fail("grandchild ended with %x", status);
        _exit(0);
    }
}

/* Waits no longer than 20 s: a child that hangs in the allocator is the classic fault. */
static void await_child(pid_t child, const char *how) {
    for (double until = now() + 20; now() < until; usleep(2000)) {
        int status = 0;
        pid_t ended = waitpid(child, &status, WNOHANG);
        if (ended < 0) fail("waitpid: %s", strerror(errno));
        if (ended == 0) continue;
        if (status) fail("a child by %s ended with status %x", how, status);
        atomic_fetch_add(&forks_done, 1);
        return;
    }
    kill(child, SIGABRT);
    fail("a child by %s hangs (it was sent SIGABRT)", how);
}

static void *forker(void *argument) {
    bool raw = argument != NULL;
    for (uint64_t seed = 1; !atomic_load(&stopping); seed++) {
        /* A raw clone skips every atfork handler. Its child may allocate, but not start threads: glibc's are not ready. */
        pid_t child = raw ? (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) : fork();
        if (child < 0 && errno != EAGAIN && errno != ENOMEM) fail("fork: %s", strerror(errno));
        if (child == 0) child_life(seed, !raw, raw ? 0 : (int)(seed % 3));
        if (child > 0) await_child(child, raw ? "raw clone" : "fork");
        usleep(10000);
    }
    return NULL;
}

static bool forking(void *raw) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, forker, raw)) fail("pthread_create");
    bool flat = crew(CREW / 4, at_once);
    pthread_join(thread, NULL);
    return flat;
}

bool kind_fork(void) { return forking(NULL); }
bool kind_rawfork(void) { return forking((void *)1); }

/* ---- remote: some only allocate, others only free -------------------------- */

enum { PAIRS = 16, RING = 2048 };

static struct ring {
    _Atomic(uint64_t) head, tail;
    struct block blocks[RING];
} *rings;

static void *producer(void *argument) {
    struct ring *ring = argument;
    struct rng rng = {(uint64_t)(uintptr_t)ring};
    while (!atomic_load_explicit(&stopping, memory_order_relaxed)) {
        uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
        if (head - atomic_load_explicit(&ring->tail, memory_order_acquire) == RING) {
            sched_yield();
            continue;
        }
        struct block *b = &ring->blocks[head % RING];
        if (!block_sized(b, rng_below(&rng, rng_below(&rng, 50) ? 700 : 40000), &rng)) continue;
        atomic_store_explicit(&ring->head, head + 1, memory_order_release);
        atomic_fetch_add_explicit(&operations, 1, memory_order_relaxed);
    }
    return NULL;
}

static void *consumer(void *argument) {
    struct ring *ring = argument;
    for (;;) {
        bool last = atomic_load(&stopping);
        uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
        if (tail == atomic_load_explicit(&ring->head, memory_order_acquire)) {
            if (last) return NULL;
            sched_yield();
            continue;
        }
        block_end(&ring->blocks[tail % RING]);
        atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
    }
}

bool kind_remote(void) {
    pthread_t out[PAIRS], in[PAIRS];
    rings = calloc(PAIRS, sizeof *rings);
    for (int i = 0; i < PAIRS; i++) {
        out[i] = start_thread(producer, &rings[i]);
        in[i] = start_thread(consumer, &rings[i]);
    }
    bool flat = monitor_watch(at_once);
    for (int i = 0; i < PAIRS; i++) pthread_join(out[i], NULL);
    for (int i = 0; i < PAIRS; i++) pthread_join(in[i], NULL);
    free(rings);
    return flat;
}

/* ---- sleep: the owner allocates and sleeps, another thread frees it all ----- */

enum { SLEEPERS = 8, LOAD = 40000 };

static struct sleeper {
    pthread_barrier_t full, empty;
    struct block *blocks;
} sleepers[SLEEPERS];

/* Decided by the waker while all owners sleep, so that all end with the same cycle. */
static bool last_cycle;

static void *sleeper(void *argument) {
    struct sleeper *self = argument;
    struct rng rng = {(uint64_t)(uintptr_t)self};
    for (;;) {
        for (int i = 0; i < LOAD; i++) {
            if (!block_sized(&self->blocks[i], 16 + rng_below(&rng, 1500), &rng)) fail("out of memory");
            atomic_fetch_add_explicit(&operations, 1, memory_order_relaxed);
        }
        pthread_barrier_wait(&self->full); /* asleep from here on: runs no code while its blocks are freed */
        pthread_barrier_wait(&self->empty);
        if (last_cycle) return NULL;
    }
}

static void *waker(void *unused) {
    (void)unused;
    for (int cycle = 0; !last_cycle; cycle++) {
        for (int i = 0; i < SLEEPERS; i++) pthread_barrier_wait(&sleepers[i].full);
        double peak = rss_mib();
        for (int i = 0; i < SLEEPERS; i++)
            for (int j = 0; j < LOAD; j++) {
                block_end(&sleepers[i].blocks[j]);
                atomic_fetch_add_explicit(&operations, 1, memory_order_relaxed);
            }
        if (cycle == 0) {
            double left = rss_mib();
            printf("owners asleep, all freed by another thread: RSS %.1f of %.1f MiB (%.0f %%)\n", left, peak, left * 100 / peak);
        }
        last_cycle = atomic_load(&stopping);
        for (int i = 0; i < SLEEPERS; i++) pthread_barrier_wait(&sleepers[i].empty);
    }
    return NULL;
}

bool kind_sleep(void) {
    pthread_t thread[SLEEPERS], freeing;
    for (int i = 0; i < SLEEPERS; i++) {
        pthread_barrier_init(&sleepers[i].full, NULL, 2);
        pthread_barrier_init(&sleepers[i].empty, NULL, 2);
        sleepers[i].blocks = calloc(LOAD, sizeof *sleepers[i].blocks);
        thread[i] = start_thread(sleeper, &sleepers[i]);
    }
    freeing = start_thread(waker, NULL);
    bool flat = monitor_watch(at_once);
    pthread_join(freeing, NULL);
    for (int i = 0; i < SLEEPERS; i++) pthread_join(thread[i], NULL);
    return flat;
}

/* ---- soak: everything at once ----------------------------------------------- */

bool kind_soak(void) {
    pthread_t makers[4], fork_thread;
    begin_waves(makers, 4);
    if (pthread_create(&fork_thread, NULL, forker, NULL)) fail("pthread_create");
    bool flat = crew(CREW, enough_born);
    for (int i = 0; i < 4; i++) pthread_join(makers[i], NULL);
    pthread_join(fork_thread, NULL);
    return flat;
}
