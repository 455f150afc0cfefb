/* SPDX-License-Identifier: MIT */
#include "sketch.h"

#include <math.h>
#include <string.h>

#include "pool.h"

enum { SIDE_MARGIN = 64 }; /* buckets made beside one that is asked for */

static double log_gamma(void)
{
    return log1p(2 * SKETCH_ERROR / (1 - SKETCH_ERROR));
}

static int32_t bucket_of(double magnitude)
{
    return (int32_t)ceil(log(magnitude) / log_gamma());
}

/* What stands for a bucket: 2 gamma^i / (gamma + 1), which is as far from both its ends. */
static double value_of(int32_t bucket)
{
    return exp(bucket * log_gamma() + log1p(-SKETCH_ERROR));
}

/* Makes the side hold the buckets first..last, and some beside them in the direction in which it grows. */
static bool side_cover(struct sketch_side *side, struct pool *pool, int32_t first, int32_t last)
{
    int32_t side_last = side->first + (int32_t)side->n - 1;
    if (side->n > 0 && first >= side->first && last <= side_last)
        return true;
    int32_t more = SIDE_MARGIN + (int32_t)side->n / 2;
    first = side->n > 0 && first >= side->first ? side->first : first - more;
    last = side->n > 0 && last <= side_last ? side_last : last + more;
    first = first < SKETCH_BUCKET_FIRST ? SKETCH_BUCKET_FIRST : first;
    last = last > SKETCH_BUCKET_LAST ? SKETCH_BUCKET_LAST : last;
    uint32_t n = (uint32_t)(last - first + 1);
    uint64_t *counts = pool_alloc(pool, n * sizeof(counts[0]));
    if (counts == NULL)
        return false;
    if (side->n > 0)
        memcpy(counts + (side->first - first), side->counts, side->n * sizeof(counts[0]));
    pool_free(pool, side->counts);
    *side = (struct sketch_side){ first, n, counts };
    return true;
}

static bool side_add(struct sketch_side *side, struct pool *pool, double magnitude)
{
    int32_t bucket = bucket_of(magnitude);
    if (!side_cover(side, pool, bucket, bucket))
        return false;
    side->counts[bucket - side->first]++;
    return true;
}

static bool side_merge(struct sketch_side *side, struct pool *pool, const struct sketch_side *other)
{
    if (other->n == 0)
        return true;
    if (!side_cover(side, pool, other->first, other->first + (int32_t)other->n - 1))
        return false;
    uint64_t *counts = side->counts + (other->first - side->first);
    for (uint32_t i = 0; i < other->n; i++)
        counts[i] += other->counts[i];
    return true;
}

bool sketch_add(struct sketch *sketch, struct pool *pool, double value)
{
    if (value == 0)
        sketch->n_zero++;
    else if (!side_add(value > 0 ? &sketch->positive : &sketch->negative, pool, fabs(value)))
        return false;
    sketch->min = sketch->n == 0 || value < sketch->min ? value : sketch->min;
    sketch->max = sketch->n == 0 || value > sketch->max ? value : sketch->max;
    sketch->n++;
    return true;
}

bool sketch_merge(struct sketch *sketch, struct pool *pool, const struct sketch *other)
{
    if (other->n == 0)
        return true;
    if (!side_merge(&sketch->positive, pool, &other->positive) ||
        !side_merge(&sketch->negative, pool, &other->negative))
        return false;
    sketch->min = sketch->n == 0 || other->min < sketch->min ? other->min : sketch->min;
    sketch->max = sketch->n == 0 || other->max > sketch->max ? other->max : sketch->max;
    sketch->n_zero += other->n_zero;
    sketch->n += other->n;
    return true;
}

void sketch_clear(struct sketch *sketch, struct pool *pool)
{
    pool_free(pool, sketch->positive.counts);
    pool_free(pool, sketch->negative.counts);
    *sketch = (struct sketch){ 0 };
}

static double negative_rank(const struct sketch_side *side, uint64_t rank)
{
    uint32_t i = side->n;
    for (uint64_t below = 0; i > 0 && below < rank; i--)
        below += side->counts[i - 1];
    return -value_of(side->first + (int32_t)i);
}

static double positive_rank(const struct sketch_side *side, uint64_t rank)
{
    uint32_t i = 0;
    for (uint64_t below = 0; i < side->n && below < rank; i++)
        below += side->counts[i];
    return value_of(side->first + (int32_t)i - 1);
}

static uint64_t side_total(const struct sketch_side *side)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < side->n; i++)
        total += side->counts[i];
    return total;
}

double sketch_rank(const struct sketch *sketch, uint64_t rank)
{
    uint64_t n_negative = side_total(&sketch->negative);
    double value = 0;
    if (rank <= 1)
        return sketch->min;
    if (rank >= sketch->n)
        return sketch->max;
    if (rank <= n_negative)
        value = negative_rank(&sketch->negative, rank);
    else if (rank > n_negative + sketch->n_zero)
        value = positive_rank(&sketch->positive, rank - n_negative - sketch->n_zero);
    return fmin(fmax(value, sketch->min), sketch->max);
}
