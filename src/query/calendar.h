/* SPDX-License-Identifier: MIT */
/* calendar: days, weeks, months and years as the wall clock of a zone shows them.
 *
 * Days have 23, 24 or 25 hours, or are skipped, as the zone has it. Moments are milliseconds since
 * 1970-01-01T00:00:00Z; results outside of METRIC_TIMESTAMP_MIN..MAX become the nearer of the two. Any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <telemetry/plan.h>
#include <telemetry/zone.h>

/* A date of the proleptic Gregorian calendar. */
struct calendar_date {
    int year;
    unsigned month, day; /* 1..12, 1..31 */
};

unsigned calendar_month_days(int year, unsigned month);
/* Whether there is such a day, in the years 1 to 9999. */
bool calendar_date_exists(struct calendar_date date);
/* 0 is Monday, 6 Sunday. */
unsigned calendar_weekday(struct calendar_date date);

/* The date that the wall clock shows at this moment, and in *ret_ms_of_day (may be NULL) what it shows since midnight:
 * 0..86399999. */
struct calendar_date calendar_date_at(const struct zone *zone, int64_t utc_ms, int64_t *ret_ms_of_day);
/* The moment at which the wall clock shows a date and a time since its midnight, which may be below 0 or above a
 * day. As zone_to_utc(): skipped times give the moment of the jump. The date need not exist: day 0 is the day before
 * the first of the month, month 13 the next January. */
int64_t calendar_moment(const struct zone *zone, struct calendar_date date, int64_t ms_of_day);

/* The start of the unit (SECOND..YEAR) in which the moment lies: its midnight, its Monday, the first of its month,
 * quarter or year; of units below a day, the last time at which the wall clock showed a whole one. */
int64_t calendar_start(const struct zone *zone, enum plan_unit unit, int64_t utc_ms);
/* Milliseconds of SECOND, MINUTE and HOUR, months of MONTH, QUARTER and YEAR; 0 for other units. */
int64_t calendar_unit_ms(enum plan_unit unit);
unsigned calendar_unit_months(enum plan_unit unit);
/* DAY..YEAR have numbers, one for each in order; days from 1970-01-01 on, weeks from the one with that day, months,
 * quarters and years from the year 0. The number of the unit in which a moment lies; the start of a unit. */
int64_t calendar_unit_index(const struct zone *zone, enum plan_unit unit, int64_t utc_ms);
int64_t calendar_unit_start(const struct zone *zone, enum plan_unit unit, int64_t index);

/* n units (SECOND..YEAR) further, or back for n < 0. Below a day it is time that passes; from days on the wall clock
 * shows the same time on another date: a day that the month does not have becomes its last. */
int64_t calendar_add(const struct zone *zone, enum plan_unit unit, int64_t n, int64_t utc_ms);
