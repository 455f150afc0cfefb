/* SPDX-License-Identifier: MIT */
#include "rows.h"

#include "database.h"
#include "identity.h"

_Static_assert(ZONE_BITS == 10, "the statements spell it out");

#define ZONE_MAKE                                                                                                      \
    "INSERT INTO zone(block, min_ts, max_ts) SELECT ?1, low, high FROM"                                                \
    " (SELECT min(ts) AS low, max(ts) AS high FROM metric WHERE row BETWEEN ?1 << 10 AND (?1 << 10) + 1023)"           \
    " WHERE low IS NOT NULL"
#define ZONE_WIDEN                                                                                                     \
    "UPDATE zone SET min_ts=min(min_ts, ?2), max_ts=max(max_ts, ?2) WHERE block=?1"                                    \
    " AND (?2 < min_ts OR ?2 > max_ts)"

static const char *const texts[ROWS_COUNT] = {
    [ROWS_INSERT] = "INSERT INTO metric(row, series, ts, value, age) VALUES(?1, ?2, ?3, ?4, ?5)",
    [ROWS_INSERT_CLIENT] = "INSERT INTO metric(row, series, ts, value, age, id) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    [ROWS_REPLACE] = "UPDATE metric SET series=?2, ts=?3, value=?4, age=?5 WHERE row=?1",
    [ROWS_REMOVE] = "DELETE FROM metric WHERE row=?1",
    [ROWS_CLIENT_ID_PUT] = "INSERT INTO client_id(id, row) VALUES(?1, ?2)",
    [ROWS_CLIENT_ID_DROP] = "DELETE FROM client_id WHERE id=?1",
    [ROWS_INDEX_PUT] = "INSERT OR IGNORE INTO by_series(row, series, ts, value) VALUES(?1, ?2, ?3, ?4)",
    [ROWS_INDEX_DROP] = "DELETE FROM by_series WHERE row=?1 AND series=?2 AND ts=?3",
    [ROWS_ZONE_MAKE] = ZONE_MAKE,
    [ROWS_ZONE_WIDEN] = ZONE_WIDEN,
    [ROWS_ZONE_DROP] = "DELETE FROM zone WHERE block=?1",
    [ROWS_META_SET] = "UPDATE meta SET value=?2 WHERE key=?1",
};

int rows_open(struct rows *rows, sqlite3 *handle, uint32_t tag)
{
    int code = lookup_open(&rows->lookup, handle, tag);
    return code != SQLITE_OK ? code : database_prepare(handle, texts, rows->statements, ROWS_COUNT);
}

/* Binds what most statements begin with: row, series and timestamp as 1 to 3. */
static sqlite3_stmt *bind_record(struct rows *rows, unsigned which, const struct record *record)
{
    sqlite3_stmt *statement = rows->statements[which];
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)record->row);
    sqlite3_bind_int64(statement, 2, record->series);
    sqlite3_bind_int64(statement, 3, record->timestamp_ms);
    return statement;
}

static int64_t age_of(const struct rows *rows, const struct record *record)
{
    uint32_t seconds;
    uint64_t row;
    if (record->client_id || !identity_read(&record->id, rows->lookup.tag, &seconds, &row))
        return 0;
    return identity_age(seconds, record->timestamp_ms);
}

static struct slice id_bytes(const struct record *record)
{
    return (struct slice){ (const char *)record->id.bytes, METRIC_ID_BYTES };
}

static int put_client_id(struct rows *rows, const struct record *record)
{
    sqlite3_stmt *statement = rows->statements[ROWS_CLIENT_ID_PUT];
    statement_bind(statement, 1, id_bytes(record));
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)record->row);
    return statement_run(statement);
}

int rows_append(struct rows *rows, const struct record *record)
{
    sqlite3_stmt *statement = bind_record(rows, record->client_id ? ROWS_INSERT_CLIENT : ROWS_INSERT, record);
    sqlite3_bind_double(statement, 4, record->value);
    sqlite3_bind_int64(statement, 5, age_of(rows, record));
    if (record->client_id)
        statement_bind(statement, 6, id_bytes(record));
    int code = statement_run(statement);
    if (code == SQLITE_OK && record->client_id)
        code = put_client_id(rows, record);
    if (code == SQLITE_OK && (record->row + 1) % ZONE_ROWS == 0)
        code = rows_zone(rows, record->row >> ZONE_BITS);
    return code;
}

static int unindex(struct rows *rows, const struct record *record)
{
    return statement_run(bind_record(rows, ROWS_INDEX_DROP, record));
}

int rows_index(struct rows *rows, const struct record *record)
{
    sqlite3_stmt *statement = bind_record(rows, ROWS_INDEX_PUT, record);
    sqlite3_bind_double(statement, 4, record->value);
    return statement_run(statement);
}

int rows_replace(struct rows *rows, const struct record *old, const struct record *new_record)
{
    sqlite3_stmt *replace = bind_record(rows, ROWS_REPLACE, new_record);
    sqlite3_bind_double(replace, 4, new_record->value);
    sqlite3_bind_int64(replace, 5, age_of(rows, new_record));
    int code = statement_run(replace);
    if (code == SQLITE_OK)
        code = unindex(rows, old);
    if (code == SQLITE_OK)
        code = rows_index(rows, new_record);
    if (code != SQLITE_OK)
        return code;
    sqlite3_stmt *widen = rows->statements[ROWS_ZONE_WIDEN];
    sqlite3_bind_int64(widen, 1, (sqlite3_int64)(new_record->row >> ZONE_BITS));
    sqlite3_bind_int64(widen, 2, new_record->timestamp_ms);
    return statement_run(widen);
}

int rows_remove(struct rows *rows, const struct record *record)
{
    sqlite3_stmt *remove = rows->statements[ROWS_REMOVE];
    sqlite3_bind_int64(remove, 1, (sqlite3_int64)record->row);
    int code = statement_run(remove);
    if (code == SQLITE_OK)
        code = unindex(rows, record);
    if (code != SQLITE_OK || !record->client_id)
        return code;
    sqlite3_stmt *drop = rows->statements[ROWS_CLIENT_ID_DROP];
    statement_bind(drop, 1, id_bytes(record));
    return statement_run(drop);
}

int rows_zone(struct rows *rows, uint64_t block)
{
    sqlite3_bind_int64(rows->statements[ROWS_ZONE_DROP], 1, (sqlite3_int64)block);
    sqlite3_bind_int64(rows->statements[ROWS_ZONE_MAKE], 1, (sqlite3_int64)block);
    int code = statement_run(rows->statements[ROWS_ZONE_DROP]);
    return code != SQLITE_OK ? code : statement_run(rows->statements[ROWS_ZONE_MAKE]);
}

int rows_meta(struct rows *rows, enum meta meta, int64_t number)
{
    sqlite3_stmt *statement = rows->statements[ROWS_META_SET];
    sqlite3_bind_int64(statement, 1, (int)meta);
    sqlite3_bind_int64(statement, 2, number);
    return statement_run(statement);
}
