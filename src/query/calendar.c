/* SPDX-License-Identifier: MIT */
/* calendar: a moment becomes the local date and time, which is moved by whole numbers, and becomes a moment again. */
#include "query/calendar.h"

#include <telemetry/metric.h>
#include <telemetry/rfc3339.h>

enum { MS_PER_DAY = 86400000, DAYS_PER_ERA = 146097, YEARS_PER_ERA = 400, MONTHS_PER_YEAR = 12, YEAR_MAX = 9999 };

/* Local times that are surely outside: a day before the years of RFC 3339, and a day behind. */
#define LOCAL_MIN (METRIC_TIMESTAMP_MIN - 2 * (int64_t)MS_PER_DAY)
#define LOCAL_MAX (METRIC_TIMESTAMP_MAX + 2 * (int64_t)MS_PER_DAY)

static int64_t floor_div(int64_t number, int64_t divisor)
{
    return number / divisor - (number % divisor < 0);
}

static int64_t clamp(int64_t number, int64_t min, int64_t max)
{
    return number < min ? min : number > max ? max : number;
}

static int64_t in_range(int64_t utc_ms)
{
    return clamp(utc_ms, METRIC_TIMESTAMP_MIN, METRIC_TIMESTAMP_MAX);
}

unsigned calendar_month_days(int year, unsigned month)
{
    static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month - 1];
}

bool calendar_date_exists(struct calendar_date date)
{
    return date.year >= 1 && date.year <= YEAR_MAX && date.month >= 1 && date.month <= MONTHS_PER_YEAR &&
           date.day >= 1 && date.day <= calendar_month_days(date.year, date.month);
}

/* Monday is 0; 1970-01-01 was a Thursday. */
static unsigned weekday_of(int64_t days)
{
    return (unsigned)(days + 3 - floor_div(days + 3, 7) * 7);
}

unsigned calendar_weekday(struct calendar_date date)
{
    return weekday_of(rfc3339_days(date.year, date.month, date.day));
}

/* The guess of the year is off by one at most. */
static struct calendar_date date_of(int64_t days)
{
    int64_t year = 1970 + floor_div(days * YEARS_PER_ERA, DAYS_PER_ERA);
    while (rfc3339_days((int)year, 1, 1) > days)
        year--;
    while (rfc3339_days((int)year + 1, 1, 1) <= days)
        year++;
    unsigned day = (unsigned)(days - rfc3339_days((int)year, 1, 1));
    unsigned month = 1;
    for (unsigned n; day >= (n = calendar_month_days((int)year, month)); month++)
        day -= n;
    return (struct calendar_date){ (int)year, month, day + 1 };
}

struct calendar_date calendar_date_at(const struct zone *zone, int64_t utc_ms, int64_t *ret_ms_of_day)
{
    utc_ms = in_range(utc_ms);
    int64_t local_ms = utc_ms + zone_offset_ms(zone, utc_ms);
    int64_t days = floor_div(local_ms, MS_PER_DAY);
    if (ret_ms_of_day != NULL)
        *ret_ms_of_day = local_ms - days * MS_PER_DAY;
    return date_of(days);
}

static int64_t moment_of_day(const struct zone *zone, int64_t days, int64_t ms_of_day)
{
    int64_t day_ms = clamp(days, LOCAL_MIN / MS_PER_DAY, LOCAL_MAX / MS_PER_DAY) * MS_PER_DAY;
    int64_t local_ms;
    if (__builtin_add_overflow(day_ms, ms_of_day, &local_ms))
        local_ms = ms_of_day;
    return in_range(zone_to_utc(zone, clamp(local_ms, LOCAL_MIN, LOCAL_MAX)));
}

/* Days of the first of a month that is counted from January of year 0. */
static int64_t days_of_month(int64_t months)
{
    months = clamp(months, 0, (YEAR_MAX + 2) * (int64_t)MONTHS_PER_YEAR);
    return rfc3339_days((int)(months / MONTHS_PER_YEAR), (unsigned)(months % MONTHS_PER_YEAR) + 1, 1);
}

static int64_t months_of(struct calendar_date date)
{
    return (int64_t)date.year * MONTHS_PER_YEAR + (int64_t)date.month - 1;
}

int64_t calendar_moment(const struct zone *zone, struct calendar_date date, int64_t ms_of_day)
{
    int64_t days = days_of_month(months_of(date)) + (int64_t)date.day - 1;
    return moment_of_day(zone, days, ms_of_day);
}

int64_t calendar_unit_ms(enum plan_unit unit)
{
    static const int32_t units[] = { [UNIT_SECOND] = 1000, [UNIT_MINUTE] = 60000, [UNIT_HOUR] = 3600000 };
    return unit <= UNIT_HOUR ? units[unit] : 0;
}

unsigned calendar_unit_months(enum plan_unit unit)
{
    return unit == UNIT_MONTH ? 1 : unit == UNIT_QUARTER ? 3 : unit == UNIT_YEAR ? MONTHS_PER_YEAR : 0;
}

int64_t calendar_unit_index(const struct zone *zone, enum plan_unit unit, int64_t utc_ms)
{
    struct calendar_date date = calendar_date_at(zone, utc_ms, NULL);
    if (calendar_unit_months(unit) > 0)
        return months_of(date) / calendar_unit_months(unit);
    int64_t days = rfc3339_days(date.year, date.month, date.day);
    return unit == UNIT_WEEK ? floor_div(days + 3, 7) : days;
}

int64_t calendar_unit_start(const struct zone *zone, enum plan_unit unit, int64_t index)
{
    index = clamp(index, LOCAL_MIN / MS_PER_DAY, LOCAL_MAX / MS_PER_DAY);
    if (calendar_unit_months(unit) > 0)
        return moment_of_day(zone, days_of_month(index * calendar_unit_months(unit)), 0);
    return moment_of_day(zone, unit == UNIT_WEEK ? index * 7 - 3 : index, 0);
}

int64_t calendar_start(const struct zone *zone, enum plan_unit unit, int64_t utc_ms)
{
    if (unit > UNIT_HOUR)
        return calendar_unit_start(zone, unit, calendar_unit_index(zone, unit, utc_ms));
    utc_ms = in_range(utc_ms);
    int64_t local_ms = utc_ms + zone_offset_ms(zone, utc_ms);
    return in_range(utc_ms - (local_ms - floor_div(local_ms, calendar_unit_ms(unit)) * calendar_unit_ms(unit)));
}

static int64_t add_months(const struct zone *zone, int64_t n, int64_t utc_ms)
{
    int64_t ms_of_day;
    struct calendar_date date = calendar_date_at(zone, utc_ms, &ms_of_day);
    int64_t first = days_of_month(months_of(date) + n);
    struct calendar_date target = date_of(first);
    unsigned last = calendar_month_days(target.year, target.month);
    return moment_of_day(zone, first + (date.day < last ? date.day : last) - 1, ms_of_day);
}

int64_t calendar_add(const struct zone *zone, enum plan_unit unit, int64_t n, int64_t utc_ms)
{
    int64_t ms_of_day;
    n = clamp(n, LOCAL_MIN / 1000, LOCAL_MAX / 1000); /* more seconds than there are */
    utc_ms = in_range(utc_ms);
    if (unit <= UNIT_HOUR)
        return in_range(utc_ms + n * calendar_unit_ms(unit));
    if (calendar_unit_months(unit) > 0)
        return add_months(zone, n * calendar_unit_months(unit), utc_ms);
    struct calendar_date date = calendar_date_at(zone, utc_ms, &ms_of_day);
    int64_t days = rfc3339_days(date.year, date.month, date.day) + n * (unit == UNIT_WEEK ? 7 : 1);
    return moment_of_day(zone, days, ms_of_day);
}
