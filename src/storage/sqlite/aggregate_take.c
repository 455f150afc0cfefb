/* SPDX-License-Identifier: MIT */
#include "aggregate.h"

#include "database.h"

bool aggregate_passes(const struct aggregator *aggregator, int64_t timestamp_ms, double value)
{
    return timestamp_ms >= aggregator->low_ms && timestamp_ms < aggregator->high_ms &&
           value >= aggregator->filter->min && value <= aggregator->filter->max;
}

static int ask_handle(struct aggregator *aggregator, uint32_t series, uint32_t *ret_handle)
{
    sqlite3_stmt *statement = aggregator->statements[AGGREGATE_KEY];
    sqlite3_bind_int64(statement, 1, series);
    int code = sqlite3_step(statement);
    bool taken = false;
    if (code == SQLITE_ROW) {
        struct slice key = { sqlite3_column_blob(statement, 0), (size_t)sqlite3_column_bytes(statement, 0) };
        taken = tally_series(aggregator->tally, key, ret_handle);
    }
    int failure = sqlite3_reset(statement);
    if (failure != SQLITE_OK)
        return failure;
    if (code == SQLITE_DONE) /* no row has a series that is not there */
        return SQLITE_CORRUPT;
    return taken ? SQLITE_OK : SQLITE_DONE;
}

int aggregate_handle(struct aggregator *aggregator, uint32_t series, uint32_t *ret_handle)
{
    struct known_handle *known = &aggregator->known[series & (aggregator->n_known - 1)];
    if (!tally_needs_series(aggregator->tally)) {
        *ret_handle = TALLY_ANY_SERIES;
        return SQLITE_OK;
    }
    if (known->series != series || known->epoch != tally_epoch(aggregator->tally)) {
        int code = ask_handle(aggregator, series, &known->handle);
        if (code != SQLITE_OK)
            return code;
        known->series = series;
        known->epoch = tally_epoch(aggregator->tally);
    }
    *ret_handle = known->handle;
    return SQLITE_OK;
}

int aggregate_take(struct aggregator *aggregator, uint32_t series, const struct sample *sample)
{
    uint32_t handle;
    if (aggregator->measuring) {
        int64_t at_ms = sample->timestamp_ms;
        aggregator->first_ms = at_ms < aggregator->first_ms ? at_ms : aggregator->first_ms;
        aggregator->last_ms = at_ms > aggregator->last_ms ? at_ms : aggregator->last_ms;
        return SQLITE_OK;
    }
    int code = aggregate_handle(aggregator, series, &handle);
    if (code != SQLITE_OK)
        return code;
    return tally_add(aggregator->tally, handle, sample) ? SQLITE_OK : SQLITE_DONE;
}
