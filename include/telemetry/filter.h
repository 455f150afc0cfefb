/* SPDX-License-Identifier: MIT */
/* filter: which metrics a list holds, in which order, and from where on. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <telemetry/metric.h>
#include <telemetry/slice.h>

enum {
    FILTER_TAGS_MAX = METRIC_TAGS_MAX, /* of each of the three kinds */
    FILTER_LIMIT_DEFAULT = 100,
    FILTER_LIMIT_MAX = 1000
};

/* A place between two metrics of a list: behind the one with this timestamp and tie. */
struct list_position {
    int64_t timestamp_ms;
    uint8_t tie[METRIC_ID_BYTES]; /* the store's own order among equal timestamps; opaque outside it */
};

struct filter {
    struct slice name;   /* empty: any name; else at most METRIC_NAME_MAX bytes */
    bool name_is_prefix; /* `cpu.*` was asked for; name then holds `cpu.` and may be empty */
    uint8_t n_tags, n_any_tags, n_not_tags;
    bool ascending; /* by timestamp; false: newest first */
    bool has_after;
    uint32_t limit;             /* 1..FILTER_LIMIT_MAX */
    struct slice *tags;         /* a metric has all of them; sorted, no doubles */
    struct slice *any_tags;     /* and at least one of them, when there are any; sorted, no doubles */
    struct slice *not_tags;     /* and none of them; sorted, no doubles */
    int64_t from_ms, to_ms;     /* from_ms <= timestamp < to_ms; INT64_MIN and INT64_MAX when open */
    bool from_moves, to_moves;  /* written with `now`: the next page asks with another from_ms */
    double min, max;            /* min <= value <= max; -INFINITY and INFINITY when open */
    struct list_position after; /* when has_after: only what comes later in the order */
};
