/* SPDX-License-Identifier: MIT */
/* ranges: times and the words around them. Ends of whole units belong to the range: "from monday to friday" ends
 * with the friday, "until april" with the april; "before april" does not. A point in time is itself the end. */
#include "query/calendar.h"
#include "query/prompt/reader.h"

enum { MS_PER_DAY = 86400000 };

static int64_t start_of(const struct period *period)
{
    return period->is_moment ? period->moment_ms : period->from_ms;
}

static int64_t end_of(const struct period *period)
{
    return period->is_moment ? period->moment_ms : period->to_ms;
}

static bool is_preposition(enum lexeme_class class)
{
    return class == LEX_AT || class == LEX_OF || class == LEX_OVER;
}

/* A period where there must be one. */
static enum take need_period(struct reader *reader, unsigned *index, const char *behind, struct period *ret_period)
{
    unsigned end = *index + (reader_is(reader, *index, LEX_AT) ? 1 : 0);
    enum take take = periods_read(reader, &end, true, ret_period);
    if (take == NOT_HERE)
        return reader_refuse(reader, "\"%s\" must be followed by a time, such as monday or 2014-02-20", behind);
    *index = end;
    return take;
}

static enum take fill_range(struct reader *reader, struct period range, unsigned end)
{
    struct span span = { reader->at, end };
    if (range.from_ms >= range.to_ms)
        return reader_refuse_words(reader, span, "ends before it begins");
    if (reader_fill(reader, SLOT_RANGE, end) != TAKEN)
        return REFUSED;
    reader->range = range;
    return TAKEN;
}

/* Two times of day without a day: which day is said elsewhere, or it is the last one. */
static enum take fill_day_time(struct reader *reader, const struct period *from, const struct period *to, unsigned end)
{
    if (reader_fill(reader, SLOT_DAY_TIME, end) != TAKEN)
        return REFUSED;
    reader->day_from_ms = from->clock_ms;
    reader->day_to_ms = to->clock_ms > from->clock_ms ? to->clock_ms : to->clock_ms + MS_PER_DAY;
    return TAKEN;
}

/* A time of day on the day of another: not before it where `later`, not behind it otherwise. */
static int64_t on_day_of(const struct reader *reader, const struct period *clock, const struct period *other,
                         bool later)
{
    struct calendar_date date = calendar_date_at(reader->zone, other->from_ms, NULL);
    int64_t ms = calendar_moment(reader->zone, date, clock->clock_ms), limit_ms = start_of(other);
    if (later ? ms > limit_ms : ms < limit_ms)
        return ms;
    return calendar_moment(reader->zone, date, clock->clock_ms + (later ? MS_PER_DAY : -(int64_t)MS_PER_DAY));
}

/* One end that leaves its day, week or year open follows the other: "from monday to friday", "yesterday from 9:00 to
 * 17:00", "from november to january". */
static enum take fill_between(struct reader *reader, const struct period *from, const struct period *to, unsigned end)
{
    struct period range = { .from_ms = start_of(from), .to_ms = end_of(to) };
    if (from->is_clock && to->is_clock)
        return fill_day_time(reader, from, to, end);
    if (from->is_clock && to->has_clock)
        range.from_ms = on_day_of(reader, from, to, false);
    if (from->has_clock && to->is_clock)
        range.to_ms = on_day_of(reader, to, from, true);
    if (range.from_ms >= range.to_ms && from->cycle != UNIT_NONE)
        range.from_ms = calendar_add(reader->zone, from->cycle, -1, range.from_ms);
    return fill_range(reader, range, end);
}

static bool is_to(const struct reader *reader, unsigned index)
{
    return reader_is(reader, index, LEX_TO) || reader_is(reader, index, LEX_UNTIL);
}

/* between P and P */
static enum take take_between(struct reader *reader)
{
    struct period from, to;
    unsigned end = reader->at + 1;
    enum take take = periods_read(reader, &end, true, &from);
    if (take != TAKEN)
        return take;
    if (!reader_is(reader, end, LEX_AND) && !is_to(reader, end))
        return reader_refuse(reader, "\"between\" needs two times, such as between monday and friday");
    end = reader_past(reader, end);
    if (need_period(reader, &end, "and", &to) != TAKEN)
        return REFUSED;
    return fill_between(reader, &from, &to, end);
}

/* The other end of a range that begins with `from`, when one is said at *index: "to P", "until P", "before P". */
static enum take read_end(struct reader *reader, unsigned *index, struct period *ret_to, bool *ret_before)
{
    unsigned end = *index + (reader_is(reader, *index, LEX_AND) ? 1 : 0);
    *ret_before = reader_is(reader, end, LEX_BEFORE);
    if (!*ret_before && !is_to(reader, end))
        return NOT_HERE;
    end = reader_past(reader, end);
    if (need_period(reader, &end, *ret_before ? "before" : "to", ret_to) != TAKEN)
        return REFUSED;
    *index = end;
    return TAKEN;
}

/* since P, after P, from P, P; each with or without an end. */
static enum take take_from(struct reader *reader, enum lexeme_class opening, const struct period *from, unsigned end)
{
    struct period to;
    bool before, links = reader->compare_asked && opening == LEX_NONE; /* "compare this week to last week" */
    enum take take = links ? NOT_HERE : read_end(reader, &end, &to, &before);
    if (take == REFUSED)
        return REFUSED;
    struct period range = { .from_ms = opening == LEX_AFTER ? end_of(from) : start_of(from) };
    if (take == TAKEN && opening != LEX_AFTER && !before)
        return fill_between(reader, from, &to, end);
    if (take == TAKEN) {
        range.to_ms = before ? start_of(&to) : end_of(&to);
        return fill_range(reader, range, end);
    }
    bool open = opening == LEX_SINCE || opening == LEX_AFTER || (opening == LEX_FROM && from->is_moment);
    bool onwards = reader_says(reader, end, "onwards") || reader_says(reader, end, "onward");
    if (!open && !onwards)
        return fill_range(reader, *from, end);
    range.to_ms = reader->now_ms;
    return fill_range(reader, range, end + (onwards ? 1 : 0));
}

/* until P, before P */
static enum take take_until(struct reader *reader, bool before)
{
    struct period to;
    unsigned end = reader_past(reader, reader->at);
    enum take take = periods_read(reader, &end, true, &to);
    if (take != TAKEN)
        return take;
    struct period range = { .from_ms = INT64_MIN, .to_ms = before ? start_of(&to) : end_of(&to) };
    return fill_range(reader, range, end);
}

enum take ranges_take(struct reader *reader)
{
    enum lexeme_class class = reader_class(reader, reader->at);
    unsigned end = reader->at;
    struct period period;
    if (class == LEX_ALL_TIME)
        return fill_range(reader, (struct period){ .from_ms = INT64_MIN, .to_ms = INT64_MAX },
                          reader_past(reader, reader->at));
    if (class == LEX_BETWEEN)
        return take_between(reader);
    if (class == LEX_UNTIL || class == LEX_BEFORE)
        return take_until(reader, class == LEX_BEFORE);
    bool opens = class == LEX_SINCE || class == LEX_AFTER || class == LEX_FROM;
    if (opens || is_preposition(class))
        end = reader_past(reader, end);
    if (opens && reader_is(reader, end, LEX_AT))
        end++;
    if (reader_is(reader, end, LEX_NOW) && !opens)
        return NOT_HERE;
    enum take take = periods_read(reader, &end, opens || is_preposition(class), &period);
    return take == TAKEN ? take_from(reader, opens ? class : LEX_NONE, &period, end) : take;
}
