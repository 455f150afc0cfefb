/* SPDX-License-Identifier: MIT */
/* prompt: how long it takes to read a prompt, with a catalogue of 1,000 names and 1,000 tags.
 *
 * Usage: prompt [ROUNDS]. Each round reads every prompt once, those that are not understood too; one line tells the
 * percentiles of single reads, in microseconds of the thread's processor time, another those of what was refused. */
#include <stdio.h>
#include <stdlib.h>

#include <telemetry/clock.h>

#include "query/prompt/prompt.h"

enum { N_TEXTS = 1000, TEXT_BYTES = 64, ROUNDS_DEFAULT = 2000, ARENA_BYTES = 1 << 18 };

static const char *const prompts[] = {
    "average cpu usage of service17 today",
    "top 5 hosts by average service17.cpu.usage in the last 24 hours",
    "p95 of service42.http.latency by region per hour yesterday in Europe/Berlin",
    "what was the maximum service99 queue depth on 20 february 2026 between 9:00 and 17:00?",
    "how many events on web-17 this week compared to last week",
    "trend of service3 disk read this month",
    "events tagged env:e3 and host:web-500 without region:r8 last month",
    "busiest hour yesterday",
    "min, max and avg of service12.memory.used every 15 minutes since monday",
    "count service17 today vs same day last week",
};
static const char *const refused[] = {
    "average usage today",
    "averge service17.cpu.usage yesterday",
    "average sevrice17.cpu.usage yesterday",
    "average frobnication of service17.http.latencies last week and today",
    "events on web-1001 yesterday",
    "SELECT * FROM metrics WHERE name = 'x' OR 1=1; DROP TABLE metrics",
};

struct store {
    char names[N_TEXTS][TEXT_BYTES], tags[N_TEXTS][TEXT_BYTES];
    struct slice name_slices[N_TEXTS], tag_slices[N_TEXTS];
};

static struct catalogue *catalogue_make(void)
{
    static struct store store;
    static const char *const figures[] = { "cpu.usage",  "memory.used", "disk.read",  "disk.write",    "http.latency",
                                           "http.count", "queue.depth", "gc.seconds", "threads_count", "net.received" };
    for (unsigned i = 0; i < N_TEXTS; i++) {
        snprintf(store.names[i], TEXT_BYTES, "service%u.%s", i / 10, figures[i % 10]);
        if (i < N_TEXTS - 100)
            snprintf(store.tags[i], TEXT_BYTES, "host:web-%u", i);
        else
            snprintf(store.tags[i], TEXT_BYTES, i % 2 == 0 ? "region:r%u" : "env:e%u", i % 100);
        store.name_slices[i] = slice_of(store.names[i]);
        store.tag_slices[i] = slice_of(store.tags[i]);
    }
    return catalogue_new(store.name_slices, N_TEXTS, store.tag_slices, N_TEXTS, true, 1);
}

/* Time of the processor, so that other programs on the machine do not count. */
static uint64_t thread_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_nsec;
}

static int by_number(const void *a, const void *b)
{
    uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;
    return (one > other) - (one < other);
}

static bool measure(const char *title, const char *const texts[], size_t n_texts, unsigned rounds,
                    const struct prompt_setting *setting)
{
    static _Alignas(16) char block[ARENA_BYTES];
    size_t n = n_texts * rounds, n_understood = 0;
    uint64_t *times_ns = malloc(n * sizeof(*times_ns) + 1);
    if (times_ns == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        struct arena arena;
        struct prompt_reading reading = { .understood = false };
        uint64_t before_ns = thread_ns();
        arena_init(&arena, block, sizeof(block));
        bool done = prompt_read(slice_of(texts[i % n_texts]), setting, &arena, &reading);
        arena_reset(&arena);
        times_ns[i] = thread_ns() - before_ns;
        n_understood += done && reading.understood;
    }
    qsort(times_ns, n, sizeof(*times_ns), by_number);
    printf("%-12s p50 %6.1f us   p99 %6.1f us   max %7.1f us   (%zu reads, %zu understood)\n", title,
           (double)times_ns[n / 2] / 1e3, (double)times_ns[n * 99 / 100] / 1e3, (double)times_ns[n - 1] / 1e3, n,
           n_understood);
    free(times_ns);
    return true;
}

int main(int argc, char **argv)
{
    unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : ROUNDS_DEFAULT;
    struct zones *zones = zones_new(NULL);
    struct catalogue *catalogue = catalogue_make();
    if (zones == NULL || catalogue == NULL || rounds < 1 || rounds > 1000000)
        return 1;
    struct prompt_setting setting = { catalogue, zones, zones_find(zones, SLICE("UTC")), clock_wall_ms() };
    bool done = measure("understood", prompts, sizeof(prompts) / sizeof(prompts[0]), (unsigned)rounds, &setting) &&
                measure("refused", refused, sizeof(refused) / sizeof(refused[0]), (unsigned)rounds, &setting);
    catalogue_release(&catalogue);
    zones_free(&zones);
    return done ? 0 : 1;
}
