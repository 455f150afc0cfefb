/* SPDX-License-Identifier: MIT */
/* trend: simple linear regression over the means, so that epoch milliseconds lose no digits. Values are divided by
 * the greatest of them first, so that no sum of squares overflows. */
#include "query/trend.h"

#include <math.h>

#include <telemetry/result.h>

#define MS_PER_HOUR 3600000.0

/* One group's buckets as points: hours from the first edge on, and the first measure. */
struct series {
    const struct result *result;
    const double *values;
    unsigned stride;
    uint32_t first, end; /* buckets that count: first <= i < end */
    double scale;        /* the greatest size of a value, or 1 */
};

static double hour_of(const struct series *series, uint32_t bucket)
{
    const int64_t *edges = series->result->edges;
    return ((double)(edges[bucket] - edges[0]) + (double)(edges[bucket + 1] - edges[0])) / 2 / MS_PER_HOUR;
}

static double value_of(const struct series *series, uint32_t bucket)
{
    return series->values[(size_t)bucket * series->stride] / series->scale;
}

static uint32_t values_between(const struct series *series, uint32_t first, uint32_t end)
{
    uint32_t n = 0;
    for (uint32_t i = first; i < end; i++)
        n += isnan(value_of(series, i)) ? 0 : 1;
    return n;
}

/* Leaves out what the range cuts, while two are left. */
static void leave_cut_ends(struct series *series)
{
    const struct result *result = series->result;
    uint32_t first = result->edges[0] < result->from_ms;
    uint32_t end = result->n_buckets - (result->edges[result->n_buckets] > result->to_ms);
    if (values_between(series, first, end) >= 2) {
        series->first = first;
        series->end = end;
    }
}

static struct series series_of(const struct result *result, unsigned n_measures, uint32_t group)
{
    struct series series = { .result = result,
                             .values = result->values + (size_t)group * result->n_buckets * n_measures,
                             .stride = n_measures,
                             .end = result->n_buckets,
                             .scale = 1 };
    double greatest = 0;
    leave_cut_ends(&series);
    for (uint32_t i = series.first; i < series.end; i++)
        greatest = fmax(greatest, fabs(value_of(&series, i))); /* of a number and NAN, the number */
    if (greatest > 0)
        series.scale = greatest;
    return series;
}

/* Sums over the points; moments are about the means. */
struct sums {
    uint32_t n;
    double x_mean, y_mean, size_mean, xx, xy, yy;
    double x_first, x_last;
};

static struct sums sums_of(const struct series *series)
{
    struct sums sums = { 0 };
    for (uint32_t i = series->first; i < series->end; i++) {
        double y = value_of(series, i), x = hour_of(series, i);
        if (isnan(y))
            continue;
        sums.x_first = sums.n == 0 ? x : sums.x_first;
        sums.x_last = x;
        sums.n++;
        sums.x_mean += (x - sums.x_mean) / sums.n;
        sums.y_mean += (y - sums.y_mean) / sums.n;
        sums.size_mean += (fabs(y) - sums.size_mean) / sums.n;
    }
    for (uint32_t i = series->first; i < series->end; i++) {
        double y = value_of(series, i) - sums.y_mean, x = hour_of(series, i) - sums.x_mean;
        if (isnan(y))
            continue;
        sums.xx += x * x;
        sums.xy += x * y;
        sums.yy += y * y;
    }
    return sums;
}

static enum trend_direction direction_of(const struct sums *sums, double slope)
{
    double change = slope * (sums->x_last - sums->x_first);
    double unexplained = fmax(0, sums->yy - slope * sums->xy);
    double error = sums->n > 2 ? sqrt(unexplained / (sums->n - 2) / sums->xx) : 0;
    if (change == 0 || fabs(change) * 100 < TREND_FLAT_PERCENT * sums->size_mean ||
        fabs(slope) < TREND_FLAT_ERRORS * error)
        return TREND_FLAT;
    return slope > 0 ? TREND_RISING : TREND_FALLING;
}

static double finite_or_nan(double number)
{
    return isfinite(number) ? number : NAN;
}

bool trend_of(const struct result *result, unsigned n_measures, uint32_t group, struct trend *ret_trend)
{
    if (result->n_buckets == 0)
        return false;
    struct series series = series_of(result, n_measures, group);
    struct sums sums = sums_of(&series);
    if (sums.n < 2)
        return false;
    double slope = sums.xy / sums.xx;
    double first = sums.y_mean + slope * (sums.x_first - sums.x_mean);
    double change = slope * (sums.x_last - sums.x_first);
    *ret_trend = (struct trend){ .direction = direction_of(&sums, slope),
                                 .slope_per_hour = finite_or_nan(slope * series.scale),
                                 .change_percent = finite_or_nan(change / fabs(first) * 100),
                                 .n_buckets = sums.n };
    return true;
}
