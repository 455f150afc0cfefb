/* SPDX-License-Identifier: MIT */
#include "buckets.h"

#include <stddef.h>

#include <telemetry/arena.h>
#include <telemetry/plan.h>

void buckets_none(struct buckets *buckets)
{
    *buckets = (struct buckets){ .n = 1 };
}

/* The length of all buckets, or 0. */
static uint64_t length_of(const struct buckets *buckets)
{
    uint64_t length_ms = (uint64_t)buckets->edges[1] - (uint64_t)buckets->edges[0];
    for (uint32_t i = 1; i < buckets->n; i++)
        if ((uint64_t)buckets->edges[i + 1] - (uint64_t)buckets->edges[i] != length_ms)
            return 0;
    return length_ms;
}

static enum status make_empty(struct buckets *buckets, int64_t at_ms, struct arena *arena)
{
    *buckets = (struct buckets){ .edges = arena_alloc(arena, sizeof(buckets->edges[0])) };
    if (buckets->edges == NULL)
        return STATUS_OUT_OF_MEMORY;
    buckets->edges[0] = at_ms;
    return STATUS_OK;
}

enum status buckets_make(struct buckets *buckets, const struct cut *cut, struct plan_bucket *length,
                         struct arena *arena)
{
    if (cut->from_ms >= cut->to_ms)
        return make_empty(buckets, cut->from_ms, arena);
    *buckets = (struct buckets){ 0 };
    buckets->n = plan_edges(cut->zone, length, cut->from_ms, cut->to_ms, arena, &buckets->edges);
    if (buckets->n == 0)
        return STATUS_QUERY_TOO_LARGE;
    if (buckets->edges == NULL)
        return STATUS_OUT_OF_MEMORY;
    buckets->length_ms = length_of(buckets);
    return STATUS_OK;
}

static uint32_t search(const struct buckets *buckets, int64_t timestamp_ms)
{
    uint32_t low = 0, high = buckets->n; /* edges[low] <= timestamp_ms < edges[high] */
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (buckets->edges[middle] <= timestamp_ms)
            low = middle;
        else
            high = middle;
    }
    return low;
}

uint32_t buckets_find(const struct buckets *buckets, int64_t timestamp_ms)
{
    if (buckets->n <= 1 || timestamp_ms < buckets->edges[0])
        return 0;
    if (buckets->length_ms == 0)
        return search(buckets, timestamp_ms);
    uint64_t at = ((uint64_t)timestamp_ms - (uint64_t)buckets->edges[0]) / buckets->length_ms;
    return at < buckets->n ? (uint32_t)at : buckets->n - 1;
}
