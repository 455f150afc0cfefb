/* SPDX-License-Identifier: MIT */
/* clocks: times of day that are written out. */
#include <telemetry/rfc3339.h>

#include "query/prompt/dates.h"
#include "query/prompt/numbers.h"

enum { MS_PER_SECOND = 1000, MS_PER_MINUTE = 60000, MS_PER_HOUR = 3600000 };

struct clock {
    int hour, minute, second;
    bool has_minute, has_second;
    bool am, pm;
};

/* Cuts "am" or "pm" off the end. */
static struct slice without_half(struct slice text, struct clock *clock)
{
    if (text.len < 3)
        return text;
    struct slice end = { text.data + text.len - 2, 2 };
    clock->am = slice_equal(end, SLICE("am"));
    clock->pm = slice_equal(end, SLICE("pm"));
    return clock->am || clock->pm ? (struct slice){ text.data, text.len - 2 } : text;
}

static struct slice next_field(struct slice *text)
{
    const char *colon = text->len == 0 ? NULL : memchr(text->data, ':', text->len);
    struct slice field = { text->data, colon == NULL ? text->len : (size_t)(colon - text->data) };
    size_t used = field.len < text->len ? field.len + 1 : field.len;
    *text = (struct slice){ text->data + used, text->len - used };
    return field;
}

/* Two digits, three fields at most. */
static bool fields_read(struct slice text, struct clock *clock)
{
    bool ends_open = text.len > 0 && text.data[text.len - 1] == ':';
    if (ends_open || !number_digits(next_field(&text), 2, &clock->hour))
        return false;
    if (text.len == 0)
        return true;
    struct slice minutes = next_field(&text);
    clock->has_minute = minutes.len == 2 && number_digits(minutes, 2, &clock->minute);
    if (!clock->has_minute || text.len == 0)
        return clock->has_minute;
    clock->has_second = text.len == 2 && number_digits(text, 2, &clock->second);
    return clock->has_second;
}

static bool is_time_of_day(const struct clock *clock)
{
    bool halves = clock->am || clock->pm;
    if (clock->minute > 59 || clock->second > 59)
        return false;
    if (halves)
        return clock->hour >= 1 && clock->hour <= 12;
    return clock->hour < 24 || (clock->hour == 24 && clock->minute == 0 && clock->second == 0);
}

static int64_t clock_ms(const struct clock *clock)
{
    int hour = clock->am || clock->pm ? clock->hour % 12 + (clock->pm ? 12 : 0) : clock->hour;
    return hour * (int64_t)MS_PER_HOUR + clock->minute * (int64_t)MS_PER_MINUTE +
           clock->second * (int64_t)MS_PER_SECOND;
}

static int64_t clock_length_ms(const struct clock *clock)
{
    return clock->has_second ? MS_PER_SECOND : clock->has_minute ? MS_PER_MINUTE : MS_PER_HOUR;
}

/* "9 am", "9 o'clock", "14:00 o'clock": what stands behind the digits in words of its own. */
static unsigned behind_digits(const struct reader *reader, unsigned index, struct clock *clock)
{
    if (!clock->am && !clock->pm && (reader_says(reader, index, "am") || reader_says(reader, index, "pm"))) {
        clock->am = reader_says(reader, index, "am");
        clock->pm = !clock->am;
        return index + 1;
    }
    return reader_is(reader, index, LEX_O_CLOCK) ? index + 1 : index;
}

enum take dates_clock(struct reader *reader, unsigned *index, int64_t *ret_clock_ms, int64_t *ret_length_ms)
{
    struct clock clock = { .hour = 0 };
    if (reader_is(reader, *index, LEX_CLOCK)) {
        *ret_clock_ms = reader->lexemes[*index].value * (int64_t)MS_PER_MINUTE;
        *ret_length_ms = MS_PER_HOUR;
        ++*index;
        return TAKEN;
    }
    if (*index >= reader->words.n || reader->words.at[*index].kind == WORD_QUOTED)
        return NOT_HERE;
    struct slice text = without_half(reader_text(reader, *index), &clock);
    if (!fields_read(text, &clock))
        return NOT_HERE;
    unsigned end = behind_digits(reader, *index + 1, &clock);
    bool says_so = clock.has_minute || clock.am || clock.pm || end > *index + 1;
    if (!says_so)
        return NOT_HERE;
    if (!is_time_of_day(&clock))
        return reader_refuse_words(reader, (struct span){ *index, end }, "is no time of day");
    *ret_clock_ms = clock_ms(&clock);
    *ret_length_ms = clock_length_ms(&clock);
    *index = end;
    return TAKEN;
}
