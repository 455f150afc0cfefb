/* SPDX-License-Identifier: MIT */
/* dates: dates that are written out. What is no date of the calendar is refused; what names no year is the most recent
 * one, today included. */
#include "query/prompt/dates.h"

#include <telemetry/rfc3339.h>

#include "query/prompt/numbers.h"

enum { DATE_BYTES = 10, MONTH_BYTES = 7, LEAP_YEARS_APART_MAX = 8, DATE_TIME_BYTES_MAX = 40 };

static const char no_date[] = "is no date of the calendar";

static struct calendar_date today_of(const struct reader *reader)
{
    return calendar_date_at(reader->zone, reader->setting->now_ms, NULL);
}

static bool is_before(struct calendar_date a, struct calendar_date b)
{
    return a.year != b.year ? a.year < b.year : a.month != b.month ? a.month < b.month : a.day < b.day;
}

/* 2014-02-20 -------------------------------------------------------------- */

static struct slice part(struct slice text, size_t at, size_t len)
{
    return (struct slice){ text.data + at, len };
}

/* yyyy-mm or yyyy-mm-dd; slashes will do. */
static bool iso_read(struct slice text, struct written_date *date)
{
    int month, day = 1;
    bool has_day = text.len == DATE_BYTES;
    if (!has_day && text.len != MONTH_BYTES)
        return false;
    char mark = text.data[4];
    if ((mark != '-' && mark != '/') || (has_day && text.data[7] != mark))
        return false;
    if (!number_digits(part(text, 0, 4), 4, &date->date.year) || !number_digits(part(text, 5, 2), 2, &month))
        return false;
    if (has_day && !number_digits(part(text, 8, 2), 2, &day))
        return false;
    date->date.month = (unsigned)month;
    date->date.day = (unsigned)day;
    date->unit = has_day ? UNIT_DAY : UNIT_MONTH;
    return true;
}

static bool clock_read(struct slice text, struct written_date *date)
{
    int hour, minute, second = 0;
    bool has_second = text.len == 8 && text.data[5] == ':';
    if ((text.len != 5 && !has_second) || text.data[2] != ':')
        return false;
    if (!number_digits(part(text, 0, 2), 2, &hour) || !number_digits(part(text, 3, 2), 2, &minute))
        return false;
    if (has_second && !number_digits(part(text, 6, 2), 2, &second))
        return false;
    date->has_clock = hour < 24 && minute < 60 && second < 60;
    date->clock_ms = ((hour * INT64_C(60) + minute) * 60 + second) * 1000;
    date->length_ms = has_second ? 1000 : 60000;
    return date->has_clock;
}

/* A date, then `t` and a time with or without an offset. */
static enum take iso_take(struct reader *reader, unsigned *index, struct written_date *date)
{
    struct slice text = reader_text(reader, *index), rest = { NULL, 0 };
    if (text.len > DATE_TIME_BYTES_MAX)
        return NOT_HERE;
    if (text.len > DATE_BYTES && text.data[DATE_BYTES] == 't') {
        rest = part(text, DATE_BYTES + 1, text.len - DATE_BYTES - 1);
        text = part(text, 0, DATE_BYTES);
    }
    if (!iso_read(text, date))
        return NOT_HERE;
    struct span span = { *index, *index + 1 };
    if (!calendar_date_exists(date->date))
        return reader_refuse_words(reader, span, no_date);
    if (rest.data != NULL && !clock_read(rest, date)) {
        date->has_moment = rfc3339_parse(reader_text(reader, *index), &date->moment_ms);
        if (!date->has_moment)
            return reader_refuse_words(reader, span, "is no date and time such as 2014-02-20T14:00");
    }
    ++*index;
    return TAKEN;
}

/* 20 february 2014 ---------------------------------------------------------- */

static bool year_read(const struct reader *reader, unsigned *index, int *ret_year)
{
    if (*index >= reader->words.n || reader->words.at[*index].kind != WORD_NUMBER)
        return false;
    struct slice text = reader_text(reader, *index);
    if (text.len != 4 || !number_digits(text, 4, ret_year) || *ret_year < 1000)
        return false;
    ++*index;
    return true;
}

/* A day of a month in digits: "20", "20th". Two digits at most. */
static bool day_read(const struct reader *reader, unsigned *index, unsigned *ret_day)
{
    if (*index >= reader->words.n || reader->words.at[*index].kind != WORD_NUMBER)
        return false;
    const struct word *word = &reader->words.at[*index];
    int day;
    struct slice digits = word->ordinal ? part(word->text, 0, word->text.len - 2) : word->text;
    if (!number_digits(digits, 2, &day))
        return false;
    *ret_day = (unsigned)day;
    ++*index;
    return true;
}

/* The most recent year in which the date was. False when there is none. */
static bool set_recent_year(const struct reader *reader, struct written_date *date)
{
    struct calendar_date today = today_of(reader);
    date->date.year = today.year;
    for (unsigned i = 0; i <= LEAP_YEARS_APART_MAX; i++, date->date.year--)
        if (calendar_date_exists(date->date) && !is_before(today, date->date))
            return true;
    return false;
}

/* The year behind *index, else the most recent one. */
static enum take finish(struct reader *reader, unsigned *index, unsigned end, struct written_date *date)
{
    date->is_recent = !year_read(reader, &end, &date->date.year);
    bool exists = date->is_recent ? set_recent_year(reader, date) : calendar_date_exists(date->date);
    if (!exists)
        return reader_refuse_words(reader, (struct span){ *index, end }, no_date);
    *index = end;
    return TAKEN;
}

/* "20 february", "20th of february". */
static enum take day_month_take(struct reader *reader, unsigned *index, struct written_date *date)
{
    unsigned end = *index;
    if (!day_read(reader, &end, &date->date.day))
        return NOT_HERE;
    if (reader_says(reader, end, "of"))
        end++;
    if (!reader_is(reader, end, LEX_MONTH))
        return NOT_HERE;
    date->date.month = (unsigned)reader->lexemes[end].value;
    date->unit = UNIT_DAY;
    return finish(reader, index, end + 1, date);
}

/* "february 20", "february 2014", "february". */
static enum take month_take(struct reader *reader, unsigned *index, struct written_date *date)
{
    unsigned end = *index + 1;
    if (!reader_is(reader, *index, LEX_MONTH))
        return NOT_HERE;
    date->date.month = (unsigned)reader->lexemes[*index].value;
    date->date.day = 1;
    date->unit = day_read(reader, &end, &date->date.day) ? UNIT_DAY : UNIT_MONTH;
    if (date->unit == UNIT_MONTH && reader_says(reader, end, "of"))
        end++;
    return finish(reader, index, end, date);
}

/* "q1", "q1 2014": without a year the most recent one. */
static enum take quarter_take(struct reader *reader, unsigned *index, struct written_date *date)
{
    struct slice text = reader_text(reader, *index);
    if (text.len != 2 || text.data[0] != 'q' || text.data[1] < '1' || text.data[1] > '4')
        return NOT_HERE;
    date->date.month = (unsigned)(text.data[1] - '1') * 3 + 1;
    date->date.day = 1;
    date->unit = UNIT_QUARTER;
    return finish(reader, index, *index + 1, date);
}

enum take dates_read(struct reader *reader, unsigned *index, bool with_year, struct written_date *ret_date)
{
    *ret_date = (struct written_date){ .date = { .month = 1, .day = 1 }, .unit = UNIT_YEAR };
    if (*index >= reader->words.n || reader->words.at[*index].kind == WORD_QUOTED)
        return NOT_HERE;
    enum take take = iso_take(reader, index, ret_date);
    if (take == NOT_HERE)
        take = day_month_take(reader, index, ret_date);
    if (take == NOT_HERE)
        take = month_take(reader, index, ret_date);
    if (take == NOT_HERE)
        take = quarter_take(reader, index, ret_date);
    if (take != NOT_HERE || !with_year)
        return take;
    *ret_date = (struct written_date){ .date = { .month = 1, .day = 1 }, .unit = UNIT_YEAR };
    return year_read(reader, index, &ret_date->date.year) ? TAKEN : NOT_HERE;
}
