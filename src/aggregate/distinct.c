/* SPDX-License-Identifier: MIT */
#include "distinct.h"

#include <assert.h>
#include <math.h>

#include <telemetry/hash.h>

#include "pool.h"

enum { SLOTS_FIRST = 8, HASH_BITS = 64 - DISTINCT_BITS };

uint64_t distinct_hash_value(double value)
{
    double plain = value == 0 ? 0.0 : value;
    return hash_stable((struct slice){ (const char *)&plain, sizeof(plain) });
}

uint64_t distinct_hash_text(struct slice text)
{
    return hash_stable(text);
}

/* Registers --------------------------------------------------------------- */

/* The top bits choose the register, which keeps the greatest place of the first 1 among the others. */
static void register_add(uint8_t registers[], uint64_t hash)
{
    assert(registers != NULL);
    uint64_t rest = hash << DISTINCT_BITS;
    uint8_t place = (uint8_t)(rest == 0 ? HASH_BITS + 1 : __builtin_clzll(rest) + 1);
    uint8_t *kept = &registers[hash >> HASH_BITS];
    *kept = place > *kept ? place : *kept;
}

static bool become_registers(struct distinct *distinct, struct pool *pool)
{
    uint8_t *registers = pool_alloc(pool, DISTINCT_REGISTERS);
    if (registers == NULL)
        return false;
    for (uint32_t i = 0; i < distinct->n_slots; i++)
        if (distinct->slots[i] != 0)
            register_add(registers, distinct->slots[i]);
    pool_free(pool, distinct->slots);
    *distinct = (struct distinct){ .registers = registers };
    return true;
}

/* Ertl's sigma and tau: what registers that are empty, and those that are full, add. */
static double sigma(double x)
{
    double sum = x, last, y = 1;
    if (x == 1)
        return INFINITY;
    do {
        x *= x;
        last = sum;
        sum += x * y;
        y += y;
    } while (sum != last);
    return sum;
}

static double tau(double x)
{
    double sum = 1 - x, last, y = 1;
    if (x == 0 || x == 1)
        return 0;
    do {
        x = sqrt(x);
        last = sum;
        y *= 0.5;
        sum -= (1 - x) * (1 - x) * y;
    } while (sum != last);
    return sum / 3;
}

static double estimate(const uint8_t registers[])
{
    const double m = DISTINCT_REGISTERS;
    unsigned counts[HASH_BITS + 2] = { 0 };
    for (unsigned i = 0; i < DISTINCT_REGISTERS; i++)
        counts[registers[i]]++;
    double sum = m * tau((m - counts[HASH_BITS + 1]) / m);
    for (unsigned place = HASH_BITS; place >= 1; place--)
        sum = 0.5 * (sum + counts[place]);
    sum += m * sigma(counts[0] / m);
    return round(m * m / (2 * log(2) * sum));
}

/* The set ----------------------------------------------------------------- */

static uint64_t *slot_of(const struct distinct *distinct, uint64_t hash)
{
    for (uint64_t at = hash;; at++) {
        uint64_t *slot = &distinct->slots[at & (distinct->n_slots - 1)];
        if (*slot == 0 || *slot == hash)
            return slot;
    }
}

static bool set_grow(struct distinct *distinct, struct pool *pool)
{
    struct distinct grown = { .n = distinct->n,
                              .n_slots = distinct->n_slots == 0 ? SLOTS_FIRST : 2 * distinct->n_slots };
    grown.slots = pool_alloc(pool, grown.n_slots * sizeof(grown.slots[0]));
    if (grown.slots == NULL)
        return false;
    for (uint32_t i = 0; i < distinct->n_slots; i++)
        if (distinct->slots[i] != 0)
            *slot_of(&grown, distinct->slots[i]) = distinct->slots[i];
    pool_free(pool, distinct->slots);
    *distinct = grown;
    return true;
}

/* Whether the set would grow beyond what registers take while less than half of the budget is left. */
static bool memory_is_short(const struct distinct *distinct, const struct pool *pool)
{
    size_t bytes = 2 * distinct->n_slots * sizeof(distinct->slots[0]);
    return distinct->n + 1 > distinct->n_slots / 4 * 3 && bytes > DISTINCT_REGISTERS && !pool_has_room(pool, bytes, 2);
}

static bool set_add(struct distinct *distinct, struct pool *pool, uint64_t hash, uint32_t exact_max)
{
    if (distinct->n_slots > 0 && *slot_of(distinct, hash) == hash)
        return true;
    if (distinct->n >= exact_max || (exact_max != UINT32_MAX && memory_is_short(distinct, pool))) {
        if (!become_registers(distinct, pool))
            return false;
        register_add(distinct->registers, hash);
        return true;
    }
    if (distinct->n + 1 > distinct->n_slots / 4 * 3 && !set_grow(distinct, pool))
        return false;
    *slot_of(distinct, hash) = hash;
    distinct->n++;
    return true;
}

bool distinct_add(struct distinct *distinct, struct pool *pool, uint64_t hash, uint32_t exact_max)
{
    hash += hash == 0;
    if (distinct->registers == NULL)
        return set_add(distinct, pool, hash, exact_max);
    register_add(distinct->registers, hash);
    return true;
}

static void merge_registers(uint8_t registers[], const uint8_t other[])
{
    assert(registers != NULL);
    for (unsigned i = 0; i < DISTINCT_REGISTERS; i++)
        registers[i] = other[i] > registers[i] ? other[i] : registers[i];
}

bool distinct_merge(struct distinct *distinct, struct pool *pool, const struct distinct *other, uint32_t exact_max)
{
    if (other->registers != NULL && distinct->registers == NULL && !become_registers(distinct, pool))
        return false;
    if (other->registers != NULL)
        merge_registers(distinct->registers, other->registers);
    for (uint32_t i = 0; i < other->n_slots; i++)
        if (other->slots[i] != 0 && !distinct_add(distinct, pool, other->slots[i], exact_max))
            return false;
    return true;
}

void distinct_clear(struct distinct *distinct, struct pool *pool)
{
    pool_free(pool, distinct->slots);
    pool_free(pool, distinct->registers);
    *distinct = (struct distinct){ 0 };
}

double distinct_count(const struct distinct *distinct)
{
    return distinct->registers != NULL ? estimate(distinct->registers) : distinct->n;
}
