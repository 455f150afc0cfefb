/* SPDX-License-Identifier: MIT */
/* percentiles: which ones are told, and the curve of all of them. */
#pragma once

#include "histogram.h"

/* The columns of the table and the members of the JSON. */
extern const double percentiles[];
extern const unsigned n_percentiles;

/* One step of the curve: so many of all values are not above this one. */
struct point {
    double percent;
    uint64_t value_ns, n_values;
};

enum { POINTS_MAX = 512 };

/* The curve as HdrHistogram prints it: five steps until half of the rest is passed, then again, up to all values.
 * Returns how many points; 0 for an empty histogram. */
unsigned percentile_curve(const struct histogram *histogram, struct point ret_points[POINTS_MAX]);
