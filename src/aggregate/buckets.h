/* SPDX-License-Identifier: MIT */
/* buckets: from a timestamp to its bucket. One division where all are of one length, else a binary search. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <telemetry/status.h>

struct arena;
struct plan_bucket;
struct zone;

/* What is cut into buckets: [from_ms, to_ms), by the wall clock of a zone. */
struct cut {
    const struct zone *zone;
    int64_t from_ms, to_ms;
};

struct buckets {
    uint32_t n;         /* at least 1, but 0 over a range that turned out to be empty */
    int64_t *edges;     /* n + 1; NULL when the plan has no buckets */
    uint64_t length_ms; /* of each; 0: they differ */
};

/* One bucket for everything. */
void buckets_none(struct buckets *buckets);
/* Buckets of this length, edges in arena; none when from_ms == to_ms. A length that is AUTO is made one.
 * STATUS_QUERY_TOO_LARGE, STATUS_OUT_OF_MEMORY. */
MUST_CHECK enum status buckets_make(struct buckets *buckets, const struct cut *cut, struct plan_bucket *length,
                                    struct arena *arena);
/* Timestamps outside fall into the first or the last. There is one. */
uint32_t buckets_find(const struct buckets *buckets, int64_t timestamp_ms);
