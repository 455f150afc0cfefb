/* SPDX-License-Identifier: MIT */
/* zone_own: what a zone is made of. Seconds count from 1970-01-01T00:00:00Z. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <telemetry/slice.h>
#include <telemetry/status.h>

enum {
    ZONE_NAME_MAX = 64,
    ZONE_OFFSET_MIN = -25 * 3600 + 1, /* seconds ahead of UTC (RFC 9636, 3.2) */
    ZONE_OFFSET_MAX = 26 * 3600 - 1,
    ZONE_SECONDS_PER_DAY = 86400
};

/* Seconds outside of this count as the nearest one; RFC 3339 ends long before. */
#define ZONE_SECONDS_MAX (INT64_C(1) << 38)

/* The day of a year on which a rule begins or ends daylight saving time. */
enum zone_day_kind {
    ZONE_DAY_JULIAN, /* Jn: 1..365, 29 February is never counted */
    ZONE_DAY_ZERO,   /* n: 0..365, it is */
    ZONE_DAY_WEEK    /* Mm.w.d */
};

struct zone_day {
    uint8_t kind; /* enum zone_day_kind */
    uint8_t month, week, weekday;
    uint16_t day;
    int32_t time_s; /* local, after midnight of that day; may be below 0 and above a day */
};

/* What goes on for ever behind the last change of a file. */
struct zone_rule {
    bool present;
    bool has_dst;
    int32_t standard_s, dst_s; /* ahead of UTC */
    struct zone_day dst_begin, dst_end;
};

/* A stretch of time with one offset: [from_s, to_s). */
struct zone_span {
    int64_t from_s, to_s;
    int32_t offset_s;
};

struct zone_change {
    int64_t at_s;
    int32_t offset_s; /* from then on */
};

struct zone {
    struct zone *next; /* in the table */
    char name[ZONE_NAME_MAX];
    uint8_t name_bytes;
    int32_t first_s; /* the offset before the first change */
    struct zone_rule rule;
    uint32_t n_changes;
    struct zone_change *changes; /* in order of time, behind the zone in its memory */
};

/* Gives a zone without a name read from the bytes of a TZif file, or NULL: they are none, or there is no memory.
 * Freed by free(). Files with leap seconds are refused: the server's clock knows none. */
struct zone *zone_tzif_read(struct slice file);

/* Reads the TZ string at the end of a TZif file (POSIX, with the extensions of RFC 9636, 3.3.1). */
MUST_CHECK bool zone_rule_parse(struct slice text, struct zone_rule *ret_rule);
/* The stretch with this second in it. */
struct zone_span zone_rule_span(const struct zone_rule *rule, int64_t second);
