/* SPDX-License-Identifier: MIT */
/* lookup: from an id to its row, from a row to its metric. Used by writer and readers alike, each on
 * its own connection and inside its own transaction. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include <telemetry/arena.h>
#include <telemetry/metric.h>

enum { LOOKUP_ROW, LOOKUP_CLIENT_ID, LOOKUP_SERIES, LOOKUP_COUNT };

struct lookup {
    uint32_t tag; /* of the ids this store mints */
    sqlite3_stmt *statements[LOOKUP_COUNT];
};

/* One row of `metric`, and the id it has. */
struct record {
    uint64_t row;
    uint32_t series;
    bool client_id; /* the id is kept in the row, and in client_id */
    int64_t timestamp_ms;
    double value;
    struct metric_id id;
};

MUST_CHECK int lookup_open(struct lookup *lookup, sqlite3 *handle, uint32_t tag);

/* SQLITE_ROW with *ret_record set, SQLITE_DONE when there is none, or a failure. */
MUST_CHECK int lookup_row(struct lookup *lookup, uint64_t row, struct record *ret_record);
MUST_CHECK int lookup_id(struct lookup *lookup, const struct metric_id *id, struct record *ret_record);

/* The series bytes of a dictionary entry, copied to arena. SQLITE_OK, or a failure: SQLITE_NOMEM
 * when the arena is exhausted, SQLITE_CORRUPT when there is no such entry. */
MUST_CHECK int lookup_series(struct lookup *lookup, uint32_t series, struct arena *arena, struct slice *ret_series);

/* The metric of a record and its series bytes (kept). */
struct metric record_metric(const struct record *record, struct slice series);
