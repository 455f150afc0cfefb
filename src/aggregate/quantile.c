/* SPDX-License-Identifier: MIT */
#include "quantile.h"

#include <math.h>
#include <stdlib.h>

#include "pool.h"

enum { VALUES_FIRST = 8, HUNDREDTHS = 10000 };

static bool become_sketch(struct quantile *quantile, struct pool *pool)
{
    struct sketch *sketch = pool_alloc(pool, sizeof(*sketch));
    if (sketch == NULL)
        return false;
    for (uint32_t i = 0; i < quantile->n; i++)
        if (!sketch_add(sketch, pool, quantile->values[i]))
            return false;
    pool_free(pool, quantile->values);
    *quantile = (struct quantile){ .sketch = sketch };
    return true;
}

/* Makes room for one more value, or a sketch. */
static bool make_room(struct quantile *quantile, struct pool *pool)
{
    uint32_t capacity = quantile->capacity == 0 ? VALUES_FIRST : 2 * quantile->capacity;
    size_t bytes = capacity * sizeof(quantile->values[0]);
    if (capacity > VALUES_EXACT || (capacity > VALUES_FEW && !pool_has_room(pool, bytes, 2)))
        return become_sketch(quantile, pool);
    double *values = pool_grow(pool, quantile->values, quantile->n * sizeof(values[0]), bytes);
    if (values == NULL)
        return false;
    quantile->values = values;
    quantile->capacity = capacity;
    return true;
}

bool quantile_add(struct quantile *quantile, struct pool *pool, double value)
{
    if (quantile->sketch == NULL && quantile->n == quantile->capacity && !make_room(quantile, pool))
        return false;
    if (quantile->sketch != NULL)
        return sketch_add(quantile->sketch, pool, value);
    quantile->values[quantile->n++] = value;
    quantile->sorted = false;
    return true;
}

bool quantile_merge(struct quantile *quantile, struct pool *pool, const struct quantile *other)
{
    if (other->sketch != NULL && quantile->sketch == NULL && !become_sketch(quantile, pool))
        return false;
    if (other->sketch != NULL)
        return sketch_merge(quantile->sketch, pool, other->sketch);
    for (uint32_t i = 0; i < other->n; i++)
        if (!quantile_add(quantile, pool, other->values[i]))
            return false;
    return true;
}

void quantile_clear(struct quantile *quantile, struct pool *pool)
{
    if (quantile->sketch != NULL)
        sketch_clear(quantile->sketch, pool);
    pool_free(pool, quantile->sketch);
    pool_free(pool, quantile->values);
    *quantile = (struct quantile){ 0 };
}

static int compare_values(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* ceil(hundredths * n / 10000) without overflow, at least 1. */
static uint64_t rank_of(uint32_t hundredths, uint64_t n)
{
    uint64_t rank = n / HUNDREDTHS * hundredths + (n % HUNDREDTHS * hundredths + HUNDREDTHS - 1) / HUNDREDTHS;
    return rank == 0 ? 1 : rank;
}

double quantile_value(struct quantile *quantile, uint32_t hundredths)
{
    if (quantile->sketch != NULL)
        return sketch_rank(quantile->sketch, rank_of(hundredths, quantile->sketch->n));
    if (quantile->n == 0)
        return NAN;
    if (!quantile->sorted)
        qsort(quantile->values, quantile->n, sizeof(quantile->values[0]), compare_values);
    quantile->sorted = true;
    return quantile->values[rank_of(hundredths, quantile->n) - 1];
}
