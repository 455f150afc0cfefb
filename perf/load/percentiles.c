/* SPDX-License-Identifier: MIT */
#include "percentiles.h"

#include <math.h>

enum { STEPS_IN_HALF = 5 };

const double percentiles[] = { 50, 75, 90, 95, 99, 99.9, 99.99 };
const unsigned n_percentiles = sizeof(percentiles) / sizeof(percentiles[0]);

static double step_at(double percent)
{
    double halves = floor(log2(100 / (100 - percent))) + 1;
    return 100 / (STEPS_IN_HALF * pow(2, halves));
}

unsigned percentile_curve(const struct histogram *histogram, struct point ret_points[POINTS_MAX])
{
    unsigned n = 0;
    double percent = 0;
    if (histogram->total == 0)
        return 0;
    for (; n < POINTS_MAX - 1; percent += step_at(percent), n++) {
        struct point point = { .percent = percent, .value_ns = histogram_percentile(histogram, percent) };
        point.n_values = histogram_count_to(histogram, point.value_ns);
        if (point.n_values == histogram->total)
            break;
        ret_points[n] = point;
    }
    ret_points[n++] = (struct point){ 100, histogram->max, histogram->total };
    return n;
}
