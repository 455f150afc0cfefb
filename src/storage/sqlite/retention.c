/* SPDX-License-Identifier: MIT */
/* retention: the zone with the oldest metric is swept until nothing in it is too old, then its span
 * is made anew. Rows that no zone holds yet are few, and looked at when no zone is due. */
#include "retention.h"

#include <telemetry/clock.h>
#include <telemetry/stats.h>

#include "database.h"
#include "writer.h"

#define LOOK_AGAIN_NS (10 * NS_PER_S)

/* A slice costs the writer at most this share of its time: 1 in PAUSE_FACTOR. */
enum { PAUSE_FACTOR = 4 };

static const char *const texts[SWEEP_STATEMENTS] = {
    [SWEEP_NEXT_ZONE] = "SELECT block FROM zone WHERE min_ts < ?1 ORDER BY min_ts LIMIT 1",
    [SWEEP_NEWEST_ZONE] = "SELECT max(block) FROM zone",
    [SWEEP_ROWS] = "SELECT row FROM metric WHERE row BETWEEN ?1 AND ?2 AND ts < ?3 LIMIT ?4",
};

int sweeper_open(struct sweeper *sweeper, sqlite3 *handle)
{
    sweeper->next_ns = 0;
    return database_prepare(handle, texts, sweeper->statements, SWEEP_STATEMENTS);
}

struct slice_of_rows {
    uint64_t rows[SWEEP_SLICE_ROWS];
    unsigned n_rows;
    int64_t block; /* the zone they are of, or -1 */
};

static int find_rows(struct sweeper *sweeper, uint64_t first, uint64_t last, int64_t before_ms,
                     struct slice_of_rows *ret_slice)
{
    sqlite3_stmt *statement = sweeper->statements[SWEEP_ROWS];
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)first);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)last);
    sqlite3_bind_int64(statement, 3, before_ms);
    sqlite3_bind_int64(statement, 4, SWEEP_SLICE_ROWS);
    while (sqlite3_step(statement) == SQLITE_ROW && ret_slice->n_rows < SWEEP_SLICE_ROWS)
        ret_slice->rows[ret_slice->n_rows++] = (uint64_t)sqlite3_column_int64(statement, 0);
    return sqlite3_reset(statement);
}

/* What is to go next: rows of the zone that is due, else of those behind the last zone. */
static int find_slice(struct writer *writer, int64_t oldest_ms, struct slice_of_rows *ret_slice)
{
    struct sweeper *sweeper = &writer->sweeper;
    int64_t newest = -1;
    ret_slice->n_rows = 0;
    ret_slice->block = -1;
    sqlite3_bind_int64(sweeper->statements[SWEEP_NEXT_ZONE], 1, oldest_ms - RETENTION_SLACK_MS);
    int code = statement_number(sweeper->statements[SWEEP_NEXT_ZONE], &ret_slice->block);
    if (code == SQLITE_ROW) {
        uint64_t first = (uint64_t)ret_slice->block << ZONE_BITS;
        return find_rows(sweeper, first, first + ZONE_ROWS - 1, oldest_ms, ret_slice);
    }
    if (code == SQLITE_DONE)
        code = statement_number(sweeper->statements[SWEEP_NEWEST_ZONE], &newest);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return code;
    return find_rows(sweeper, (uint64_t)(newest + 1) << ZONE_BITS, INT64_MAX, oldest_ms - RETENTION_SLACK_MS,
                     ret_slice);
}

static int remove_slice(struct writer *writer, const struct slice_of_rows *slice)
{
    struct record record;
    for (unsigned i = 0; i < slice->n_rows; i++) {
        int code = lookup_row(&writer->rows.lookup, slice->rows[i], &record);
        if (code == SQLITE_ROW)
            code = transaction_remove(writer, &record);
        if (code != SQLITE_OK && code != SQLITE_DONE)
            return code;
    }
    if (slice->block < 0 || slice->n_rows == SWEEP_SLICE_ROWS)
        return SQLITE_OK;
    return rows_zone(&writer->rows, (uint64_t)slice->block);
}

uint64_t sweeper_tick(struct writer *writer, uint64_t now_ns)
{
    struct sweeper *sweeper = &writer->sweeper;
    struct slice_of_rows slice;
    if (writer->session.store->retention_ms == 0)
        return UINT64_MAX;
    if (now_ns < sweeper->next_ns)
        return sweeper->next_ns;
    uint64_t start_ns = clock_ns();
    sweeper->next_ns = now_ns + LOOK_AGAIN_NS;
    int code = transaction_begin(writer, 0);
    if (code == SQLITE_OK)
        code = find_slice(writer, store_oldest_ms(writer->session.store), &slice);
    bool more = code == SQLITE_OK && (slice.n_rows > 0 || slice.block >= 0);
    if (code == SQLITE_OK)
        code = remove_slice(writer, &slice);
    if (transaction_end(writer, code, 0) != STATUS_OK || !more)
        return sweeper->next_ns;
    stats_add(writer->session.stats, STATS_METRICS_EXPIRED, slice.n_rows);
    uint64_t end_ns = clock_ns();
    sweeper->next_ns = end_ns + (PAUSE_FACTOR - 1) * (end_ns - start_ns);
    return sweeper->next_ns;
}
