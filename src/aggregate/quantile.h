/* SPDX-License-Identifier: MIT */
/* quantile: values of which quantiles are asked. All are kept up to VALUES_EXACT, and beyond, or when less than
 * half of the budget is left, a sketch of them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <telemetry/status.h>

#include "sketch.h"

struct pool;

enum {
    VALUES_EXACT = 4096,
    VALUES_FEW = 256 /* so many are kept whatever is left of the budget */
};

/* All zeroes: empty. Its memory is the pool's. */
struct quantile {
    uint32_t n, capacity; /* of values; n is 0 when there is a sketch */
    bool sorted;
    double *values;
    struct sketch *sketch; /* or NULL */
};

/* Both: false when the pool is exhausted; what there was is then of no use. */
MUST_CHECK bool quantile_add(struct quantile *quantile, struct pool *pool, double value);
MUST_CHECK bool quantile_merge(struct quantile *quantile, struct pool *pool, const struct quantile *other);
void quantile_clear(struct quantile *quantile, struct pool *pool);

/* The value of rank ceil(hundredths / 10000 * n), the least one for 0; NAN when there is none. Sorts. */
double quantile_value(struct quantile *quantile, uint32_t hundredths);
