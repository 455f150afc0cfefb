/* SPDX-License-Identifier: MIT */
#include <telemetry/stats.h>

#include <inttypes.h>
#include <stdlib.h>

#include "base/stats_read.h"
#include <telemetry/clock.h>
#include <telemetry/log.h>

const struct stats_row stats_counter_rows[STATS_N_COUNTERS] = {
#define STATS_ROW(symbol, name, labels, help) { (name), (labels), (help) },
    STATS_COUNTERS(STATS_ROW)
#undef STATS_ROW
};

const struct stats_row stats_gauge_rows[STATS_N_GAUGES] = {
#define STATS_ROW(symbol, name, help) { (name), "", (help) },
    STATS_GAUGES(STATS_ROW)
#undef STATS_ROW
};

const struct stats_row stats_histogram_rows[STATS_N_HISTOGRAMS] = {
#define STATS_ROW(symbol, member, name, labels, help) { (name), (labels), (help) },
    STATS_HISTOGRAMS(STATS_ROW)
#undef STATS_ROW
};

/* Below STATS_SUB_BUCKETS each value is its own bucket; from there on, the highest bit chooses the
 * power of two and the two bits behind it the part. One less than the duration is what is placed, so
 * that a bound belongs to its bucket. */
static unsigned bucket_of(uint64_t ns)
{
    uint64_t place = ns == 0 ? 0 : ns - 1;
    if (place < STATS_SUB_BUCKETS)
        return (unsigned)place;
    unsigned highest = 63 - (unsigned)__builtin_clzll(place);
    unsigned bucket = (highest - 1) * STATS_SUB_BUCKETS + (unsigned)(place >> (highest - 2) & 3);
    return bucket < STATS_BUCKETS ? bucket : STATS_BUCKETS - 1;
}
_Static_assert(STATS_SUB_BUCKETS == 4, "bucket_of() takes two bits");

uint64_t histogram_bound_ns(unsigned index)
{
    if (index < STATS_SUB_BUCKETS)
        return index + 1;
    return (STATS_SUB_BUCKETS + index % STATS_SUB_BUCKETS + 1ULL) << (index / STATS_SUB_BUCKETS - 1);
}

void histogram_add(struct histogram *histogram, uint64_t ns)
{
    atomic_uint_fast64_t *bucket = &histogram->buckets[bucket_of(ns)];
    uint64_t n = atomic_load_explicit(bucket, memory_order_relaxed);
    uint64_t sum_ns = atomic_load_explicit(&histogram->sum_ns, memory_order_relaxed);
    atomic_store_explicit(bucket, n + 1, memory_order_relaxed);
    atomic_store_explicit(&histogram->sum_ns, sum_ns + ns, memory_order_relaxed);
}

void stats_registry_init(struct stats_registry *registry, const char *storage, const char *cache)
{
    *registry = (struct stats_registry){ .started_ns = clock_ns(),
                                         .started_wall_ms = clock_wall_ms(),
                                         .version = TELEMETRY_VERSION,
                                         .storage = storage,
                                         .cache = cache };
}

struct stats *stats_new(struct stats_registry *registry)
{
    struct stats *stats = aligned_alloc(_Alignof(struct stats), sizeof(*stats));
    if (stats == NULL)
        return NULL;
    memset(stats, 0, sizeof(*stats));
    stats->next = registry->first;
    registry->first = stats;
    return stats;
}

void stats_registry_fini(struct stats_registry *registry)
{
    while (registry->first != NULL) {
        struct stats *stats = registry->first;
        registry->first = stats->next;
        free(stats);
    }
}

uint64_t stats_total(const struct stats_registry *registry, enum stats_counter counter)
{
    uint64_t total = counter == STATS_LOG_DROPPED ? log_dropped() : 0;
    for (struct stats *stats = registry->first; stats != NULL; stats = stats->next)
        total += atomic_load_explicit(&stats->counters[counter], memory_order_relaxed);
    return total;
}

int64_t stats_gauge_total(const struct stats_registry *registry, enum stats_gauge gauge)
{
    int64_t total = 0;
    for (struct stats *stats = registry->first; stats != NULL; stats = stats->next)
        total += atomic_load_explicit(&stats->gauges[gauge], memory_order_relaxed);
    return total;
}

static const struct histogram *histogram_of(const struct stats *stats, enum stats_histogram which)
{
    static const size_t offsets[STATS_N_HISTOGRAMS] = {
#define STATS_OFFSET(symbol, member, name, labels, help) offsetof(struct stats, member),
        STATS_HISTOGRAMS(STATS_OFFSET)
#undef STATS_OFFSET
    };
    return (const struct histogram *)(const void *)((const char *)stats + offsets[which]);
}

void stats_histogram_total(const struct stats_registry *registry, enum stats_histogram which,
                           struct histogram_sum *ret_sum)
{
    *ret_sum = (struct histogram_sum){ 0 };
    for (const struct stats *stats = registry->first; stats != NULL; stats = stats->next) {
        const struct histogram *histogram = histogram_of(stats, which);
        ret_sum->sum_ns += atomic_load_explicit(&histogram->sum_ns, memory_order_relaxed);
        for (unsigned i = 0; i < STATS_BUCKETS; i++) {
            uint64_t n = atomic_load_explicit(&histogram->buckets[i], memory_order_relaxed);
            ret_sum->buckets[i] += n;
            ret_sum->n += n;
        }
    }
}

uint64_t histogram_percentile_ns(const struct histogram_sum *sum, unsigned percent)
{
    uint64_t wanted = sum->n / 100 * percent + (sum->n % 100 * percent + 99) / 100;
    uint64_t reached = 0;
    for (unsigned i = 0; i < STATS_BUCKETS && wanted > 0; i++) {
        reached += sum->buckets[i];
        if (reached >= wanted)
            return histogram_bound_ns(i);
    }
    return 0;
}

void text_seconds(struct text *text, uint64_t ns)
{
    text_printf(text, "%" PRIu64 ".%09" PRIu64, (uint64_t)(ns / NS_PER_S), (uint64_t)(ns % NS_PER_S));
}
