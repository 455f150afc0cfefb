/* SPDX-License-Identifier: MIT */
/* plan_own: what the sources of a plan share. */
#pragma once

#include <telemetry/plan.h>

enum { PLAN_UNITS_MAX = 100000 }; /* in one bucket */

/* Puts a bucket in its one form: 60s is 1m, 7d is 1w, 12mo is 1y. */
void plan_bucket_settle(struct plan_bucket *bucket);

/* The shortest of the usual lengths that makes at most max buckets of [from_ms, to_ms). */
struct plan_bucket plan_bucket_choose(const struct zone *zone, int64_t from_ms, int64_t to_ms, uint32_t max);

/* How many buckets [from_ms, to_ms) has; max + 1 when there are more than max. */
uint32_t plan_bucket_count(const struct zone *zone, struct plan_bucket bucket, int64_t from_ms, int64_t to_ms,
                           uint32_t max);

static inline bool plan_range_closed(int64_t from_ms, int64_t to_ms)
{
    return from_ms != INT64_MIN && to_ms != INT64_MAX;
}
