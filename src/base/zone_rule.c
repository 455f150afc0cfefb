/* SPDX-License-Identifier: MIT */
/* zone_rule: "CET-1CEST,M3.5.0,M10.5.0/3" says which offset holds in every year to come. Of the two names only the
 * length counts. Offsets in the text are what is behind UTC, as POSIX has it. */
#include <telemetry/rfc3339.h>

#include "zone_own.h"

enum { NAME_BYTES_MIN = 3, HOURS_MAX = 167, DST_AHEAD_S = 3600, CHANGE_TIME_S = 2 * 3600, DAYS_PER_ERA = 146097 };

static int peek(const struct slice *rest)
{
    return rest->len == 0 ? -1 : (unsigned char)rest->data[0];
}

static bool take_letter(struct slice *rest, char letter)
{
    if (peek(rest) != letter)
        return false;
    *rest = (struct slice){ rest->data + 1, rest->len - 1 };
    return true;
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

/* One to three digits. */
static bool take_number(struct slice *rest, unsigned max, unsigned *ret_number)
{
    unsigned number = 0, n = 0;
    for (; n < 3 && is_digit(peek(rest)); n++) {
        number = number * 10 + (unsigned)(peek(rest) - '0');
        take_letter(rest, rest->data[0]);
    }
    *ret_number = number;
    return n > 0 && number <= max;
}

/* Letters, or letters, digits and signs in angle brackets. */
static bool take_name(struct slice *rest)
{
    bool quoted = take_letter(rest, '<');
    size_t n = 0;
    for (int c; (c = peek(rest)) != -1; n++) {
        bool is_letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!is_letter && !(quoted && (is_digit(c) || c == '+' || c == '-')))
            break;
        take_letter(rest, (char)c);
    }
    return n >= NAME_BYTES_MIN && (!quoted || take_letter(rest, '>'));
}

/* [+-]h[h[h]][:mm[:ss]] */
static bool take_time(struct slice *rest, int32_t *ret_seconds)
{
    unsigned hours, minutes = 0, seconds = 0;
    bool negative = take_letter(rest, '-');
    if (!negative)
        take_letter(rest, '+');
    if (!take_number(rest, HOURS_MAX, &hours))
        return false;
    if (take_letter(rest, ':') &&
        (!take_number(rest, 59, &minutes) || (take_letter(rest, ':') && !take_number(rest, 59, &seconds))))
        return false;
    int32_t time_s = (int32_t)(hours * 3600 + minutes * 60 + seconds);
    *ret_seconds = negative ? -time_s : time_s;
    return true;
}

static bool take_offset(struct slice *rest, int32_t *ret_ahead_s)
{
    int32_t behind_s;
    if (!take_time(rest, &behind_s))
        return false;
    *ret_ahead_s = -behind_s;
    return *ret_ahead_s >= ZONE_OFFSET_MIN && *ret_ahead_s <= ZONE_OFFSET_MAX;
}

static bool take_week_day(struct slice *rest, struct zone_day *day)
{
    unsigned month, week, weekday;
    day->kind = ZONE_DAY_WEEK;
    if (!take_number(rest, 12, &month) || !take_letter(rest, '.') || !take_number(rest, 5, &week) ||
        !take_letter(rest, '.') || !take_number(rest, 6, &weekday) || month == 0 || week == 0)
        return false;
    day->month = (uint8_t)month;
    day->week = (uint8_t)week;
    day->weekday = (uint8_t)weekday;
    return true;
}

/* ,date[/time] */
static bool take_day(struct slice *rest, struct zone_day *day)
{
    unsigned number = 1;
    bool good = take_letter(rest, ',');
    day->time_s = CHANGE_TIME_S;
    if (take_letter(rest, 'M')) {
        good = good && take_week_day(rest, day);
    } else {
        day->kind = take_letter(rest, 'J') ? ZONE_DAY_JULIAN : ZONE_DAY_ZERO;
        good = good && take_number(rest, 365, &number) && (number > 0 || day->kind == ZONE_DAY_ZERO);
        day->day = (uint16_t)number;
    }
    return good && (!take_letter(rest, '/') || take_time(rest, &day->time_s));
}

bool zone_rule_parse(struct slice text, struct zone_rule *ret_rule)
{
    struct zone_rule rule = { .present = true };
    if (!take_name(&text) || !take_offset(&text, &rule.standard_s))
        return false;
    if (text.len > 0) {
        rule.has_dst = true;
        rule.dst_s = rule.standard_s + DST_AHEAD_S;
        if (!take_name(&text) || (peek(&text) != ',' && !take_offset(&text, &rule.dst_s)) ||
            !take_day(&text, &rule.dst_begin) || !take_day(&text, &rule.dst_end) || text.len > 0)
            return false;
    }
    *ret_rule = rule;
    return true;
}

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* The first of the weekday in the month, then weeks further; the fifth is the last, be it the fourth. */
static int64_t week_day_of(const struct zone_day *day, int year)
{
    int64_t first = rfc3339_days(year, day->month, 1);
    int64_t next = day->month == 12 ? rfc3339_days(year + 1, 1, 1) : rfc3339_days(year, day->month + 1U, 1);
    int64_t weekday = ((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday, 4 */
    int64_t found = first + (day->weekday - weekday + 7) % 7 + (day->week - 1) * 7;
    return found < next ? found : found - 7;
}

/* Local seconds at which the day's change is in a year. */
static int64_t local_second(const struct zone_day *day, int year)
{
    int64_t days = rfc3339_days(year, 1, 1);
    if (day->kind == ZONE_DAY_WEEK)
        days = week_day_of(day, year);
    else if (day->kind == ZONE_DAY_ZERO)
        days += day->day;
    else
        days += day->day - 1 + (is_leap(year) && day->day >= 60);
    return days * ZONE_SECONDS_PER_DAY + day->time_s;
}

/* Puts a change in its place; of two at one time the one that was put later is later. */
static unsigned put_change(struct zone_change changes[], unsigned n, struct zone_change change)
{
    unsigned place = n;
    for (; place > 0 && changes[place - 1].at_s > change.at_s; place--)
        changes[place] = changes[place - 1];
    changes[place] = change;
    return n + 1;
}

/* Rounded down, before 1970 too. */
static int64_t divide(int64_t number, int64_t by)
{
    return number / by - (number % by < 0);
}

/* The year is the right one or, on its first and last days, a neighbour; and a change is at most some days outside of
 * its own year. So these five years hold the last change before the second and the first one behind it. */
struct zone_span zone_rule_span(const struct zone_rule *rule, int64_t second)
{
    struct zone_change changes[10];
    struct zone_span span = { INT64_MIN, INT64_MAX, rule->standard_s };
    unsigned n = 0;
    if (!rule->has_dst)
        return span;
    int year = 1970 + (int)divide(divide(second, ZONE_SECONDS_PER_DAY) * 400, DAYS_PER_ERA);
    for (int y = year - 2; y <= year + 2; y++) {
        int64_t begin_s = local_second(&rule->dst_begin, y) - rule->standard_s;
        int64_t end_s = local_second(&rule->dst_end, y) - rule->dst_s;
        n = put_change(changes, n, (struct zone_change){ end_s, rule->standard_s });
        n = put_change(changes, n, (struct zone_change){ begin_s, rule->dst_s });
    }
    for (unsigned i = 0; i < n && changes[i].at_s <= second; i++)
        span = (struct zone_span){ changes[i].at_s, i + 1 < n ? changes[i + 1].at_s : INT64_MAX, changes[i].offset_s };
    return span;
}
