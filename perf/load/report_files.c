/* SPDX-License-Identifier: MIT */
/* report_files: the percentile distribution in HdrHistogram's own text, and the seconds of a run as a table. */
#include <inttypes.h>

#include "percentiles.h"
#include "report.h"

static const double ms = 1e6;

void report_hgrm(FILE *file, const struct histogram *histogram)
{
    struct point points[POINTS_MAX];
    unsigned n = percentile_curve(histogram, points);
    fprintf(file, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
    for (unsigned i = 0; i < n; i++) {
        fprintf(file, "%12.3f %2.12f %10" PRIu64, (double)points[i].value_ns / ms, points[i].percent / 100,
                points[i].n_values);
        if (points[i].percent < 100)
            fprintf(file, " %14.2f", 1 / (1 - points[i].percent / 100));
        fputc('\n', file);
    }
    fprintf(file, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n", histogram_mean(histogram) / ms,
            histogram_deviation(histogram) / ms);
    fprintf(file, "#[Max     = %12.3f, Total count    = %12" PRIu64 "]\n", (double)histogram->max / ms,
            histogram->total);
    fprintf(file, "#[Buckets = %12d, SubBuckets     = %12d]\n", HISTOGRAM_POWERS + 1, 2 * HISTOGRAM_HALF);
}

void report_intervals(FILE *file, const struct result *result)
{
    fprintf(file, "second\tanswered\terrors\twaiting\tp50_ms\tp99_ms\tp99.9_ms\tmax_ms\n");
    for (unsigned i = 0; i < result->n_intervals; i++) {
        const struct interval *interval = &result->intervals[i];
        fprintf(file, "%.1f\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%.3f\t%.3f\t%.3f\t%.3f\n", interval->at_s,
                interval->n_answered, interval->n_errors, interval->backlog, (double)interval->p50_ns / ms,
                (double)interval->p99_ns / ms, (double)interval->p999_ns / ms, (double)interval->max_ns / ms);
    }
}
