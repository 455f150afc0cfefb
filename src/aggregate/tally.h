/* SPDX-License-Identifier: MIT */
/* tally: one plan while it is being answered: groups, buckets of time, and a cell for each of both, into
 * which metrics fall one by one or worked out beforehand by the store. Pure: it reads no store.
 *
 *   tally = tally_new(plan, max_bytes)
 *   for each turn:                           (2 when the plan compares, else 1)
 *       tally_turn()                         the range to read now
 *       tally_extent(), if it is asked for   buckets of an open range: from the first to the last metric
 *       tally_series() or tally_group(), then tally_add() or tally_merge() for it
 *   tally_finish()                           the result, in the job's arena
 *   tally_free()
 *
 * A cell keeps only what the plan's measures need. Sums are compensated (Neumaier), deviations are
 * Welford's and are merged as Chan, Golub and LeVeque do; quantiles are exact up to VALUES_EXACT values of a
 * cell (quantile.h), distinct values up to DISTINCT_EXACT (distinct.h), and come from sketches beyond.
 *
 * All memory counts against max_bytes. Failures stay: once a call has failed all later ones fail, and
 * tally_finish() tells why, so it is enough to stop at the first. One thread's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <telemetry/plan.h>
#include <telemetry/result.h>
#include <telemetry/status.h>

struct arena;
struct tally;

/* What the measures of a plan need of each metric, besides being counted: bits. */
enum {
    TALLY_SUM = 1,
    TALLY_EXTREMES = 2, /* least and greatest value */
    TALLY_SPREAD = 4,   /* mean and sum of squared differences from it */
    TALLY_ENDS = 8,     /* timestamp, tie and value: not to be had from moments */
    TALLY_VALUES = 16,  /* each value: not to be had from moments */
    TALLY_NAMES = 32,   /* the name */
    TALLY_TAGS = 64     /* the tags */
};

/* The handle of all metrics when tally_needs_series() is false. */
enum { TALLY_ANY_SERIES = 0 };

/* One metric that passes the filter. */
struct sample {
    int64_t timestamp_ms;
    double value;
    uint64_t tie;      /* the store's order among equal timestamps: first this, */
    uint32_t tie_next; /* then this */
};

/* Metrics of one group and bucket, worked out by the store. Members that tally_needs() does not name need
 * not be set. */
struct moments {
    uint64_t count;
    double sum, min, max;
    double mean, m2; /* m2: sum of (value - mean)^2, which is count * (population's deviation)^2 */
};

/* Gives a tally of a settled plan, which it keeps; NULL without memory. */
MUST_CHECK struct tally *tally_new(const struct plan *plan, size_t max_bytes);
/* Nulls *tally. */
void tally_free(struct tally **tally);

/* Bits of what is needed. */
unsigned tally_needs(const struct tally *tally);
/* Whether metrics must come under the handle of their series or group. */
bool tally_needs_series(const struct tally *tally);

/* Range and buckets ------------------------------------------------------- */
/* Begins the next turn: true with the range [*ret_from_ms, *ret_to_ms) to read, open ends as in the filter;
 * false when all turns are done. In the second turn metrics of groups that the first one did not have
 * are passed over; the one group without grouping is there in any case. Handles of the first turn are void. */
MUST_CHECK bool tally_turn(struct tally *tally, int64_t *ret_from_ms, int64_t *ret_to_ms);
/* Whether the turn's buckets wait for tally_extent(), before the first metric. */
bool tally_wants_extent(const struct tally *tally);
/* The timestamps of the first and the last metric of the turn that pass the filter; first > last: none. */
MUST_CHECK bool tally_extent(struct tally *tally, int64_t first_ms, int64_t last_ms);
/* Lends the edges of the turn's buckets, until tally_free(): bucket i is [edges[i], edges[i + 1]). Returns how many
 * buckets; 0 with *ret_edges NULL when the plan has none. */
uint32_t tally_edges(const struct tally *tally, const int64_t **ret_edges);

/* Metrics ----------------------------------------------------------------- */
/* The handle of a series, by its bytes (metric.h). The same bytes give the same handle, until tally_epoch() moves. */
MUST_CHECK bool tally_series(struct tally *tally, struct slice series, uint32_t *ret_handle);
/* The handle of all metrics of one group, for a store that groups by itself. */
MUST_CHECK bool tally_group(struct tally *tally, struct slice group, uint32_t *ret_handle);
/* Moves when groups were dropped to make room (TOP of counts): handles asked for before are void. Only
 * tally_series(), tally_group() and tally_turn() move it. */
uint32_t tally_epoch(const struct tally *tally);

/* Adds one metric that passes the filter and lies in the turn's range. */
MUST_CHECK bool tally_add(struct tally *tally, uint32_t handle, const struct sample *sample);
/* Adds metrics of one bucket, in which timestamp_ms lies (any, without buckets). They are not counted as metrics that
 * passed the filter, since each may be in several groups: tally_seen() does that. */
MUST_CHECK bool tally_merge(struct tally *tally, uint32_t handle, int64_t timestamp_ms, const struct moments *moments);
/* Counts metrics that passed the filter and came, or will come, through tally_merge(). first_ms and last_ms
 * count for open ranges only. */
void tally_seen(struct tally *tally, uint64_t n, int64_t first_ms, int64_t last_ms);

/* Result ------------------------------------------------------------------ */
/* STATUS_OK with *ret_result in arena; else STATUS_QUERY_TOO_LARGE or STATUS_OUT_OF_MEMORY, with *ret_detail a sentence
 * in static memory that says what to narrow. */
enum status tally_finish(struct tally *tally, struct arena *arena, struct result **ret_result,
                         struct slice *ret_detail);
