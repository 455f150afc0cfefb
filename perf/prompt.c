/* SPDX-License-Identifier: MIT */
/* prompt: how long it takes to read a prompt, with a catalogue of 1,000 names and 1,000 tags.
 *
 * Usage: prompt [ROUNDS]. Each round reads every prompt once. One line of JSON tells the percentiles of single reads
 * that were understood, another those of what was refused: in microseconds as time went by, and of the processor's time
 * of the thread, which says what a busy machine would have it be. */
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

struct texts {
    const char *const *texts;
    size_t n;
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

/* Time on a processor: other programs on the machine do not count. */
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

static void print_times(const char *key, uint64_t *times_ns, size_t n)
{
    qsort(times_ns, n, sizeof(*times_ns), by_number);
    printf("\"%s\":{\"p50\":%.1f,\"p99\":%.1f,\"max\":%.1f}", key, (double)times_ns[n / 2] / 1e3,
           (double)times_ns[n * 99 / 100] / 1e3, (double)times_ns[n - 1] / 1e3);
}

/* Whether the prompt was understood. */
static bool read_once(const char *text, const struct prompt_setting *setting, uint64_t *ret_wall_ns,
                      uint64_t *ret_cpu_ns)
{
    static _Alignas(16) char block[ARENA_BYTES];
    struct arena arena;
    struct prompt_reading reading = { .understood = false };
    uint64_t wall_ns = clock_ns(), cpu_ns = thread_ns();
    arena_init(&arena, block, sizeof(block));
    bool done = prompt_read(slice_of(text), setting, &arena, &reading);
    arena_reset(&arena);
    *ret_cpu_ns = thread_ns() - cpu_ns;
    *ret_wall_ns = clock_ns() - wall_ns;
    return done && reading.understood;
}

static bool measure(const char *title, const struct texts *texts, unsigned rounds, const struct prompt_setting *setting)
{
    size_t n = texts->n * rounds, n_understood = 0;
    uint64_t *wall_ns = calloc(n, sizeof(*wall_ns)), *cpu_ns = calloc(n, sizeof(*cpu_ns));
    bool done = wall_ns != NULL && cpu_ns != NULL;
    for (size_t i = 0; done && i < n; i++)
        n_understood += read_once(texts->texts[i % texts->n], setting, &wall_ns[i], &cpu_ns[i]);
    if (done) {
        printf("{\"prompts\":\"%s\",\"reads\":%zu,\"understood\":%zu,", title, n, n_understood);
        print_times("wall_us", wall_ns, n);
        printf(",");
        print_times("cpu_us", cpu_ns, n);
        printf("}\n");
    }
    free(wall_ns);
    free(cpu_ns);
    return done;
}

int main(int argc, char **argv)
{
    unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : ROUNDS_DEFAULT;
    struct zones *zones = zones_new(NULL);
    struct catalogue *catalogue = catalogue_make();
    if (zones == NULL || catalogue == NULL || rounds < 1 || rounds > 1000000)
        return 1;
    struct prompt_setting setting = { catalogue, zones, zones_find(zones, SLICE("UTC")), clock_wall_ms() };
    struct texts good = { prompts, sizeof(prompts) / sizeof(prompts[0]) };
    struct texts bad = { refused, sizeof(refused) / sizeof(refused[0]) };
    bool done = measure("understood", &good, (unsigned)rounds, &setting) &&
                measure("refused", &bad, (unsigned)rounds, &setting);
    catalogue_release(&catalogue);
    zones_free(&zones);
    return done ? 0 : 1;
}
