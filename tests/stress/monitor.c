/* Counters, a table of resident memory over time, and a watchdog.
 *
 * Flat means: a straight line fitted to the samples of the second half of the
 * run rises, over that half, by no more than ALLOWED of their mean, or the last
 * quarter's median is not above the third quarter's by half of that. Both must
 * be exceeded to fail: the first alone can be one late outlier. A leak of any
 * constant rate exceeds both in a run that is long enough.
 */
#include "stress.h"
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ALLOWED 0.08
enum { SAMPLES = 4000, ROWS = 24, HANG_SECONDS = 30 };

atomic_ulong operations, threads_born, forks_done;
atomic_bool stopping;

static double begin, length, period;
static double sample_time[SAMPLES], sample_rss[SAMPLES];
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
    printf("%s: %.0f s\n%8s %10s %14s %10s %8s\n", kind, seconds, "time s", "RSS MiB", "operations", "threads", "forks");
}

static void print_row(double time, double rss) {
    printf("%8.1f %10.1f %14lu %10lu %8lu\n", time, rss, atomic_load(&operations), atomic_load(&threads_born),
           atomic_load(&forks_done));
    fflush(stdout);
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
    double t = 0, r = 0, tt = 0, tr = 0;
    if (count < 8) fail("only %zu samples: run longer", samples);
    for (size_t i = first; i < samples; i++) {
        t += sample_time[i], r += sample_rss[i];
        tt += sample_time[i] * sample_time[i], tr += sample_time[i] * sample_rss[i];
    }
    double n = (double)count, mean = r / n, slope = (n * tr - t * r) / (n * tt - t * t);
    double growth = slope * (sample_time[samples - 1] - sample_time[first]) / mean;
    double step = median(sample_rss + first + count / 2, count - count / 2) / median(sample_rss + first, count / 2) - 1;
    bool flat = growth <= ALLOWED || step <= ALLOWED / 2;
    printf("RSS over the second half: mean %.1f MiB, fitted growth %+.1f %%, last quarter over third %+.1f %%: %s\n", mean,
           growth * 100, step * 100, flat ? "flat" : "GROWS");
    return flat;
}

bool monitor_watch(bool (*finished)(void)) {
    double next_row = 0, limit = length * 3 + 60;
    for (;;) {
        double time = now() - begin;
        if (samples < SAMPLES) sample_time[samples] = time, sample_rss[samples] = rss_mib(), samples++;
        if (time >= next_row) print_row(time, rss_mib()), next_row += length / ROWS;
        if (time >= length && finished()) break;
        if (time > limit) fail("not finished after %.0f s", time);
        usleep((useconds_t)(period * 1e6));
    }
    atomic_store(&stopping, true);
    print_row(now() - begin, rss_mib());
    return judge();
}
