/* SPDX-License-Identifier: MIT */
/* lookup: an id with this store's tag names its row; it is the row's id only if the row has no other
 * and was minted in the same second. All other ids, made-up ones with our tag too, are in client_id. */
#include "lookup.h"

#include <string.h>

#include "database.h"
#include "identity.h"

static const char *const texts[LOOKUP_COUNT] = {
    [LOOKUP_ROW] = "SELECT series, ts, value, age, id FROM metric WHERE row=?1",
    [LOOKUP_CLIENT_ID] = "SELECT row FROM client_id WHERE id=?1",
    [LOOKUP_SERIES] = "SELECT key FROM series WHERE id=?1",
};

int lookup_open(struct lookup *lookup, sqlite3 *handle, uint32_t tag)
{
    lookup->tag = tag;
    return database_prepare(handle, texts, lookup->statements, LOOKUP_COUNT);
}

/* The statement stands on a row of LOOKUP_ROW. */
static void read_record(const struct lookup *lookup, uint64_t row, struct record *ret_record)
{
    sqlite3_stmt *statement = lookup->statements[LOOKUP_ROW];
    struct record record = { .row = row,
                             .series = (uint32_t)sqlite3_column_int64(statement, 0),
                             .timestamp_ms = sqlite3_column_int64(statement, 1),
                             .value = sqlite3_column_double(statement, 2) };
    const void *id = sqlite3_column_blob(statement, 4);
    record.client_id = id != NULL && sqlite3_column_bytes(statement, 4) == METRIC_ID_BYTES;
    if (record.client_id)
        memcpy(record.id.bytes, id, METRIC_ID_BYTES);
    else
        record.id =
            identity_mint(lookup->tag, identity_seconds(sqlite3_column_int64(statement, 3), record.timestamp_ms), row);
    *ret_record = record;
}

int lookup_row(struct lookup *lookup, uint64_t row, struct record *ret_record)
{
    sqlite3_stmt *statement = lookup->statements[LOOKUP_ROW];
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)row);
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        read_record(lookup, row, ret_record);
    int failure = sqlite3_reset(statement);
    return failure != SQLITE_OK ? failure : code;
}

static bool same_id(const struct metric_id *a, const struct metric_id *b)
{
    return memcmp(a->bytes, b->bytes, METRIC_ID_BYTES) == 0;
}

int lookup_id(struct lookup *lookup, const struct metric_id *id, struct record *ret_record)
{
    uint32_t seconds;
    uint64_t minted_row;
    struct record record;
    if (identity_read(id, lookup->tag, &seconds, &minted_row)) {
        int code = lookup_row(lookup, minted_row, &record);
        if (code == SQLITE_ROW && same_id(&record.id, id)) {
            *ret_record = record;
            return SQLITE_ROW;
        }
        if (code != SQLITE_ROW && code != SQLITE_DONE)
            return code;
    }
    sqlite3_stmt *statement = lookup->statements[LOOKUP_CLIENT_ID];
    int64_t row;
    statement_bind(statement, 1, (struct slice){ (const char *)id->bytes, METRIC_ID_BYTES });
    int code = statement_number(statement, &row);
    return code == SQLITE_ROW ? lookup_row(lookup, (uint64_t)row, ret_record) : code;
}

int lookup_series(struct lookup *lookup, uint32_t series, struct arena *arena, struct slice *ret_series)
{
    sqlite3_stmt *statement = lookup->statements[LOOKUP_SERIES];
    struct slice copy = { NULL, 0 };
    sqlite3_bind_int64(statement, 1, series);
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        copy = arena_copy(
            arena, (struct slice){ sqlite3_column_blob(statement, 0), (size_t)sqlite3_column_bytes(statement, 0) });
    int failure = sqlite3_reset(statement);
    if (failure != SQLITE_OK)
        return failure;
    if (code != SQLITE_ROW)
        return SQLITE_CORRUPT;
    if (copy.data == NULL)
        return SQLITE_NOMEM;
    *ret_series = copy;
    return SQLITE_OK;
}

struct metric record_metric(const struct record *record, struct slice series)
{
    struct metric metric = { .series = series,
                             .has_id = true,
                             .client_id = record->client_id,
                             .id = record->id,
                             .timestamp_ms = record->timestamp_ms,
                             .value = record->value };
    const char *end = memchr(series.data, '\0', series.len);
    metric.name_bytes = (uint16_t)(end == NULL ? series.len : (size_t)(end - series.data));
    for (size_t i = metric.name_bytes; i < series.len; i++)
        metric.n_tags = (uint8_t)(metric.n_tags + (series.data[i] == '\0'));
    return metric;
}
