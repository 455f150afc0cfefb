/* SPDX-License-Identifier: MIT */
/* trend: whether a measure rises or falls over the buckets of a result. Pure: any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct result;

enum trend_direction { TREND_FLAT, TREND_RISING, TREND_FALLING };

/* Below this the fitted change from the first to the last bucket is flat: in percent of the mean size of the values. */
#define TREND_FLAT_PERCENT 5.0
/* And so is a slope that is less than this many times its standard error: what chance alone may do. */
#define TREND_FLAT_ERRORS 2.0

/* The line of least squares through the middles of the buckets. */
struct trend {
    enum trend_direction direction;
    double slope_per_hour; /* NAN when it is no finite number */
    double change_percent; /* from the first fitted value to the last; NAN when the first is 0 */
    uint32_t n_buckets;    /* that have a value and count */
};

/* The trend of the first of n_measures in a group of a result with edges, of any number of buckets. Buckets without a
 * value (NAN) do not count, nor do the first and the last one where the range covers them in part, while two others are
 * left. False when fewer than two count. */
bool trend_of(const struct result *result, unsigned n_measures, uint32_t group, struct trend *ret_trend);
