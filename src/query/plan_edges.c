/* SPDX-License-Identifier: MIT */
/* plan_edges: a grid of buckets has an edge for each whole number. Of days and longer it is the start of the unit of
 * this number times the count; below a day, so many lengths behind the midnight before the range. */
#include "query/plan_own.h"

#include <telemetry/metric.h>

#include "query/calendar.h"

struct grid {
    const struct zone *zone;
    struct plan_bucket bucket;
    int64_t origin_ms, length_ms; /* below a day; else 0 */
    int64_t first;                /* number of the last edge that is not behind the range's start */
};

static struct grid grid_of(const struct zone *zone, struct plan_bucket bucket, int64_t from_ms)
{
    struct grid grid = { .zone = zone, .bucket = bucket, .length_ms = bucket.count * calendar_unit_ms(bucket.unit) };
    if (grid.length_ms > 0) {
        grid.origin_ms = calendar_start(zone, UNIT_DAY, from_ms);
        grid.first = (from_ms - grid.origin_ms) / grid.length_ms;
        return grid;
    }
    int64_t index = calendar_unit_index(zone, bucket.unit, from_ms), count = bucket.count;
    grid.first = index / count - (index % count < 0);
    return grid;
}

static int64_t grid_edge(const struct grid *grid, int64_t number)
{
    if (grid->length_ms > 0)
        return grid->origin_ms + number * grid->length_ms;
    return calendar_unit_start(grid->zone, grid->bucket.unit, number * grid->bucket.count);
}

/* Counts the buckets up to to_ms, at most max + 1 of them, and puts down their edges where there is room (edges is not
 * NULL). A day that the zone skips has no length and is no bucket. Time ends with RFC 3339: so does the last bucket. */
static uint32_t grid_walk(const struct grid *grid, int64_t to_ms, uint32_t max, int64_t *edges)
{
    int64_t end = to_ms > METRIC_TIMESTAMP_MAX ? to_ms : METRIC_TIMESTAMP_MAX;
    int64_t last = grid_edge(grid, grid->first);
    uint32_t n = 0;
    if (edges != NULL)
        edges[0] = last;
    for (int64_t number = grid->first + 1; last < to_ms && n <= max; number++) {
        int64_t edge = grid_edge(grid, number);
        if (edge >= METRIC_TIMESTAMP_MAX)
            edge = end;
        if (edge <= last)
            continue;
        last = edge;
        n++;
        if (edges != NULL)
            edges[n] = last;
    }
    return n;
}

uint32_t plan_bucket_count(const struct zone *zone, struct plan_bucket bucket, int64_t from_ms, int64_t to_ms,
                           uint32_t max)
{
    struct grid grid = grid_of(zone, bucket, from_ms);
    return grid_walk(&grid, to_ms, max, NULL);
}

struct plan_bucket plan_bucket_choose(const struct zone *zone, int64_t from_ms, int64_t to_ms, uint32_t max)
{
    static const struct plan_bucket usual[] = {
        { UNIT_SECOND, 1 }, { UNIT_SECOND, 5 }, { UNIT_SECOND, 10 }, { UNIT_SECOND, 15 }, { UNIT_SECOND, 30 },
        { UNIT_MINUTE, 1 }, { UNIT_MINUTE, 5 }, { UNIT_MINUTE, 10 }, { UNIT_MINUTE, 15 }, { UNIT_MINUTE, 30 },
        { UNIT_HOUR, 1 },   { UNIT_HOUR, 2 },   { UNIT_HOUR, 3 },    { UNIT_HOUR, 6 },    { UNIT_HOUR, 12 },
        { UNIT_DAY, 1 },    { UNIT_WEEK, 1 },   { UNIT_MONTH, 1 },   { UNIT_QUARTER, 1 }, { UNIT_YEAR, 1 },
        { UNIT_YEAR, 10 },  { UNIT_YEAR, 100 }, { UNIT_YEAR, 1000 },
    };
    enum { N_USUAL = sizeof(usual) / sizeof(usual[0]) };
    unsigned i = 0;
    while (i + 1 < N_USUAL && plan_bucket_count(zone, usual[i], from_ms, to_ms, max) > max)
        i++;
    return usual[i];
}

uint32_t plan_edges(const struct zone *zone, struct plan_bucket *bucket, int64_t from_ms, int64_t to_ms,
                    struct arena *arena, int64_t **ret_edges)
{
    *ret_edges = NULL;
    if (bucket->unit == UNIT_AUTO)
        *bucket = plan_bucket_choose(zone, from_ms, to_ms, PLAN_AUTO_BUCKETS);
    struct grid grid = grid_of(zone, *bucket, from_ms);
    uint32_t n = grid_walk(&grid, to_ms, PLAN_BUCKETS_MAX, NULL);
    if (n > PLAN_BUCKETS_MAX)
        return 0;
    *ret_edges = arena_alloc(arena, (n + 1) * sizeof(**ret_edges));
    if (*ret_edges != NULL)
        grid_walk(&grid, to_ms, PLAN_BUCKETS_MAX, *ret_edges);
    return n;
}
