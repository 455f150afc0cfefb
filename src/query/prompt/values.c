/* SPDX-License-Identifier: MIT */
/* values: limits of metrics' values. Filters hold both ends, so "above 90" begins with the next number above 90. */
#include <math.h>

#include "query/prompt/reader.h"

enum { YEAR_MIN = 1900, YEAR_MAX = 2099 };

struct limits {
    bool has_min, has_max;
    double min, max;
};

static bool is_year(double number)
{
    return number == floor(number) && number >= YEAR_MIN && number <= YEAR_MAX;
}

/* A number that is no time: no unit, no month and no `percentile` stands behind it. */
static bool read_value(const struct reader *reader, unsigned *index, double *ret_number)
{
    unsigned end = *index;
    if (!reader_number(reader, &end, false, ret_number))
        return false;
    unsigned behind = end;
    if (reader_unit(reader, &behind, true) != UNIT_NONE || reader_is(reader, end, LEX_MONTH) ||
        reader_is(reader, end, LEX_O_CLOCK) || reader_says(reader, end, "am") || reader_says(reader, end, "pm"))
        return false;
    *index = end;
    return true;
}

static enum take fill(struct reader *reader, struct limits limits, unsigned end)
{
    struct span span = { reader->at, end };
    bool twice = (limits.has_min && reader->has_min) || (limits.has_max && reader->has_max);
    if (reader_is(reader, end, LEX_SUBJECT) && reader->lexemes[end].value == SUBJECT_EVENTS)
        return reader_refuse_words(reader, (struct span){ reader->at, end + 1 },
                                   "limits a count; only values of metrics can be limited");
    if (reader->filled[SLOT_VALUE] && !twice)
        reader->filled[SLOT_VALUE] = false;
    if ((limits.has_min && !isfinite(limits.min)) || (limits.has_max && !isfinite(limits.max)))
        return reader_refuse_words(reader, span, "is beyond all values");
    if (reader_fill(reader, SLOT_VALUE, end) != TAKEN)
        return REFUSED;
    reader->has_min = reader->has_min || limits.has_min;
    reader->has_max = reader->has_max || limits.has_max;
    reader->min = limits.has_min ? limits.min : reader->min;
    reader->max = limits.has_max ? limits.max : reader->max;
    if (reader->has_min && reader->has_max && reader->min > reader->max)
        return reader_refuse_words(reader, span, "leaves no value");
    return TAKEN;
}

static enum take take_between(struct reader *reader)
{
    double min, max;
    unsigned end = reader->at + 1;
    if (!read_value(reader, &end, &min) || !reader_is(reader, end, LEX_AND))
        return NOT_HERE;
    end++;
    if (!read_value(reader, &end, &max) || (!reader->value_word && is_year(min) && is_year(max)))
        return NOT_HERE;
    return fill(reader, (struct limits){ true, true, min, max }, end);
}

/* "over 90" is above, "over 3 hours" is a time; "up to 90" is at most. */
static enum lexeme_class limit_class(const struct reader *reader)
{
    enum lexeme_class class = reader_class(reader, reader->at);
    if (class == LEX_OVER)
        return LEX_ABOVE;
    return class == LEX_UNTIL && reader_says(reader, reader->at, "up") ? LEX_AT_MOST : class;
}

enum take values_take(struct reader *reader)
{
    double number;
    enum lexeme_class class = limit_class(reader);
    unsigned end = reader_past(reader, reader->at);
    if (class == LEX_BETWEEN)
        return take_between(reader);
    if (class != LEX_ABOVE && class != LEX_BELOW && class != LEX_AT_LEAST && class != LEX_AT_MOST && class != LEX_EQUAL)
        return NOT_HERE;
    if (!read_value(reader, &end, &number))
        return NOT_HERE;
    switch (class) {
    case LEX_ABOVE:
        return fill(reader, (struct limits){ .has_min = true, .min = nextafter(number, INFINITY) }, end);
    case LEX_BELOW:
        return fill(reader, (struct limits){ .has_max = true, .max = nextafter(number, -INFINITY) }, end);
    case LEX_AT_LEAST:
        return fill(reader, (struct limits){ .has_min = true, .min = number }, end);
    case LEX_AT_MOST:
        return fill(reader, (struct limits){ .has_max = true, .max = number }, end);
    default:
        return fill(reader, (struct limits){ true, true, number, number }, end);
    }
}
