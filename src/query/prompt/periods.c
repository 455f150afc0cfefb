/* SPDX-License-Identifier: MIT */
/* periods: the words for one time, as a half-open range in the zone. They all look to the past. */
#include <math.h>

#include <telemetry/metric.h>

#include "query/prompt/dates.h"

enum { DAYS_PER_WEEK = 7, HOURS_OF_DAY_PART = 6, MS_PER_HOUR = 3600000, COUNT_MAX = 1000000000 };

static struct period unit_period(const struct zone *zone, enum plan_unit unit, int64_t ms)
{
    struct period period = { .from_ms = calendar_start(zone, unit, ms), .unit = unit, .count = 1 };
    period.to_ms = calendar_add(zone, unit, 1, period.from_ms);
    if (unit > UNIT_HOUR)
        period.to_ms = calendar_unit_start(zone, unit, calendar_unit_index(zone, unit, ms) + 1);
    return period;
}

/* The unit that lies n before the present one. */
static struct period unit_before(const struct reader *reader, enum plan_unit unit, int64_t n)
{
    return unit_period(
        reader->zone, unit,
        calendar_add(reader->zone, unit, -n, calendar_start(reader->zone, unit, reader->setting->now_ms)));
}

struct period periods_so_far(const struct reader *reader, enum plan_unit unit)
{
    struct period period = unit_before(reader, unit, 0);
    if (unit != UNIT_DAY)
        period.to_ms = reader->now_ms > period.from_ms ? reader->now_ms : period.from_ms + 1000;
    return period;
}

static struct period moment_period(int64_t ms, int64_t length_ms)
{
    return (struct period){ .from_ms = ms, .to_ms = ms + length_ms, .is_moment = true, .moment_ms = ms };
}

/* A part of a day, in what its wall clock shows. */
static struct period part_of(const struct zone *zone, struct period day, int64_t from_ms, int64_t to_ms)
{
    struct calendar_date date = calendar_date_at(zone, day.from_ms, NULL);
    return (struct period){ .from_ms = calendar_moment(zone, date, from_ms),
                            .to_ms = calendar_moment(zone, date, to_ms),
                            .unit = UNIT_DAY,
                            .count = 1 };
}

static struct period clock_of(const struct zone *zone, struct period day, int64_t clock_ms, int64_t length_ms)
{
    struct period period = part_of(zone, day, clock_ms, clock_ms + length_ms);
    period.is_moment = period.has_clock = true;
    period.moment_ms = period.from_ms;
    period.clock_ms = clock_ms;
    period.length_ms = length_ms;
    return period;
}

/* "yesterday at 14:00", "monday morning": narrows a day by what stands behind it. */
static enum take narrow_day(struct reader *reader, unsigned *index, struct period *day)
{
    unsigned end = *index + (reader_is(reader, *index, LEX_AT) ? 1 : 0);
    int64_t clock_ms, length_ms;
    if (reader_is(reader, end, LEX_DAY_PART)) {
        int64_t from_ms = reader->lexemes[end].value * (int64_t)MS_PER_HOUR;
        *day = part_of(reader->zone, *day, from_ms, from_ms + HOURS_OF_DAY_PART * (int64_t)MS_PER_HOUR);
        *index = end + 1;
        return TAKEN;
    }
    enum take take = dates_clock(reader, &end, &clock_ms, &length_ms);
    if (take != TAKEN)
        return take;
    *day = clock_of(reader->zone, *day, clock_ms, length_ms);
    *index = end;
    return TAKEN;
}

static enum take settle_day(struct reader *reader, unsigned *index, struct period *day)
{
    return narrow_day(reader, index, day) == REFUSED ? REFUSED : TAKEN;
}

static struct period day_before(const struct reader *reader, int64_t n)
{
    return unit_before(reader, UNIT_DAY, n);
}

/* The most recent day of this name; today counts where `with_today`. */
static struct period weekday_period(const struct reader *reader, int weekday, bool with_today)
{
    int today = (int)calendar_weekday(calendar_date_at(reader->zone, reader->setting->now_ms, NULL));
    int back = (today - weekday + DAYS_PER_WEEK) % DAYS_PER_WEEK;
    struct period day = day_before(reader, back == 0 && !with_today ? DAYS_PER_WEEK : back);
    day.cycle = UNIT_WEEK;
    return day;
}

/* today, yesterday, monday ---------------------------------------------------- */

static enum take read_day_name(struct reader *reader, unsigned *index, struct period *period)
{
    int value = *index < reader->words.n ? reader->lexemes[*index].value : 0;
    if (reader_is(reader, *index, LEX_TODAY))
        *period = day_before(reader, value);
    else if (reader_is(reader, *index, LEX_WEEKDAY))
        *period = weekday_period(reader, value, true);
    else
        return NOT_HERE;
    *index = reader_past(reader, *index);
    return settle_day(reader, index, period);
}

/* this week, this monday, this morning, year to date -------------------------- */

static enum take read_this(struct reader *reader, unsigned *index, struct period *period)
{
    unsigned end = *index + 1;
    if (reader_is(reader, *index, LEX_TO_DATE)) {
        *period = periods_so_far(reader, (enum plan_unit)reader->lexemes[*index].value);
        *index = reader_past(reader, *index);
        return TAKEN;
    }
    if (!reader_is(reader, *index, LEX_THIS) && !reader_says(reader, *index, "current"))
        return NOT_HERE;
    if (reader_is(reader, end, LEX_WEEKDAY)) {
        *period = weekday_period(reader, reader->lexemes[end].value, true);
        *index = end + 1;
        return settle_day(reader, index, period);
    }
    if (reader_is(reader, end, LEX_DAY_PART)) {
        *period = day_before(reader, 0);
        *index = end;
        return settle_day(reader, index, period);
    }
    enum plan_unit unit = reader_unit(reader, &end, false);
    if (unit == UNIT_NONE)
        return NOT_HERE;
    *period = periods_so_far(reader, unit);
    *index = end;
    return TAKEN;
}

/* 2014-02-20 ------------------------------------------------------------------- */

static enum take read_date(struct reader *reader, unsigned *index, bool with_year, struct period *period)
{
    struct written_date date;
    enum take take = dates_read(reader, index, with_year, &date);
    if (take != TAKEN)
        return take;
    if (date.has_moment) {
        *period = moment_period(date.moment_ms, 1000);
        return TAKEN;
    }
    *period = unit_period(reader->zone, date.unit, calendar_moment(reader->zone, date.date, 0));
    period->cycle = date.is_recent ? UNIT_YEAR : UNIT_NONE;
    if (date.has_clock) {
        *period = clock_of(reader->zone, *period, date.clock_ms, date.length_ms);
        return TAKEN;
    }
    return date.unit == UNIT_DAY ? settle_day(reader, index, period) : TAKEN;
}

/* last week, last 3 hours ------------------------------------------------------ */

/* A number of units that ends now; the span is before the unit and moves behind it. */
static enum take read_rolling(struct reader *reader, struct span *span, double number, struct period *period)
{
    struct span said = *span;
    enum plan_unit unit = reader_unit(reader, &said.end, true);
    if (unit == UNIT_NONE)
        return NOT_HERE;
    if (number < 1 || number != floor(number))
        return reader_refuse_words(reader, said, "needs a whole number, 1 or more");
    int64_t count = number < COUNT_MAX ? (int64_t)number : COUNT_MAX;
    int64_t from_ms = calendar_add(reader->zone, unit, -count, reader->now_ms);
    if (from_ms <= METRIC_TIMESTAMP_MIN || count == COUNT_MAX)
        return reader_refuse_words(reader, said, "reaches back before the year 1");
    *period = (struct period){ .from_ms = from_ms, .to_ms = reader->now_ms, .unit = unit, .count = count };
    *span = said;
    return TAKEN;
}

/* "last week" is the calendar's; "last hour" and "past week" end now. */
static struct period last_unit(const struct reader *reader, enum lexeme_class class, enum plan_unit unit)
{
    if (class == LEX_PREVIOUS || (class == LEX_LAST && unit > UNIT_HOUR))
        return unit_before(reader, unit, 1);
    return (struct period){ .from_ms = calendar_add(reader->zone, unit, -1, reader->now_ms),
                            .to_ms = reader->now_ms,
                            .unit = unit,
                            .count = 1 };
}

static enum take read_last(struct reader *reader, unsigned *index, struct period *period)
{
    enum lexeme_class class = reader_class(reader, *index);
    unsigned end = reader_past(reader, *index);
    double number;
    if (class != LEX_LAST && class != LEX_PREVIOUS && class != LEX_PAST)
        return NOT_HERE;
    if (reader_number(reader, &end, false, &number)) {
        struct span span = { *index, end };
        enum take take = read_rolling(reader, &span, number, period);
        *index = take == TAKEN ? span.end : *index;
        return take;
    }
    if (reader_is(reader, end, LEX_WEEKDAY)) {
        *period = weekday_period(reader, reader->lexemes[end].value, false);
        *index = end + 1;
        return settle_day(reader, index, period);
    }
    if (reader_is(reader, end, LEX_MONTH)) {
        *index = end;
        return read_date(reader, index, false, period);
    }
    enum plan_unit unit = reader_unit(reader, &end, false);
    if (unit == UNIT_NONE)
        return NOT_HERE;
    *period = last_unit(reader, class, unit);
    *index = end;
    return TAKEN;
}

/* 3 days ago -------------------------------------------------------------------- */

static enum take read_ago(struct reader *reader, unsigned *index, struct period *period)
{
    struct span span = { *index, *index };
    double number;
    if (!reader_number(reader, &span.end, true, &number))
        return NOT_HERE;
    unsigned end = span.end;
    enum plan_unit unit = reader_unit(reader, &end, true);
    if (unit == UNIT_NONE || !reader_is(reader, end, LEX_AGO))
        return NOT_HERE;
    if (read_rolling(reader, &span, number, period) != TAKEN)
        return REFUSED;
    int64_t moment_ms = period->from_ms;
    *period = unit <= UNIT_HOUR ? unit_period(reader->zone, unit, moment_ms) : unit_before(reader, unit, period->count);
    period->is_moment = unit <= UNIT_HOUR;
    period->moment_ms = moment_ms;
    *index = end + 1;
    return unit == UNIT_DAY ? settle_day(reader, index, period) : TAKEN;
}

/* 14:00 ---------------------------------------------------------------- */

/* "14:00 on monday": the day behind a time of day. */
static enum take read_day_behind(struct reader *reader, unsigned *index, struct period *period)
{
    unsigned end = *index + (reader_is(reader, *index, LEX_AT) || reader_says(reader, *index, "of") ? 1 : 0);
    struct written_date date;
    if (read_day_name(reader, &end, period) != TAKEN) {
        if (dates_read(reader, &end, false, &date) != TAKEN || date.unit != UNIT_DAY)
            return reader->detail.data != NULL ? REFUSED : NOT_HERE;
        *period = unit_period(reader->zone, UNIT_DAY, calendar_moment(reader->zone, date.date, 0));
    }
    *index = end;
    return TAKEN;
}

/* A time of day alone is the last one. */
static enum take read_clock(struct reader *reader, unsigned *index, struct period *period)
{
    int64_t clock_ms, length_ms;
    struct period day;
    enum take take = dates_clock(reader, index, &clock_ms, &length_ms);
    if (take != TAKEN)
        return take;
    take = read_day_behind(reader, index, &day);
    if (take == REFUSED)
        return REFUSED;
    bool has_day = take == TAKEN;
    if (!has_day)
        day = day_before(reader, 0);
    *period = clock_of(reader->zone, day, clock_ms, length_ms);
    if (!has_day && period->from_ms > reader->setting->now_ms)
        *period = clock_of(reader->zone, day_before(reader, 1), clock_ms, length_ms);
    period->is_clock = !has_day;
    return TAKEN;
}

enum take periods_read(struct reader *reader, unsigned *index, bool with_year, struct period *ret_period)
{
    enum take (*const readers[])(struct reader *, unsigned *, struct period *) = { read_day_name, read_this, read_last,
                                                                                   read_ago, read_clock };
    if (reader_is(reader, *index, LEX_NOW)) {
        *ret_period = moment_period(reader->now_ms, 1000);
        ++*index;
        return TAKEN;
    }
    for (unsigned i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
        enum take take = readers[i](reader, index, ret_period);
        if (take != NOT_HERE)
            return take;
    }
    return read_date(reader, index, with_year, ret_period);
}
