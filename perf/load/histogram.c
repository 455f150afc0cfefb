/* SPDX-License-Identifier: MIT */
/* histogram: bucket i of the first 2048 holds the value i. From there on, each power of two has 1024 buckets: the
 * ten bits below the leading one say which. */
#include "histogram.h"

#include <math.h>
#include <string.h>

enum { LINEAR = 2 * HISTOGRAM_HALF, LINEAR_BITS = 11 };

/* How far a value is shifted right so that 11 bits are left. */
static unsigned shift_of(uint64_t value)
{
    unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
    return bits <= LINEAR_BITS ? 0 : bits - LINEAR_BITS;
}

static unsigned bucket_of(uint64_t value)
{
    unsigned shift = shift_of(value);
    uint64_t bucket = (uint64_t)shift * HISTOGRAM_HALF + (value >> shift);
    return bucket < HISTOGRAM_BUCKETS ? (unsigned)bucket : HISTOGRAM_BUCKETS - 1;
}

static uint64_t highest_of(unsigned bucket)
{
    unsigned shift = bucket < LINEAR ? 0 : bucket / HISTOGRAM_HALF - 1;
    uint64_t top = bucket - (uint64_t)shift * HISTOGRAM_HALF;
    return ((top + 1) << shift) - 1;
}

void histogram_reset(struct histogram *histogram)
{
    memset(histogram, 0, sizeof(*histogram));
}

void histogram_record(struct histogram *histogram, uint64_t value_ns)
{
    histogram->counts[bucket_of(value_ns)]++;
    histogram->total++;
    if (value_ns > histogram->max)
        histogram->max = value_ns;
    histogram->sum += (double)value_ns;
    histogram->squares += (double)value_ns * (double)value_ns;
}

void histogram_add(struct histogram *histogram, const struct histogram *other)
{
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        histogram->counts[i] += other->counts[i];
    histogram->total += other->total;
    if (other->max > histogram->max)
        histogram->max = other->max;
    histogram->sum += other->sum;
    histogram->squares += other->squares;
}

/* Rank ceil(percent of total), at least the first; a hair is taken off so that 99.9 % of 1,000 is 999, not 1,000. */
static uint64_t rank_of(const struct histogram *histogram, double percent)
{
    double exact = percent / 100 * (double)histogram->total;
    uint64_t rank = (uint64_t)ceil(exact - 1e-9 * exact);
    return rank < 1 ? 1 : rank > histogram->total ? histogram->total : rank;
}

uint64_t histogram_percentile(const struct histogram *histogram, double percent)
{
    if (histogram->total == 0)
        return 0;
    uint64_t rank = rank_of(histogram, percent), seen = 0;
    unsigned bucket = 0;
    while ((seen += histogram->counts[bucket]) < rank)
        bucket++;
    uint64_t value = bucket == HISTOGRAM_BUCKETS - 1 ? histogram->max : highest_of(bucket);
    return value < histogram->max ? value : histogram->max;
}

double histogram_mean(const struct histogram *histogram)
{
    return histogram->total == 0 ? 0 : histogram->sum / (double)histogram->total;
}

double histogram_deviation(const struct histogram *histogram)
{
    double mean = histogram_mean(histogram);
    double variance = histogram->total == 0 ? 0 : histogram->squares / (double)histogram->total - mean * mean;
    return variance > 0 ? sqrt(variance) : 0;
}

uint64_t histogram_count_to(const struct histogram *histogram, uint64_t value_ns)
{
    uint64_t n = 0;
    for (unsigned bucket = 0, last = bucket_of(value_ns); bucket <= last; bucket++)
        n += histogram->counts[bucket];
    return n;
}
