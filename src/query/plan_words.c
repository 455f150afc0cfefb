/* SPDX-License-Identifier: MIT */
/* plan_words: the short names of measures and of lengths of buckets, both ways. */
#include "query/plan_own.h"

static const char *const aggregate_names[] = {
#define PLAN_NAME(symbol, name) name,
    PLAN_AGGREGATES(PLAN_NAME)
#undef PLAN_NAME
};

enum { MEDIAN = 5000, WHOLE = 10000 };

/* At least one digit, at most n_max of them, off the front of *text. */
static bool take_digits(struct slice *text, size_t n_max, uint32_t *ret_number)
{
    uint32_t number = 0;
    size_t n = 0;
    for (; n < text->len && text->data[n] >= '0' && text->data[n] <= '9'; n++) {
        if (n == n_max)
            return false;
        number = number * 10 + (uint32_t)(text->data[n] - '0');
    }
    *text = (struct slice){ text->data + n, text->len - n };
    *ret_number = number;
    return n > 0;
}

/* 99, 99.9 or 99.99 in hundredths. */
static bool percent_parse(struct slice text, uint32_t *ret_hundredths)
{
    uint32_t whole, fraction = 0;
    if (!take_digits(&text, 3, &whole))
        return false;
    if (text.len > 0) {
        size_t n_digits = text.len - 1;
        if (text.data[0] != '.')
            return false;
        text = (struct slice){ text.data + 1, n_digits };
        if (!take_digits(&text, 2, &fraction) || text.len > 0)
            return false;
        fraction *= n_digits == 1 ? 10 : 1;
    }
    *ret_hundredths = whole * 100 + fraction;
    return *ret_hundredths <= WHOLE;
}

void plan_measure_append(const struct plan_measure *measure, struct text *out)
{
    struct slice name = slice_of(aggregate_names[measure->aggregate]);
    text_append(out, name.data, name.len);
    if (measure->aggregate != AGGREGATE_QUANTILE)
        return;
    text_u64(out, measure->hundredths / 100);
    if (measure->hundredths % 100 != 0)
        text_literal(out, ".");
    if (measure->hundredths % 10 != 0)
        text_printf(out, "%02u", measure->hundredths % 100);
    else if (measure->hundredths % 100 != 0)
        text_u64(out, measure->hundredths % 100 / 10);
}

bool plan_measure_parse(struct slice name, struct plan_measure *ret_measure)
{
    uint32_t hundredths = MEDIAN;
    if (slice_equal(name, SLICE("median")) ||
        (name.len > 1 && name.data[0] == 'p' &&
         percent_parse((struct slice){ name.data + 1, name.len - 1 }, &hundredths))) {
        *ret_measure = (struct plan_measure){ AGGREGATE_QUANTILE, hundredths };
        return true;
    }
    for (unsigned i = 0; i < AGGREGATE_COUNT_OF; i++)
        if (i != AGGREGATE_QUANTILE && slice_equal(name, slice_of(aggregate_names[i]))) {
            *ret_measure = (struct plan_measure){ (uint8_t)i, 0 };
            return true;
        }
    return false;
}

static const char *const unit_names[] = {
    [UNIT_SECOND] = "s", [UNIT_MINUTE] = "m", [UNIT_HOUR] = "h",    [UNIT_DAY] = "d",
    [UNIT_WEEK] = "w",   [UNIT_MONTH] = "mo", [UNIT_QUARTER] = "q", [UNIT_YEAR] = "y",
};

bool plan_bucket_parse(struct slice text, struct plan_bucket *ret_bucket)
{
    uint32_t count;
    if (slice_equal(text, SLICE("auto"))) {
        *ret_bucket = (struct plan_bucket){ UNIT_AUTO, 1 };
        return true;
    }
    if (!take_digits(&text, 6, &count) || count < 1 || count > PLAN_UNITS_MAX)
        return false;
    for (unsigned unit = UNIT_SECOND; unit <= UNIT_YEAR; unit++)
        if (slice_equal(text, slice_of(unit_names[unit]))) {
            *ret_bucket = (struct plan_bucket){ (uint8_t)unit, count };
            return true;
        }
    return false;
}

void plan_bucket_append(const struct plan_bucket *bucket, struct text *out)
{
    if (bucket->unit == UNIT_NONE)
        return;
    if (bucket->unit == UNIT_AUTO) {
        text_literal(out, "auto");
        return;
    }
    struct slice unit = slice_of(unit_names[bucket->unit]);
    text_u64(out, bucket->count);
    text_append(out, unit.data, unit.len);
}

/* How many of a unit are one of the next; 0 where the next is not always as long (a day of a zone is not 24 hours,
 * and a month is no number of weeks). */
void plan_bucket_settle(struct plan_bucket *bucket)
{
    static const uint8_t in_next[] = {
        [UNIT_SECOND] = 60, [UNIT_MINUTE] = 60, [UNIT_DAY] = 7, [UNIT_MONTH] = 3, [UNIT_QUARTER] = 4, [UNIT_YEAR] = 0
    };
    if (bucket->unit <= UNIT_AUTO)
        bucket->count = 1;
    while (in_next[bucket->unit] > 0 && bucket->count % in_next[bucket->unit] == 0) {
        bucket->count /= in_next[bucket->unit];
        bucket->unit++;
    }
}
