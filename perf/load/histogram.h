/* SPDX-License-Identifier: MIT */
/* histogram: counts of nanoseconds in buckets as HdrHistogram cuts them, with three significant digits.
 *
 * Values below 2048 ns have a bucket each; above that a bucket is as wide as a 1024th of the power of two it lies
 * in, so no value is off by more than 0.1 %. Values beyond the last bucket (36 minutes) are counted in it; max and
 * mean stay exact. About 250 KiB, allocated by its owner: recording never fails and never allocates.
 * Method: Gil Tene, http://hdrhistogram.org. */
#pragma once

#include <stdint.h>

enum {
    HISTOGRAM_HALF = 1024, /* buckets in each power of two: 10 bits, three significant digits */
    HISTOGRAM_POWERS = 30, /* beyond the first 2048 values: up to 2^41 ns */
    HISTOGRAM_BUCKETS = HISTOGRAM_HALF * (HISTOGRAM_POWERS + 2)
};

struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t total, max;
    double sum, squares; /* of the exact values */
};

/* All zero is an empty histogram; this makes it so again. */
void histogram_reset(struct histogram *histogram);

void histogram_record(struct histogram *histogram, uint64_t value_ns);

/* Adds the counts of `other`. Borrows it. */
void histogram_add(struct histogram *histogram, const struct histogram *other);

/* The largest value that its bucket may hold, of the value that so many percent of all are not above; never more
 * than the exact maximum. 0 when empty. */
uint64_t histogram_percentile(const struct histogram *histogram, double percent);

double histogram_mean(const struct histogram *histogram);
double histogram_deviation(const struct histogram *histogram);

/* How many values are in the bucket of this one and in those below it. */
uint64_t histogram_count_to(const struct histogram *histogram, uint64_t value_ns);
