/* SPDX-License-Identifier: MIT */
/* schema: the tables, and whether a file holds them.
 *
 *  metric     one row for each metric, in order of arrival: the truth
 *  series     the dictionary of names and tag sets; key is metric.series
 *  series_tag which series have a tag
 *  client_id  rows whose id came from a client (metric.id is not NULL)
 *  by_series  the index of metrics, value included, so that sums need no other table; it holds all
 *             rows up to the watermark, and some behind it
 *  zone       the span of time of each ZONE_ROWS rows in sequence, made when the last of them comes
 *  meta       numbers of the store itself, see enum meta */
#pragma once

#include <stdint.h>

#include <sqlite3.h>

#include <telemetry/status.h>

enum { ZONE_BITS = 10, ZONE_ROWS = 1 << ZONE_BITS };

/* Rows of `meta`. */
enum meta {
    META_TAG,       /* the tag in minted ids */
    META_WATERMARK, /* all rows up to this one are in by_series */
    META_LAST_ROW,  /* no row up to this one is given out again; max(row) may be newer */
    META_PROBE,     /* written to see whether the store takes writes again */
    META_COUNT
};

/* Makes the tables in an empty file, else checks that the file is of this store and this version.
 * 0, or -1 with error set. */
MUST_CHECK int schema_settle(sqlite3 *handle, const char *path, struct error *error);

/* Reads one number. A result code of SQLite. */
MUST_CHECK int schema_meta(sqlite3 *handle, enum meta meta, int64_t *ret_number);
