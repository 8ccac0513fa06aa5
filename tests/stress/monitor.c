/* Counters, a table of resident memory over time, and a watchdog.
 *
 * Flat means: what is resident beyond the live bytes (the load itself swings:
 * sizes are random) does not rise. A straight line fitted to the samples of the
 * second half may rise, over that half, by no more than a share of the mean
 * RSS, or the last quarter's median may lie above the third quarter's by no
 * more than half of that. Both must be exceeded to fail: the first alone can be
 * one late outlier. The share is 8 %; in a run of less than two minutes, which
 * is still warming up in its second half, 20 %: it finds coarse leaks only.
 */
#include "stress.h"
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SAMPLES = 4000, ROWS = 24, HANG_SECONDS = 30 };

atomic_ulong operations, threads_born, forks_done;
atomic_bool stopping;
atomic_long live_bytes;

static double begin, length, period;
static double sample_time[SAMPLES], sample_rss[SAMPLES], sample_excess[SAMPLES];
static size_t samples;

double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double rss_mib(void) {
    unsigned long size = 0, resident = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    if (!statm || fscanf(statm, "%lu %lu", &size, &resident) != 2) fail("cannot read /proc/self/statm");
    fclose(statm);
    return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1048576.0;
}

void fail(const char *format, ...) {
    char text[512];
    va_list rest;
    va_start(rest, format);
    int len = vsnprintf(text, sizeof text - 1, format, rest);
    va_end(rest);
    if (len > (int)sizeof text - 2) len = sizeof text - 2;
    text[len] = '\n';
    ssize_t written = write(2, "stress: FAILED: ", 16) + write(2, text, (size_t)len + 1);
    (void)written;
    abort();
}

/* Ends the program when no operation was done for HANG_SECONDS. */
static void *watchdog(void *unused) {
    (void)unused;
    unsigned long last = 0;
    for (double since = now();; usleep(200000)) {
        unsigned long count = atomic_load(&operations);
        if (count != last) since = now(), last = count;
        if (now() - since > HANG_SECONDS) fail("hang: no operation for %d s (%lu done)", HANG_SECONDS, last);
    }
    return NULL;
}

void monitor_begin(double seconds, const char *kind) {
    begin = now();
    length = seconds;
    period = seconds / 200 > 0.05 ? seconds / 200 : 0.05;
    pthread_t thread;
    if (pthread_create(&thread, NULL, watchdog, NULL)) fail("cannot start the watchdog");
    pthread_detach(thread);
    printf("%s: %.0f s\n%8s %10s %10s %14s %10s %8s\n", kind, seconds, "time s", "RSS MiB", "live MiB", "operations", "threads", "forks");
}

static double live_mib(void) { return (double)atomic_load(&live_bytes) / 1048576.0; }

static void print_row(double time) {
    printf("%8.1f %10.1f %10.1f %14lu %10lu %8lu\n", time, rss_mib(), live_mib(), atomic_load(&operations),
           atomic_load(&threads_born), atomic_load(&forks_done));
    fflush(stdout);
}

static void take_sample(double time) {
    if (samples == SAMPLES) fail("more than %d samples", SAMPLES);
    double rss = rss_mib();
    sample_time[samples] = time, sample_rss[samples] = rss, sample_excess[samples] = rss - live_mib(), samples++;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const double *values, size_t count) {
    static double sorted[SAMPLES];
    memcpy(sorted, values, count * sizeof *values);
    qsort(sorted, count, sizeof *sorted, by_value);
    return sorted[count / 2];
}

static bool judge(void) {
    size_t first = samples / 2, count = samples - first;
    double t = 0, e = 0, tt = 0, te = 0, rss = 0;
    if (count < 8) fail("only %zu samples: run longer", samples);
    for (size_t i = first; i < samples; i++) {
        t += sample_time[i], e += sample_excess[i], rss += sample_rss[i];
        tt += sample_time[i] * sample_time[i], te += sample_time[i] * sample_excess[i];
    }
    double n = (double)count, mean = rss / n, slope = (n * te - t * e) / (n * tt - t * t);
    double growth = slope * (sample_time[samples - 1] - sample_time[first]) / mean;
    double step = (median(sample_excess + first + count / 2, count - count / 2) - median(sample_excess + first, count / 2)) / mean;
    double allowed = length < 120 ? 0.20 : 0.08;
    bool flat = growth <= allowed || step <= allowed / 2;
    printf("second half: RSS %.1f MiB, of it not live %.1f; growth of that by fit %+.1f %%, last quarter over third %+.1f %% of RSS: %s\n",
           mean, e / n, growth * 100, step * 100, flat ? "flat" : "GROWS");
    return flat;
}

bool monitor_watch(bool (*finished)(void)) {
    double next_row = 0, limit = length * 3 + 60;
    for (;;) {
        double time = now() - begin;
        take_sample(time);
        if (time >= next_row) print_row(time), next_row += length / ROWS;
        if (time >= length && finished()) break;
        if (time > limit) fail("not finished after %.0f s", time);
        usleep((useconds_t)(period * 1e6));
    }
    atomic_store(&stopping, true);
    print_row(now() - begin);
    return judge();
}
