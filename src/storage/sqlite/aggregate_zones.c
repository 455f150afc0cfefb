/* SPDX-License-Identifier: MIT */
#include "aggregate.h"

#include "database.h"
#include "schema.h"

static void bind_range(const struct aggregator *aggregator, sqlite3_stmt *statement)
{
    sqlite3_bind_int64(statement, 1, aggregator->low_ms);
    sqlite3_bind_int64(statement, 2, aggregator->high_ms);
}

/* The first row behind all zones. */
static int first_loose_row(struct aggregator *aggregator, int64_t *ret_row)
{
    int64_t newest = -1;
    int code = statement_number(aggregator->statements[AGGREGATE_NEWEST_ZONE], &newest);
    *ret_row = (newest + 1) << ZONE_BITS;
    return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

int aggregate_zone_rows(struct aggregator *aggregator, uint64_t *ret_n_rows)
{
    sqlite3_stmt *statement = aggregator->statements[AGGREGATE_ZONES_N];
    int64_t n_zones = 0;
    bind_range(aggregator, statement);
    int code = statement_number(statement, &n_zones);
    *ret_n_rows = (uint64_t)(n_zones + 1) * ZONE_ROWS;
    return code == SQLITE_ROW ? SQLITE_OK : code;
}

/* Zones cover their rows whatever became of them; where rows before the tail are in none, there is no end. */
int aggregate_index_end(struct aggregator *aggregator)
{
    sqlite3_stmt *statement = aggregator->statements[AGGREGATE_NEWEST_OF];
    int64_t loose = 0, newest_ms = INT64_MAX;
    int code = first_loose_row(aggregator, &loose);
    if (code != SQLITE_OK || (uint64_t)loose < aggregator->tail_first)
        return code;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)((aggregator->tail_first - 1) >> ZONE_BITS));
    code = statement_number(statement, &newest_ms);
    if (code != SQLITE_ROW)
        return code == SQLITE_DONE ? SQLITE_OK : code;
    aggregator->index_to_ms = newest_ms == INT64_MAX ? newest_ms : newest_ms + 1;
    return SQLITE_OK;
}

static int take_row(struct aggregator *aggregator, sqlite3_stmt *statement)
{
    struct sample sample = { sqlite3_column_int64(statement, 1), sqlite3_column_double(statement, 2),
                             (uint64_t)sqlite3_column_int64(statement, 0), 0 };
    uint32_t series = (uint32_t)sqlite3_column_int64(statement, 3);
    if (!aggregate_passes(aggregator, sample.timestamp_ms, sample.value))
        return SQLITE_OK;
    int code = selection_judge(&aggregator->selection, series);
    if (code != SQLITE_ROW)
        return code == SQLITE_DONE ? SQLITE_OK : code;
    return aggregate_take(aggregator, series, &sample);
}

static int take_rows(struct aggregator *aggregator, int64_t first, int64_t last)
{
    sqlite3_stmt *statement = aggregator->statements[AGGREGATE_ROWS];
    int code = SQLITE_OK;
    sqlite3_bind_int64(statement, 1, first);
    sqlite3_bind_int64(statement, 2, last);
    while (code == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
        code = take_row(aggregator, statement);
    int failure = sqlite3_reset(statement);
    return failure != SQLITE_OK ? failure : code;
}

/* Takes the rows first..last that are in none of the zones, or in one of those that the statement gives. */
static int take_zones(struct aggregator *aggregator, sqlite3_stmt *zones, int64_t first, int64_t last)
{
    int64_t loose = 0;
    int code = first_loose_row(aggregator, &loose);
    if (code == SQLITE_OK)
        code = take_rows(aggregator, loose > first ? loose : first, last);
    bind_range(aggregator, zones);
    while (code == SQLITE_OK && sqlite3_step(zones) == SQLITE_ROW) {
        int64_t start = sqlite3_column_int64(zones, 0) << ZONE_BITS, end = start + ZONE_ROWS - 1;
        code = take_rows(aggregator, start > first ? start : first, end < last ? end : last);
    }
    int failure = sqlite3_reset(zones);
    return failure != SQLITE_OK ? failure : code;
}

int aggregate_zones(struct aggregator *aggregator)
{
    return take_zones(aggregator, aggregator->statements[AGGREGATE_ZONES], 0, INT64_MAX);
}

int aggregate_tail_zones(struct aggregator *aggregator)
{
    sqlite3_stmt *zones = aggregator->statements[AGGREGATE_ZONES_OF];
    int64_t first = (int64_t)aggregator->tail_first, last = (int64_t)aggregator->tail_last;
    if (aggregator->tail_first > aggregator->tail_last)
        return SQLITE_OK;
    sqlite3_bind_int64(zones, 3, first >> ZONE_BITS);
    sqlite3_bind_int64(zones, 4, last >> ZONE_BITS);
    return take_zones(aggregator, zones, first, last);
}
