/* SPDX-License-Identifier: MIT */
/* compare: what the answer is set beside. "the previous period" and "same day last week" depend on the range, which
 * may stand behind them: they are worked out when all is read. */
#include "query/prompt/reader.h"

static enum take fill(struct reader *reader, enum compare_kind kind, unsigned end)
{
    enum take take = reader_fill(reader, SLOT_COMPARE, end);
    if (take == TAKEN)
        reader->compare_kind = kind;
    return take;
}

static bool is_previous(const struct reader *reader, unsigned index)
{
    return reader_is(reader, index, LEX_LAST) || reader_is(reader, index, LEX_PREVIOUS) ||
           reader_is(reader, index, LEX_PAST);
}

/* "previous period", "period before". */
static unsigned behind_previous_period(const struct reader *reader, unsigned index)
{
    if (is_previous(reader, index) && reader_is(reader, index + 1, LEX_PERIOD))
        return index + 2;
    if (reader_is(reader, index, LEX_PERIOD) && reader_is(reader, index + 1, LEX_BEFORE))
        return index + 2;
    return 0;
}

/* How far back: "yesterday", "last week", "3 weeks ago", "a week earlier". */
static bool read_shift(struct reader *reader, unsigned *index, enum plan_unit *ret_unit, int64_t *ret_count)
{
    unsigned end = *index;
    double number = 1;
    if (reader_is(reader, end, LEX_TODAY) && reader->lexemes[end].value > 0) {
        *ret_unit = UNIT_DAY;
        *ret_count = reader->lexemes[end].value;
        *index = reader_past(reader, end);
        return true;
    }
    bool previous = is_previous(reader, end);
    if (previous)
        end++;
    else if (!reader_number(reader, &end, true, &number) || number < 1 || number > 100000)
        return false;
    *ret_unit = reader_unit(reader, &end, !previous);
    if (*ret_unit == UNIT_NONE)
        return false;
    bool ago = reader_is(reader, end, LEX_AGO) || reader_is(reader, end, LEX_BEFORE);
    *ret_count = (int64_t)number;
    *index = end + (!previous && ago ? 1 : 0);
    return previous || ago;
}

static enum take fill_shifted(struct reader *reader, enum plan_unit unit, int64_t count, unsigned end)
{
    reader->compare_unit = unit;
    reader->compare_count = count;
    return fill(reader, COMPARE_SHIFTED, end);
}

/* "same day last week", "same time yesterday", "same period a year ago". */
static enum take take_same(struct reader *reader, unsigned index)
{
    enum plan_unit unit;
    int64_t count;
    unsigned end = index + 1;
    if (reader_is(reader, end, LEX_UNIT) || reader_is(reader, end, LEX_PERIOD) || reader_is(reader, end, LEX_WEEKDAY) ||
        reader_says(reader, end, "time") || reader_says(reader, end, "weekday"))
        end++;
    if (reader_is(reader, end, LEX_AT) || reader_is(reader, end, LEX_OF))
        end++;
    if (!read_shift(reader, &end, &unit, &count))
        return reader_refuse(reader, "\"same\" must be followed by how long before, such as same day last week");
    return fill_shifted(reader, unit, count, end);
}

static enum take take_object(struct reader *reader, unsigned index)
{
    struct period period;
    unsigned end = behind_previous_period(reader, index);
    if (end > 0)
        return fill(reader, COMPARE_PREVIOUS, end);
    if (reader_is(reader, index, LEX_SAME))
        return take_same(reader, index);
    if (reader_is(reader, index, LEX_UNIT) && reader_is(reader, index + 1, LEX_BEFORE))
        return fill_shifted(reader, (enum plan_unit)(reader->lexemes[index].value & ~LEX_UNIT_LETTER), 1, index + 2);
    end = index;
    enum take take = periods_read(reader, &end, true, &period);
    if (take != TAKEN)
        return take;
    if (fill(reader, COMPARE_PERIOD, end) != TAKEN)
        return REFUSED;
    reader->compare = period;
    return TAKEN;
}

static bool is_command(const struct reader *reader)
{
    return reader_is(reader, reader->at, LEX_COMPARE) &&
           (reader_says(reader, reader->at, "compare") || reader_says(reader, reader->at, "comparing")) &&
           reader->lexemes[reader->at].n_words == 1;
}

/* "compare A with B": the words that stand between. */
static bool is_link(const struct reader *reader)
{
    enum lexeme_class class = reader_class(reader, reader->at);
    return class == LEX_WITH || class == LEX_TO || class == LEX_AND;
}

enum take compare_take(struct reader *reader)
{
    if (is_command(reader)) {
        reader->compare_asked = true;
        reader->at++;
        return TAKEN;
    }
    if (reader_is(reader, reader->at, LEX_COMPARE)) {
        enum take take = take_object(reader, reader_past(reader, reader->at));
        if (take == NOT_HERE)
            return reader_refuse_words(reader, (struct span){ reader->at, reader_past(reader, reader->at) },
                                       "must be followed by a time, such as yesterday or the previous period");
        return take;
    }
    if (reader->compare_asked && !reader->filled[SLOT_COMPARE] && is_link(reader))
        return take_object(reader, reader_past(reader, reader->at));
    return NOT_HERE;
}
