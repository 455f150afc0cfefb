/* SPDX-License-Identifier: MIT */
#include "cell.h"

#include <math.h>
#include <string.h>

#include "distinct.h"
#include "pool.h"
#include "quantile.h"

struct sum {
    double sum, lost; /* what additions rounded away */
};

struct extremes {
    double min, max;
};

struct spread {
    double mean, m2;
};

struct texts {
    struct distinct set;
    uint32_t noted; /* the handle noted last, + 1 */
};

/* Form -------------------------------------------------------------------- */

static const struct {
    uint8_t part;
    uint8_t bytes;
} parts_of_aggregate[AGGREGATE_COUNT_OF] = {
    [AGGREGATE_COUNT] = { PART_COUNT, 0 },
    [AGGREGATE_SUM] = { PART_SUM, sizeof(struct sum) },
    [AGGREGATE_AVG] = { PART_SUM, sizeof(struct sum) },
    [AGGREGATE_MIN] = { PART_EXTREMES, sizeof(struct extremes) },
    [AGGREGATE_MAX] = { PART_EXTREMES, sizeof(struct extremes) },
    [AGGREGATE_STDDEV] = { PART_SPREAD, sizeof(struct spread) },
    [AGGREGATE_QUANTILE] = { PART_QUANTILE, sizeof(struct quantile) },
    [AGGREGATE_RATE] = { PART_COUNT, 0 },
    [AGGREGATE_DISTINCT] = { PART_DISTINCT, sizeof(struct distinct) },
    [AGGREGATE_FIRST] = { PART_FIRST, sizeof(struct sample) },
    [AGGREGATE_LATEST] = { PART_LATEST, sizeof(struct sample) },
    [AGGREGATE_NAMES] = { PART_NAMES, sizeof(struct texts) },
    [AGGREGATE_TAGS] = { PART_TAGS, sizeof(struct texts) },
};

static const uint8_t needs_of_part[PART_COUNT + 1] = {
    [PART_SUM] = TALLY_SUM,         [PART_EXTREMES] = TALLY_EXTREMES, [PART_SPREAD] = TALLY_SPREAD,
    [PART_FIRST] = TALLY_ENDS,      [PART_LATEST] = TALLY_ENDS,       [PART_QUANTILE] = TALLY_VALUES,
    [PART_DISTINCT] = TALLY_VALUES, [PART_NAMES] = TALLY_NAMES,       [PART_TAGS] = TALLY_TAGS,
};

void form_init(struct form *form, const struct plan *plan)
{
    *form = (struct form){ .plan = plan, .bytes = sizeof(struct cell) };
    for (unsigned i = 0; i < plan->n_measures; i++) {
        unsigned part = parts_of_aggregate[plan->measures[i].aggregate].part;
        if (part == PART_COUNT || form->at[part] != 0)
            continue;
        form->needs |= needs_of_part[part];
        form->at[part] = (uint16_t)form->bytes;
        form->bytes += parts_of_aggregate[plan->measures[i].aggregate].bytes;
        form->bytes = (form->bytes + 7) & ~7U;
    }
}

/* The part of a cell, or NULL when the plan does not need it. */
static void *part_of(const struct form *form, const struct cell *cell, enum part part)
{
    return form->at[part] == 0 ? NULL : (char *)cell + form->at[part];
}

/* Sums and moments -------------------------------------------------------- */

static void sum_add(struct sum *sum, double value)
{
    double next = sum->sum + value;
    sum->lost += fabs(sum->sum) >= fabs(value) ? (sum->sum - next) + value : (value - next) + sum->sum;
    sum->sum = next;
}

static void extremes_add(struct extremes *extremes, double min, double max, bool first)
{
    extremes->min = first || min < extremes->min ? min : extremes->min;
    extremes->max = first || max > extremes->max ? max : extremes->max;
}

/* n is how many there are with this one. */
static void spread_add(struct spread *spread, double value, uint64_t n)
{
    double delta = value - spread->mean;
    spread->mean += delta / (double)n;
    spread->m2 += delta * (value - spread->mean);
}

static void spread_merge(struct spread *spread, uint64_t n, const struct spread *other, uint64_t n_other)
{
    double all = (double)(n + n_other), delta = other->mean - spread->mean;
    spread->mean += delta * ((double)n_other / all);
    spread->m2 += other->m2 + delta * delta * ((double)n * ((double)n_other / all));
}

/* Ends -------------------------------------------------------------------- */

static bool sample_before(const struct sample *a, const struct sample *b)
{
    if (a->timestamp_ms != b->timestamp_ms)
        return a->timestamp_ms < b->timestamp_ms;
    return a->tie != b->tie ? a->tie < b->tie : a->tie_next < b->tie_next;
}

static void ends_add(const struct form *form, struct cell *cell, const struct sample *first,
                     const struct sample *latest)
{
    struct sample *kept_first = part_of(form, cell, PART_FIRST), *kept_latest = part_of(form, cell, PART_LATEST);
    if (kept_first != NULL && (cell->count == 0 || sample_before(first, kept_first)))
        *kept_first = *first;
    if (kept_latest != NULL && (cell->count == 0 || sample_before(kept_latest, latest)))
        *kept_latest = *latest;
}

/* Cell -------------------------------------------------------------------- */

static bool add_value(const struct form *form, struct cell *cell, struct pool *pool, double value)
{
    struct quantile *quantile = part_of(form, cell, PART_QUANTILE);
    struct distinct *distinct = part_of(form, cell, PART_DISTINCT);
    return (quantile == NULL || quantile_add(quantile, pool, value)) &&
           (distinct == NULL || distinct_add(distinct, pool, distinct_hash_value(value), DISTINCT_EXACT));
}

bool cell_add(const struct form *form, struct cell *cell, struct pool *pool, const struct sample *sample)
{
    unsigned needs = form->needs;
    if ((needs & TALLY_SUM) != 0)
        sum_add(part_of(form, cell, PART_SUM), sample->value);
    if ((needs & TALLY_EXTREMES) != 0)
        extremes_add(part_of(form, cell, PART_EXTREMES), sample->value, sample->value, cell->count == 0);
    if ((needs & TALLY_SPREAD) != 0)
        spread_add(part_of(form, cell, PART_SPREAD), sample->value, cell->count + 1);
    if ((needs & TALLY_ENDS) != 0)
        ends_add(form, cell, sample, sample);
    cell->count++;
    return (needs & TALLY_VALUES) == 0 || add_value(form, cell, pool, sample->value);
}

void cell_add_moments(const struct form *form, struct cell *cell, const struct moments *moments)
{
    struct spread spread = { moments->mean, moments->m2 };
    if ((form->needs & TALLY_SUM) != 0)
        sum_add(part_of(form, cell, PART_SUM), moments->sum);
    if ((form->needs & TALLY_EXTREMES) != 0)
        extremes_add(part_of(form, cell, PART_EXTREMES), moments->min, moments->max, cell->count == 0);
    if ((form->needs & TALLY_SPREAD) != 0)
        spread_merge(part_of(form, cell, PART_SPREAD), cell->count, &spread, moments->count);
    cell->count += moments->count;
}

/* The text up to the next NUL or the end, from *at on, which moves behind it. */
static struct slice next_text(struct slice series, size_t *at)
{
    const char *start = series.data + *at, *end = memchr(start, '\0', series.len - *at);
    size_t len = end == NULL ? series.len - *at : (size_t)(end - start);
    *at += len + 1;
    return (struct slice){ start, len };
}

bool cell_note(const struct form *form, struct cell *cell, struct pool *pool, uint32_t handle, struct slice series)
{
    struct texts *names = part_of(form, cell, PART_NAMES), *tags = part_of(form, cell, PART_TAGS);
    size_t at = 0;
    struct slice name = next_text(series, &at);
    if (names != NULL && names->noted != handle + 1) {
        names->noted = handle + 1;
        if (!distinct_add(&names->set, pool, distinct_hash_text(name), UINT32_MAX))
            return false;
    }
    if (tags == NULL || tags->noted == handle + 1)
        return true;
    tags->noted = handle + 1;
    while (at < series.len) {
        struct slice tag = next_text(series, &at);
        if (slice_starts_with(tag, form->plan->tag_prefix) &&
            !distinct_add(&tags->set, pool, distinct_hash_text(tag), UINT32_MAX))
            return false;
    }
    return true;
}

static bool merge_sets(const struct form *form, struct cell *cell, struct pool *pool, const struct cell *other)
{
    static const struct {
        uint8_t part;
        uint32_t exact_max;
    } sets[] = { { PART_DISTINCT, DISTINCT_EXACT }, { PART_NAMES, UINT32_MAX }, { PART_TAGS, UINT32_MAX } };
    struct quantile *quantile = part_of(form, cell, PART_QUANTILE);
    if (quantile != NULL && !quantile_merge(quantile, pool, part_of(form, other, PART_QUANTILE)))
        return false;
    for (unsigned i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        struct distinct *set = part_of(form, cell, sets[i].part); /* struct texts begins with its set */
        if (set != NULL && !distinct_merge(set, pool, part_of(form, other, sets[i].part), sets[i].exact_max))
            return false;
    }
    return true;
}

bool cell_merge(const struct form *form, struct cell *cell, struct pool *pool, const struct cell *other)
{
    const struct sum *sum = part_of(form, other, PART_SUM);
    const struct extremes *extremes = part_of(form, other, PART_EXTREMES);
    const struct spread *spread = part_of(form, other, PART_SPREAD);
    if (other->count == 0)
        return true;
    if (sum != NULL) {
        sum_add(part_of(form, cell, PART_SUM), sum->sum);
        sum_add(part_of(form, cell, PART_SUM), sum->lost);
    }
    if (extremes != NULL)
        extremes_add(part_of(form, cell, PART_EXTREMES), extremes->min, extremes->max, cell->count == 0);
    if (spread != NULL)
        spread_merge(part_of(form, cell, PART_SPREAD), cell->count, spread, other->count);
    if ((form->needs & TALLY_ENDS) != 0)
        ends_add(form, cell, part_of(form, other, PART_FIRST), part_of(form, other, PART_LATEST));
    cell->count += other->count;
    return merge_sets(form, cell, pool, other);
}

void cell_clear(const struct form *form, struct cell *cell, struct pool *pool)
{
    static const uint8_t sets[] = { PART_DISTINCT, PART_NAMES, PART_TAGS };
    struct quantile *quantile = part_of(form, cell, PART_QUANTILE);
    if (quantile != NULL)
        quantile_clear(quantile, pool);
    for (unsigned i = 0; i < sizeof(sets); i++) {
        struct distinct *set = part_of(form, cell, sets[i]);
        if (set != NULL)
            distinct_clear(set, pool);
    }
    memset(cell, 0, form->bytes);
}

/* Measures ---------------------------------------------------------------- */

static double measure_value(const struct form *form, struct cell *cell, const struct plan_measure *measure)
{
    const struct sum *sum = part_of(form, cell, PART_SUM);
    const struct extremes *extremes = part_of(form, cell, PART_EXTREMES);
    const struct spread *spread = part_of(form, cell, PART_SPREAD);
    switch ((enum plan_aggregate)measure->aggregate) {
    case AGGREGATE_SUM:
        return sum->sum + sum->lost;
    case AGGREGATE_AVG:
        return (sum->sum + sum->lost) / (double)cell->count;
    case AGGREGATE_MIN:
        return extremes->min;
    case AGGREGATE_MAX:
        return extremes->max;
    case AGGREGATE_STDDEV:
        return sqrt(spread->m2 / (double)cell->count);
    case AGGREGATE_QUANTILE:
        return quantile_value(part_of(form, cell, PART_QUANTILE), measure->hundredths);
    case AGGREGATE_FIRST:
        return ((const struct sample *)part_of(form, cell, PART_FIRST))->value;
    case AGGREGATE_LATEST:
        return ((const struct sample *)part_of(form, cell, PART_LATEST))->value;
    default:
        return NAN;
    }
}

static double rate_of(uint64_t count, uint64_t span_ms)
{
    if (span_ms == 0)
        return count == 0 ? 0 : NAN;
    return (double)count * 1000 / (double)span_ms;
}

double cell_measure(const struct form *form, struct cell *cell, const struct plan_measure *measure, uint64_t span_ms)
{
    unsigned part = parts_of_aggregate[measure->aggregate].part;
    uint64_t count = cell == NULL ? 0 : cell->count;
    if (measure->aggregate == AGGREGATE_COUNT)
        return (double)count;
    if (measure->aggregate == AGGREGATE_RATE)
        return rate_of(count, span_ms);
    if (part == PART_DISTINCT || part == PART_NAMES || part == PART_TAGS)
        return count == 0 ? 0 : distinct_count(part_of(form, cell, part));
    if (count == 0)
        return NAN;
    double value = measure_value(form, cell, measure);
    return isfinite(value) ? value : NAN;
}

bool cell_is_approximate(const struct form *form, const struct cell *cell)
{
    const struct quantile *quantile = part_of(form, cell, PART_QUANTILE);
    const struct distinct *distinct = part_of(form, cell, PART_DISTINCT);
    return (quantile != NULL && quantile->sketch != NULL) || (distinct != NULL && distinct->registers != NULL);
}
