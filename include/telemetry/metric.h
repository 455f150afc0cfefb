/* SPDX-License-Identifier: MIT */
/* metric: one measurement, as it travels through the server.
 *
 * Its series (name and tag set) is one run of bytes: the name, then each tag behind a NUL, tags
 * sorted bytewise and without doubles. Names and tags hold no control characters, so the NUL
 * separates and two metrics are of one series when the bytes are equal. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <telemetry/arena.h>
#include <telemetry/slice.h>
#include <telemetry/status.h>

/* The limits of the format. Configuration may lower the first three, not raise them. */
enum {
    METRIC_NAME_MAX = 256, /* bytes */
    METRIC_TAGS_MAX = 32,
    METRIC_TAG_MAX = 128, /* bytes */
    METRIC_SERIES_MAX = METRIC_NAME_MAX + METRIC_TAGS_MAX * (1 + METRIC_TAG_MAX),
    METRIC_ID_BYTES = 12,
    METRIC_ID_HEX = 2 * METRIC_ID_BYTES
};

/* 0001-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z: what RFC 3339 can write. */
#define METRIC_TIMESTAMP_MIN INT64_C(-62135596800000)
#define METRIC_TIMESTAMP_MAX INT64_C(253402300799999)

struct metric_id {
    uint8_t bytes[METRIC_ID_BYTES];
};

struct metric {
    struct slice series; /* in the arena of the job that carries the metric */
    uint16_t name_bytes; /* the name is the first name_bytes of series */
    uint8_t n_tags;      /* 0..METRIC_TAGS_MAX */
    bool has_id;         /* false until a client or the store gave an id */
    bool client_id;      /* the id came with the request: its insert can meet a duplicate */
    bool arrival_time;   /* the sender left the timestamp to the server */
    struct metric_id id;
    int64_t timestamp_ms; /* since 1970-01-01T00:00:00Z */
    double value;         /* finite */
};

static inline struct slice metric_name(const struct metric *metric)
{
    return (struct slice){ metric->series.data, metric->name_bytes };
}

/* Walks the tags in order: start with *cursor = 0, ends with false. *ret_tag lies in the series. */
bool metric_next_tag(const struct metric *metric, size_t *cursor, struct slice *ret_tag);

/* Makes the series bytes of a name and tags in arena: sorts tags[] in place, drops doubles, sets
 * series, name_bytes and n_tags. False when the arena is exhausted. n_tags <= METRIC_TAGS_MAX. */
MUST_CHECK bool metric_set_series(struct metric *metric, struct arena *arena, struct slice name, struct slice tags[],
                                  unsigned n_tags);

/* Same id, series, value (bitwise, but 0.0 equals -0.0) and timestamp. */
bool metric_equal(const struct metric *a, const struct metric *b);

/* Whether `sent` is what is stored, sent again: equal, or equal but for a timestamp that its sender left to the
 * server; it then takes the stored one. */
bool metric_resent(const struct metric *stored, struct metric *sent);

/* The strong entity tag (RFC 9110, 8.8.3) of the metric's document as a number. */
uint64_t metric_etag(const struct metric *metric);

/* 24 lower-case hex digits, no NUL. */
void metric_id_hex(const struct metric_id *id, char ret_hex[METRIC_ID_HEX]);

/* Reads exactly 24 hex digits of either case; false for anything else. */
MUST_CHECK bool metric_id_parse(struct slice hex, struct metric_id *ret_id);
