/* SPDX-License-Identifier: MIT */
/* rows: every change of a row, with what hangs on it: its client id, its index entry, its zone.
 *
 * Writer thread, inside a transaction of its connection. A row that came after the watermark has its
 * index entry in the tail, not in the table; whoever changes it also calls tail_touch(). */
#pragma once

#include <stdint.h>

#include <sqlite3.h>

#include <telemetry/status.h>

#include "lookup.h"
#include "schema.h"

enum {
    ROWS_INSERT,
    ROWS_INSERT_CLIENT,
    ROWS_REPLACE,
    ROWS_REMOVE,
    ROWS_CLIENT_ID_PUT,
    ROWS_CLIENT_ID_DROP,
    ROWS_INDEX_PUT,
    ROWS_INDEX_DROP,
    ROWS_ZONE_MAKE,
    ROWS_ZONE_WIDEN,
    ROWS_ZONE_DROP,
    ROWS_META_SET,
    ROWS_COUNT
};

struct rows {
    struct lookup lookup; /* reads on the same connection see what the transaction changed */
    sqlite3_stmt *statements[ROWS_COUNT];
};

MUST_CHECK int rows_open(struct rows *rows, sqlite3 *handle, uint32_t tag);

/* Appends record, whose row is the one behind the newest; without an index entry. */
MUST_CHECK int rows_append(struct rows *rows, const struct record *record);
/* Puts new_record in the place of old, with an index entry. Row and id are the same in both. */
MUST_CHECK int rows_replace(struct rows *rows, const struct record *old, const struct record *new_record);
/* Removes a row and its index entry, if it has one. */
MUST_CHECK int rows_remove(struct rows *rows, const struct record *record);
/* Adds an index entry; one that is there already stays. */
MUST_CHECK int rows_index(struct rows *rows, const struct record *record);
/* Makes a zone's span anew from its rows; a zone without rows goes. */
MUST_CHECK int rows_zone(struct rows *rows, uint64_t block);
MUST_CHECK int rows_meta(struct rows *rows, enum meta meta, int64_t number);
