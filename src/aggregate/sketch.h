/* SPDX-License-Identifier: MIT */
/* sketch: quantiles of any number of values, in bounded memory: DDSketch (Masson, Rim, Lee: "DDSketch: A
 * fast and fully-mergeable quantile sketch with relative-error guarantees", VLDB 2019).
 *
 * Value x > 0 is counted in the bucket ceil(log(x) / log(gamma)), gamma = (1 + a) / (1 - a); any value of a bucket is
 * within the relative error a of the one that stands for it. Negative values have buckets of their own, zero
 * has a counter. Doubles of one sign fall into 145,424 buckets at most, of 8 bytes each, and none
 * is ever collapsed, so the error holds for every quantile of every distribution. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <telemetry/status.h>

struct pool;

#define SKETCH_ERROR 0.005

/* The buckets of the least and the greatest magnitude that a double can have, and one more. */
enum { SKETCH_BUCKET_FIRST = -74444, SKETCH_BUCKET_LAST = 70979 };

/* Counts of the buckets first..first + n - 1. */
struct sketch_side {
    int32_t first;
    uint32_t n;
    uint64_t *counts;
};

/* All zeroes: empty. Its memory is the pool's. */
struct sketch {
    uint64_t n, n_zero;
    double min, max;
    struct sketch_side positive, negative; /* the latter by the values' magnitudes */
};

/* False when the pool is exhausted; the sketch is then as it was. */
MUST_CHECK bool sketch_add(struct sketch *sketch, struct pool *pool, double value);
/* Adds all that is in other. False when the pool is exhausted; the sketch is then of no use. */
MUST_CHECK bool sketch_merge(struct sketch *sketch, struct pool *pool, const struct sketch *other);
void sketch_clear(struct sketch *sketch, struct pool *pool);

/* The value of rank 1..n, in ascending order, within SKETCH_ERROR of the true one; the first and the last are exact. */
double sketch_rank(const struct sketch *sketch, uint64_t rank);
