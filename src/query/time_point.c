/* SPDX-License-Identifier: MIT */
/* time_point: the ways to write a moment in a filter. */
#include "query/filters.h"

#include <telemetry/rfc3339.h>

enum { DATE_BYTES = 10 }; /* 2026-11-23 */

static const char not_a_time[] =
    "a point in time is RFC 3339, a date, epoch milliseconds, or now with a step such as now-1h";
static const char no_unit[] = "a step from now is a number and one of ms, s, m, h, d, w";
static const char out_of_range[] = "the point in time is outside of the years 0001 to 9999";

/* Takes digits off the front of *text; false when there is none. Numbers too large to be a time stay
 * too large. */
static bool take_number(struct slice *text, int64_t *ret_number)
{
    size_t n = 0;
    int64_t number = 0;
    for (; n < text->len && text->data[n] >= '0' && text->data[n] <= '9'; n++)
        if (number <= METRIC_TIMESTAMP_MAX)
            number = number * 10 + (text->data[n] - '0');
    if (n == 0)
        return false;
    *text = (struct slice){ text->data + n, text->len - n };
    *ret_number = number;
    return true;
}

/* Takes a + or - off the front of *text: 1, -1, or 0 when there is none. */
static int take_sign(struct slice *text)
{
    if (text->len == 0 || (text->data[0] != '+' && text->data[0] != '-'))
        return 0;
    int sign = text->data[0] == '-' ? -1 : 1;
    *text = (struct slice){ text->data + 1, text->len - 1 };
    return sign;
}

/* Milliseconds of a unit, 0 when there is none of this name. */
static int64_t unit_ms(struct slice unit)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = { { "ms", 1 },      { "s", 1000 },         { "m", 60 * 1000 },
                  { "h", 3600000 }, { "d", 24 * 3600000 }, { "w", 7 * 24 * 3600000 } };
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (slice_equal(unit, slice_of(units[i].name)))
            return units[i].ms;
    return 0;
}

static const char *in_range(int64_t ms, int64_t *ret_ms)
{
    if (ms < METRIC_TIMESTAMP_MIN || ms > METRIC_TIMESTAMP_MAX)
        return out_of_range;
    *ret_ms = ms;
    return NULL;
}

/* What stands behind `now`: nothing, or a sign, a number and a unit. */
static const char *step_parse(struct slice step, int64_t now_ms, int64_t *ret_ms)
{
    int64_t number, ms;
    if (step.len == 0)
        return in_range(now_ms, ret_ms);
    int sign = take_sign(&step);
    if (sign == 0)
        return not_a_time;
    if (!take_number(&step, &number) || unit_ms(step) == 0)
        return no_unit;
    if (__builtin_mul_overflow(number, sign * unit_ms(step), &ms) || __builtin_add_overflow(now_ms, ms, &ms))
        return out_of_range;
    return in_range(ms, ret_ms);
}

static bool integer_parse(struct slice text, int64_t *ret_number)
{
    bool negative = text.len > 0 && text.data[0] == '-';
    if (negative)
        take_sign(&text);
    if (!take_number(&text, ret_number) || text.len > 0)
        return false;
    *ret_number = negative ? -*ret_number : *ret_number;
    return true;
}

/* A date is the date-time of its midnight. */
static bool date_parse(struct slice text, int64_t *ret_ms)
{
    char midnight[] = "0000-00-00T00:00:00Z";
    if (text.len != DATE_BYTES)
        return false;
    memcpy(midnight, text.data, DATE_BYTES);
    return rfc3339_parse(slice_of(midnight), ret_ms);
}

bool time_point_is_date(struct slice text)
{
    return text.len == DATE_BYTES && text.data[4] == '-' && text.data[7] == '-';
}

const char *time_point_parse(struct slice text, int64_t now_ms, int64_t *ret_ms)
{
    int64_t number;
    if (slice_starts_with(text, SLICE("now")))
        return step_parse((struct slice){ text.data + 3, text.len - 3 }, now_ms, ret_ms);
    if (integer_parse(text, &number))
        return in_range(number, ret_ms);
    if (date_parse(text, ret_ms) || rfc3339_parse(text, ret_ms))
        return NULL;
    return not_a_time;
}
