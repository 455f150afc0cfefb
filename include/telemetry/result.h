/* SPDX-License-Identifier: MIT */
/* result: what the store worked out for a plan. All of it lies in the arena of the job that carries it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <telemetry/plan.h>
#include <telemetry/slice.h>

/* values[(group * n_buckets + bucket) * plan->n_measures + measure]; NAN where there is none: no metric, and the
 * measure is not one that counts (those are 0). */
struct result {
    uint32_t n_groups;    /* in the order of the answer; 1 without grouping */
    uint32_t n_buckets;   /* 1 without buckets */
    struct slice *groups; /* names or tags; NULL without grouping */
    int64_t *edges;       /* n_buckets + 1 of them; NULL without buckets. When buckets are ranked, NULL and: */
    int64_t (*spans)[2];  /* [start, end) of each bucket, in the order of the answer; else NULL */
    double *values;
    double *previous;       /* of the range compared with, in the same places; NULL when the plan does not compare */
    int64_t from_ms, to_ms; /* the range, with open ends closed by the first and the last metric; equal when none */
    uint64_t n_metrics;     /* that passed the filter */
    uint64_t n_groups_all;  /* before ranking cut them */
    bool approximate;       /* some measure is from a sketch: within 1 % */
};
