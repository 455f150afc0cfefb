/* SPDX-License-Identifier: MIT */
/* rfc3339: timestamps as text (RFC 3339), in the proleptic Gregorian calendar. */
#pragma once

#include <stdint.h>

#include <telemetry/slice.h>
#include <telemetry/status.h>

enum { RFC3339_BYTES = 24 }; /* 2026-11-23T10:00:00.000Z */

/* Writes UTC with milliseconds, no NUL. timestamp_ms within METRIC_TIMESTAMP_MIN..MAX. */
void rfc3339_format(int64_t timestamp_ms, char ret_text[RFC3339_BYTES]);

/* Reads a date-time with any offset and any number of fraction digits (cut to milliseconds). The
 * letter T may be lower case or a blank, Z lower case; a leap second :60 counts as the next second.
 * False for anything else, days that do not exist, and times outside of METRIC_TIMESTAMP_MIN..MAX. */
MUST_CHECK bool rfc3339_parse(struct slice text, int64_t *ret_timestamp_ms);

/* Days since 1970-01-01 of a civil date; month 1..12, day 1..31. */
int64_t rfc3339_days(int year, unsigned month, unsigned day);
