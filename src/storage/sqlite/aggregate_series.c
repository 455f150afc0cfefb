/* SPDX-License-Identifier: MIT */
#include "aggregate.h"

#include <math.h>

#include "database.h"

static int64_t earlier(int64_t a_ms, int64_t b_ms)
{
    return a_ms < b_ms ? a_ms : b_ms;
}

static int64_t later(int64_t a_ms, int64_t b_ms)
{
    return a_ms > b_ms ? a_ms : b_ms;
}

/* Asks for the turn's range, less what only the tail can have. */
static sqlite3_stmt *bind_series(const struct aggregator *aggregator, unsigned which, uint32_t series)
{
    sqlite3_stmt *statement = aggregator->statements[which];
    sqlite3_bind_int64(statement, 1, series);
    sqlite3_bind_int64(statement, 2, aggregator->low_ms);
    sqlite3_bind_int64(statement, 3, earlier(aggregator->high_ms, aggregator->index_to_ms));
    return statement;
}

static sqlite3_int64 end_row(const struct aggregator *aggregator)
{
    return aggregator->tail_first > INT64_MAX ? INT64_MAX : (sqlite3_int64)aggregator->tail_first;
}

/* The extent ---------------------------------------------------------------- */

/* Looks only where the series could widen what is known. */
static int widen_extent(struct aggregator *aggregator, uint32_t series)
{
    static const unsigned ends[] = { AGGREGATE_FIRST_ENTRY, AGGREGATE_LAST_ENTRY };
    for (unsigned i = 0; i < 2; i++) {
        sqlite3_stmt *statement = bind_series(aggregator, ends[i], series);
        int64_t at_ms = 0;
        if (i == 0 && aggregator->first_ms < earlier(aggregator->high_ms, aggregator->index_to_ms))
            sqlite3_bind_int64(statement, 3, aggregator->first_ms);
        if (i == 1 && aggregator->last_ms >= aggregator->low_ms)
            sqlite3_bind_int64(statement, 2, aggregator->last_ms + 1);
        sqlite3_bind_int64(statement, 4, end_row(aggregator));
        sqlite3_bind_double(statement, 5, aggregator->filter->min);
        sqlite3_bind_double(statement, 6, aggregator->filter->max);
        int code = statement_number(statement, &at_ms);
        if (code != SQLITE_ROW && code != SQLITE_DONE)
            return code;
        if (code == SQLITE_ROW && at_ms < aggregator->first_ms)
            aggregator->first_ms = at_ms;
        if (code == SQLITE_ROW && at_ms > aggregator->last_ms)
            aggregator->last_ms = at_ms;
    }
    return SQLITE_OK;
}

static int measure_extent(struct aggregator *aggregator)
{
    int code = SQLITE_OK;
    for (uint32_t i = 0; code == SQLITE_OK && i < aggregator->selection.n_series; i++)
        code = widen_extent(aggregator, aggregator->selection.series[i]);
    return code;
}

/* Counting ------------------------------------------------------------------ */

/* Whether the number of each series' metrics is all that the plan needs of them. */
static bool counts_suffice(const struct aggregator *aggregator)
{
    const int64_t *edges;
    return (tally_needs(aggregator->tally) & ~(unsigned)(TALLY_NAMES | TALLY_TAGS)) == 0 &&
           tally_edges(aggregator->tally, &edges) == 0 && isinf(aggregator->filter->min) &&
           isinf(aggregator->filter->max);
}

/* Adds the number of a series' entries in a part of the range. */
static int count_part(sqlite3_stmt *statement, int64_t low_ms, int64_t high_ms, int64_t *n)
{
    int64_t found = 0;
    if (low_ms >= high_ms)
        return SQLITE_OK;
    sqlite3_bind_int64(statement, 2, low_ms);
    sqlite3_bind_int64(statement, 3, high_ms);
    int code = statement_number(statement, &found);
    *n += found;
    return code == SQLITE_ROW ? SQLITE_OK : code;
}

/* Before the tail begins each entry counts; from there on the tail's rows must be told apart, which costs more. */
static int count_entries(const struct aggregator *aggregator, uint32_t series, int64_t *ret_n)
{
    int64_t high_ms = earlier(aggregator->high_ms, aggregator->index_to_ms);
    sqlite3_stmt *old = bind_series(aggregator, AGGREGATE_ENTRIES_OLD, series);
    *ret_n = 0;
    int code = count_part(bind_series(aggregator, AGGREGATE_ENTRIES_N, series), aggregator->low_ms,
                          earlier(high_ms, aggregator->tail_from_ms), ret_n);
    sqlite3_bind_int64(old, 4, end_row(aggregator));
    return code != SQLITE_OK ? code
                             : count_part(old, later(aggregator->low_ms, aggregator->tail_from_ms), high_ms, ret_n);
}

static int count_series(struct aggregator *aggregator, uint32_t series)
{
    int64_t n;
    uint32_t handle;
    int code = count_entries(aggregator, series, &n);
    if (code != SQLITE_OK || n == 0)
        return code;
    code = aggregate_handle(aggregator, series, &handle);
    if (code != SQLITE_OK)
        return code;
    struct moments moments = { .count = (uint64_t)n };
    tally_seen(aggregator->tally, moments.count, aggregator->first_ms, aggregator->last_ms);
    return tally_merge(aggregator->tally, handle, aggregator->low_ms, &moments) ? SQLITE_OK : SQLITE_DONE;
}

static int count_all(struct aggregator *aggregator)
{
    const struct filter *filter = aggregator->filter;
    int code = SQLITE_OK;
    aggregator->first_ms = INT64_MAX;
    aggregator->last_ms = INT64_MIN;
    if (filter->from_ms == INT64_MIN || filter->to_ms == INT64_MAX)
        code = measure_extent(aggregator);
    for (uint32_t i = 0; code == SQLITE_OK && i < aggregator->selection.n_series; i++)
        code = count_series(aggregator, aggregator->selection.series[i]);
    return code;
}

/* Walking ------------------------------------------------------------------- */

static int walk_series(struct aggregator *aggregator, uint32_t series)
{
    const struct filter *filter = aggregator->filter;
    sqlite3_stmt *statement = bind_series(aggregator, AGGREGATE_ENTRIES, series);
    bool has_handle = false, going_on = true;
    uint32_t handle = 0;
    int code = SQLITE_OK;
    while (going_on && code == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
        struct sample sample = { sqlite3_column_int64(statement, 0), sqlite3_column_double(statement, 2),
                                 (uint64_t)sqlite3_column_int64(statement, 1), 0 };
        if (sample.tie >= aggregator->tail_first || sample.value < filter->min || sample.value > filter->max)
            continue;
        if (!has_handle)
            code = aggregate_handle(aggregator, series, &handle);
        has_handle = true;
        going_on = code != SQLITE_OK || tally_add(aggregator->tally, handle, &sample);
    }
    int failure = sqlite3_reset(statement);
    if (failure != SQLITE_OK)
        return failure;
    return going_on ? code : SQLITE_DONE;
}

int aggregate_all_series(struct aggregator *aggregator)
{
    if (aggregator->measuring)
        return measure_extent(aggregator);
    if (counts_suffice(aggregator))
        return count_all(aggregator);
    int code = SQLITE_OK;
    for (uint32_t i = 0; code == SQLITE_OK && i < aggregator->selection.n_series; i++)
        code = walk_series(aggregator, aggregator->selection.series[i]);
    return code;
}
