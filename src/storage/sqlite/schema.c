/* SPDX-License-Identifier: MIT */
/* schema: application_id says whose file it is, user_version which tables it has. Both are 0 in a
 * new file, and in one of another program, which then has tables already. */
#include "schema.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "database.h"
#include "identity.h"

enum { APPLICATION_ID = 0x544c4d54 /* "TLMT" */, VERSION = 1 };

static const char tables[] =
    "CREATE TABLE meta(key INTEGER PRIMARY KEY, value INTEGER NOT NULL);"
    "CREATE TABLE series(id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE);"
    "CREATE TABLE series_tag(tag BLOB, series INTEGER, PRIMARY KEY(tag, series)) WITHOUT ROWID;"
    "CREATE TABLE metric(row INTEGER PRIMARY KEY, series INTEGER NOT NULL, ts INTEGER NOT NULL,"
    " value REAL NOT NULL, age INTEGER NOT NULL, id BLOB);"
    "CREATE TABLE client_id(id BLOB PRIMARY KEY, row INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE by_series(series INTEGER, ts INTEGER, row INTEGER, value REAL NOT NULL,"
    " PRIMARY KEY(series, ts, row)) WITHOUT ROWID;"
    "CREATE TABLE zone(block INTEGER PRIMARY KEY, min_ts INTEGER NOT NULL, max_ts INTEGER NOT NULL);"
    "CREATE INDEX zone_newest ON zone(max_ts, min_ts);"
    "CREATE INDEX zone_oldest ON zone(min_ts, max_ts);";

static int number_of(sqlite3 *handle, const char *sql, int64_t *ret_number)
{
    sqlite3_stmt *statement;
    int code = sqlite3_prepare_v2(handle, sql, -1, &statement, NULL);
    if (code != SQLITE_OK)
        return code;
    code = statement_number(statement, ret_number);
    sqlite3_finalize(statement);
    return code == SQLITE_ROW ? SQLITE_OK : code == SQLITE_DONE ? SQLITE_CORRUPT : code;
}

int schema_meta(sqlite3 *handle, enum meta meta, int64_t *ret_number)
{
    char sql[64];
    snprintf(sql, sizeof(sql), "SELECT value FROM meta WHERE key=%d", (int)meta);
    return number_of(handle, sql, ret_number);
}

/* The tag is random, so that ids of two stores do not meet. */
static int schema_make(sqlite3 *handle)
{
    uint32_t tag;
    if (getrandom(&tag, sizeof(tag), 0) != (ssize_t)sizeof(tag))
        return SQLITE_ERROR;
    tag &= (1U << IDENTITY_TAG_BITS) - 1;
    char numbers[256];
    snprintf(numbers, sizeof(numbers),
             "INSERT INTO meta VALUES(%d,%u),(%d,0),(%d,0),(%d,0);"
             "PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT;",
             (int)META_TAG, (unsigned)tag, (int)META_WATERMARK, (int)META_LAST_ROW, (int)META_PROBE, APPLICATION_ID,
             VERSION);
    int code = database_run(handle, "BEGIN IMMEDIATE");
    if (code == SQLITE_OK)
        code = database_run(handle, tables);
    if (code == SQLITE_OK)
        code = database_run(handle, numbers);
    if (code != SQLITE_OK)
        database_rollback(handle);
    return code;
}

int schema_settle(sqlite3 *handle, const char *path, struct error *error)
{
    int64_t application = 0, version = 0, n_tables = 0;
    int code = number_of(handle, "PRAGMA application_id", &application);
    if (code == SQLITE_OK)
        code = number_of(handle, "PRAGMA user_version", &version);
    if (code == SQLITE_OK)
        code = number_of(handle, "SELECT count(*) FROM sqlite_schema", &n_tables);
    if (code == SQLITE_OK && n_tables == 0 && application == 0)
        code = schema_make(handle);
    else if (code == SQLITE_OK && application != APPLICATION_ID)
        return error_set(error, 1, "%s is a database of another program: name another DATA_DIR", path);
    else if (code == SQLITE_OK && version != VERSION)
        return error_set(error, 1, "%s was made by a %s version of this server (schema %lld, this one reads %d)", path,
                         version > VERSION ? "newer" : "older", (long long)version, VERSION);
    if (code != SQLITE_OK)
        return error_set(error, 1, "cannot read or make the tables in %s: %s", path, sqlite3_errmsg(handle));
    return 0;
}
