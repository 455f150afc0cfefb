/* SPDX-License-Identifier: MIT */
/* filters: what a filter means and whether it is allowed. Pure: no I/O, any thread. */
#pragma once

#include <stdint.h>

#include <telemetry/arena.h>
#include <telemetry/filter.h>

/* A filter that every metric passes, newest first, FILTER_LIMIT_DEFAULT of them. */
void filter_init(struct filter *filter);

/* Puts tag lists in order, drops doubles, and checks what no single member shows: from < to,
 * min <= max. Returns NULL, or a static sentence that says what is wrong. */
const char *filter_normalise(struct filter *filter);

/* The canonical bytes of a normalised filter: equal for equal questions, and nothing else. With
 * `paging` false they leave out limit, order and position, and ends of the range that move with the
 * clock: what a cursor is bound to. Lends the slice, in arena; data is NULL when memory is exhausted. */
struct slice filter_canonical(const struct filter *filter, bool paging, struct arena *arena);

/* Reads a point in time: RFC 3339, a date (its midnight, UTC), an integer of epoch milliseconds, or
 * `now`, `now-1h`, `now+30m` with units ms s m h d w. Returns NULL and sets *ret_ms, or a static
 * sentence. now_ms is what `now` means. */
const char *time_point_parse(struct slice text, int64_t now_ms, int64_t *ret_ms);

/* Whether it is written as a date, if it is a point in time at all. */
bool time_point_is_date(struct slice text);

/* Cursors: position and the question it belongs to, as URL-safe text (RFC 4648, base64url). */
struct slice cursor_format(const struct list_position *position, const struct filter *filter, struct arena *arena);
/* False when it is not a cursor, or one of another question. */
bool cursor_parse(struct slice text, const struct filter *filter, struct arena *scratch,
                  struct list_position *ret_position);
