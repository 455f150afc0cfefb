/* SPDX-License-Identifier: MIT */
/* dates: dates and times of day that are written out. */
#pragma once

#include "query/calendar.h"
#include "query/prompt/reader.h"

/* A date of the calendar: a day, or with `unit` a month, quarter or year. */
struct written_date {
    struct calendar_date date;
    enum plan_unit unit;
    bool is_recent; /* no year was said */
    bool has_clock; /* "2014-02-20t14:00" */
    int64_t clock_ms, length_ms;
    bool has_moment; /* "2014-02-20t14:00:00z" */
    int64_t moment_ms;
};

/* "14:00", "14:00:30", "2pm", "2:30 pm", "9 o'clock", noon: since midnight, and how long what is written so lasts: an
 * hour, a minute, a second. Moves *index behind it. */
enum take dates_clock(struct reader *reader, unsigned *index, int64_t *ret_clock_ms, int64_t *ret_length_ms);

/* "2014-02-20", "2014-02", "20 february 2014", "feb 20", "april 2014", "april", "q1 2014", and "2014" where
 * `with_year`. What has no year is the most recent one. Moves *index behind it. */
enum take dates_read(struct reader *reader, unsigned *index, bool with_year, struct written_date *ret_date);
