/* SPDX-License-Identifier: MIT */
/* plan: one validated question about metrics, whatever it was asked in.
 *
 * Parameters of /metrics/aggregate, prompts and plans sent as JSON all become this. It has no field that
 * reaches SQL or BSON but as a bound value. Which metrics: the filter's name, tags, values and range
 * [from, to); its limit, order and position do not count. They fall into groups and buckets of time, and
 * each measure is worked out for each group and bucket. A metric belongs to the group of each tag it has
 * (that begins with tag_prefix); one without such a tag belongs to none. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <telemetry/arena.h>
#include <telemetry/filter.h>
#include <telemetry/zone.h>

enum {
    PLAN_MEASURES_MAX = 8,
    PLAN_K_DEFAULT = 10,
    PLAN_K_MAX = 1000,
    PLAN_BUCKETS_MAX = 10000, /* of one series */
    PLAN_AUTO_BUCKETS = 300   /* what automatic buckets aim at, at most */
};

/* What a plan asks for. TOP and BOTTOM rank by the first measure and keep k: groups, or with no grouping
 * the buckets; groups that rank alike stand in the order of their names, buckets in that of time. */
enum plan_op { PLAN_AGGREGATE, PLAN_TOP, PLAN_BOTTOM };

/* X(symbol, name). A median is the quantile 50. */
#define PLAN_AGGREGATES(X)                                                                                             \
    X(COUNT, "count") /* metrics */                                                                                    \
    X(SUM, "sum")     /* of the values, as are the following */                                                        \
    X(AVG, "avg")                                                                                                      \
    X(MIN, "min")                                                                                                      \
    X(MAX, "max")                                                                                                      \
    X(STDDEV, "stddev")     /* of the population */                                                                    \
    X(QUANTILE, "p")        /* p0..p100, also p99.9: the value of rank ceil(p/100 * n), the least one for p0 */        \
    X(RATE, "rate")         /* metrics per second of the range or bucket; of open ranges, from first to last */        \
    X(DISTINCT, "distinct") /* different values */                                                                     \
    X(FIRST, "first")       /* value of the earliest metric, in the store's order of lists */                          \
    X(LATEST, "latest")     /* value of the newest one */                                                              \
    X(NAMES, "names")       /* different names */                                                                      \
    X(TAGS, "tags")         /* different tags; with tag_prefix, of those that begin with it */

enum plan_aggregate {
#define PLAN_MEMBER(symbol, name) AGGREGATE_##symbol,
    PLAN_AGGREGATES(PLAN_MEMBER)
#undef PLAN_MEMBER
        AGGREGATE_COUNT_OF
};

struct plan_measure {
    uint8_t aggregate;   /* enum plan_aggregate */
    uint32_t hundredths; /* QUANTILE: hundredths of a percent, 0..10000 (p99.9 is 9990); else 0 */
};

enum plan_group { GROUP_NONE, GROUP_NAME, GROUP_TAG };

/* Length of buckets. Those of DAY and longer follow the wall clock of the plan's zone: weeks begin on Monday, a day
 * that the zone skips is no bucket, and several units in one bucket are counted from 1970-01-01 (days, weeks) or the
 * year 0, so that they lie alike whatever the range. Shorter ones are of fixed length, aligned to local midnight of the
 * range's first day. */
enum plan_unit {
    UNIT_NONE,
    UNIT_AUTO, /* the shortest of the usual lengths that makes at most PLAN_AUTO_BUCKETS: 1s 5s 10s 15s 30s 1m 5m 10m
                * 15m 30m 1h 2h 3h 6h 12h 1d 1w 1mo 1q 1y 10y 100y */
    UNIT_SECOND,
    UNIT_MINUTE,
    UNIT_HOUR,
    UNIT_DAY,
    UNIT_WEEK,
    UNIT_MONTH,
    UNIT_QUARTER,
    UNIT_YEAR
};

struct plan_bucket {
    uint8_t unit;   /* enum plan_unit */
    uint32_t count; /* of units in a bucket, 1..100000; 1 for NONE and AUTO */
};

struct plan {
    uint8_t op;       /* enum plan_op */
    uint8_t group_by; /* enum plan_group */
    uint8_t n_measures;
    bool trend;   /* tell also whether the first measure rises or falls over the buckets */
    bool compare; /* work all out for [compare_from, compare_to) too */
    uint32_t k;   /* TOP, BOTTOM: how many; 0 is settled to PLAN_K_DEFAULT. Else 0 */
    struct plan_measure measures[PLAN_MEASURES_MAX];
    struct slice tag_prefix; /* GROUP_TAG: "host:", or empty for all tags */
    struct plan_bucket bucket;
    const struct zone *zone; /* never NULL in a validated plan */
    struct filter filter;
    int64_t compare_from_ms, compare_to_ms; /* both closed */
};

/* A plan that counts all metrics, in this zone. */
void plan_init(struct plan *plan, const struct zone *zone);

/* Puts a plan in its one normal form and checks it: lists of tags sorted, measures without doubles in the order asked
 * for, lengths in the largest unit (60s is 1m, 7d is 1w, 12mo is 1y, but 24h is not 1d), AUTO of a closed range made a
 * length, a trend without buckets given AUTO, all of the filter that only lists have as filter_init() makes it.
 * NULL, or a sentence that says what is wrong and what would do, static or in arena: an end that is not before the
 * other, times outside of METRIC_TIMESTAMP_MIN..MAX, ranks of nothing, a range with more than PLAN_BUCKETS_MAX buckets,
 * what the JSON form cannot say (a name that ends with *, the tag beginnings "name" and "tag"), and the like. Settling
 * a settled plan changes nothing. */
const char *plan_settle(struct plan *plan, struct arena *arena);

/* The canonical bytes of a settled plan: equal for equal questions, and nothing else. Data is NULL when
 * memory is exhausted. */
struct slice plan_canonical(const struct plan *plan, struct arena *arena);

/* Appends the JSON form of a settled plan (docs/query.md); reading it back gives the same canonical bytes. */
void plan_json(const struct plan *plan, struct text *out);

/* Appends one English sentence that says what a settled plan asks, with its absolute range by the wall clock. */
void plan_english(const struct plan *plan, struct text *out);

/* The name of a measure ("avg", "p99.9"), appended; and read: false when there is none of this name. "median" is read
 * as p50, and p50 is its name. */
void plan_measure_append(const struct plan_measure *measure, struct text *out);
bool plan_measure_parse(struct slice name, struct plan_measure *ret_measure);
/* "10s", "5m", "1h", "1d", "1w", "1mo", "1q", "1y", "auto", and the like; of NONE nothing is appended. */
bool plan_bucket_parse(struct slice text, struct plan_bucket *ret_bucket);
void plan_bucket_append(const struct plan_bucket *bucket, struct text *out);

/* Edges of the buckets over [from_ms, to_ms), both closed and from < to: edges[0..n], edges[0] <= from_ms and
 * edges[n] >= to_ms, bucket i is [edges[i], edges[i+1]), and edges rise. They end with RFC 3339, in the years 0001 and
 * 9999. An AUTO bucket is made a length first, in *bucket. Gives them in arena and returns n; 0 when there would be
 * more than PLAN_BUCKETS_MAX. *ret_edges is NULL then, and when there is no memory. */
uint32_t plan_edges(const struct zone *zone, struct plan_bucket *bucket, int64_t from_ms, int64_t to_ms,
                    struct arena *arena, int64_t **ret_edges);
