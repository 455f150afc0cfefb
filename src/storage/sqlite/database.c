/* SPDX-License-Identifier: MIT */
/* database: connections differ in cache size and in what they may do; the file's own settings
 * (page size, WAL) are made once, by the writer's role.
 *
 * No memory map: an I/O error would arrive as SIGBUS instead of a result code. */
#include "database.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define WRITER_SETTINGS                                                                                                \
    "PRAGMA page_size=4096; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"                                         \
    "PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=67108864;"                                                 \
    "PRAGMA cache_size=-16384; PRAGMA temp_store=MEMORY; PRAGMA secure_delete=OFF;"
#define READER_SETTINGS                                                                                                \
    "PRAGMA query_only=ON; PRAGMA cache_size=-4096; PRAGMA temp_store=MEMORY;"                                         \
    "PRAGMA wal_autocheckpoint=0;"
#define UPKEEP_SETTINGS "PRAGMA synchronous=FULL; PRAGMA cache_size=-64; PRAGMA wal_autocheckpoint=0;"

static const char *const settings_of_role[] = {
    [DATABASE_WRITER] = WRITER_SETTINGS,
    [DATABASE_READER] = READER_SETTINGS,
    [DATABASE_UPKEEP] = UPKEEP_SETTINGS,
};

/* Settings of the whole process: no locks inside connections, which are one thread's each, and no
 * contended count of memory. Where another user of SQLite was first, its settings stay. */
static void configure(void)
{
    sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_initialize();
}

static int open_failed(const char *path, sqlite3 **handle, struct error *error)
{
    int code = *handle == NULL ? SQLITE_NOMEM : sqlite3_errcode(*handle);
    if (code == SQLITE_NOTADB)
        error_set(error, 1, "%s is not a database: move it away, or name another DATA_DIR", path);
    else
        error_set(error, 1, "cannot open %s: %s", path, *handle == NULL ? "no memory" : sqlite3_errmsg(*handle));
    database_close(handle);
    return -1;
}

/* Where files cannot be mapped by several connections, SQLite stays in another mode without a word. */
static bool has_log(sqlite3 *handle)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(handle, "PRAGMA journal_mode", -1, &statement, NULL) != SQLITE_OK)
        return false;
    const char *mode = sqlite3_step(statement) == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    bool is_wal = mode != NULL && strcmp(mode, "wal") == 0;
    sqlite3_finalize(statement);
    return is_wal;
}

int database_open(const char *path, enum database_role role, sqlite3 **ret_handle, struct error *error)
{
    static pthread_once_t configured = PTHREAD_ONCE_INIT;
    pthread_once(&configured, configure);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (role == DATABASE_WRITER ? SQLITE_OPEN_CREATE : 0);
    sqlite3 *handle = NULL;
    if (sqlite3_open_v2(path, &handle, flags, NULL) != SQLITE_OK)
        return open_failed(path, &handle, error);
    sqlite3_busy_timeout(handle, DATABASE_BUSY_MS);
    if (database_run(handle, settings_of_role[role]) != SQLITE_OK)
        return open_failed(path, &handle, error);
    if (!has_log(handle)) {
        database_close(&handle);
        return error_set(error, 1, "%s cannot have a write-ahead log: name a DATA_DIR on a local disk", path);
    }
    sqlite3_extended_result_codes(handle, 1);
    *ret_handle = handle;
    return 0;
}

void database_close(sqlite3 **handle)
{
    if (*handle == NULL)
        return;
    for (sqlite3_stmt *statement; (statement = sqlite3_next_stmt(*handle, NULL)) != NULL;)
        sqlite3_finalize(statement);
    sqlite3_close(*handle);
    *handle = NULL;
}

int database_prepare(sqlite3 *handle, const char *const texts[], sqlite3_stmt *statements[], unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        int code = sqlite3_prepare_v3(handle, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &statements[i], NULL);
        if (code != SQLITE_OK)
            return code;
    }
    return SQLITE_OK;
}

int database_run(sqlite3 *handle, const char *sql)
{
    return sqlite3_exec(handle, sql, NULL, NULL, NULL);
}

static bool no_space(int system_error)
{
    return system_error == ENOSPC || system_error == EFBIG || system_error == EDQUOT;
}

/* Quotas and limits come as I/O errors, only ENOSPC is SQLITE_FULL by itself; the cause stands in the
 * file that failed, mostly the log. */
static bool is_out_of_space(sqlite3 *handle)
{
    int system_error = 0;
    sqlite3_file *log = NULL;
    sqlite3_file_control(handle, "main", SQLITE_FCNTL_LAST_ERRNO, &system_error);
    if (no_space(system_error))
        return true;
    sqlite3_file_control(handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
    if (log != NULL && log->pMethods != NULL)
        log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &system_error);
    return no_space(system_error);
}

enum status database_failure(sqlite3 *handle, int code)
{
    switch (code & 0xff) {
    case SQLITE_FULL:
        return STATUS_STORAGE_FULL;
    case SQLITE_NOMEM:
        return STATUS_OUT_OF_MEMORY;
    case SQLITE_INTERRUPT:
        return STATUS_QUERY_TOO_SLOW;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        return is_out_of_space(handle) ? STATUS_STORAGE_FULL : STATUS_STORAGE_UNAVAILABLE;
    default:
        return STATUS_STORAGE_UNAVAILABLE;
    }
}

bool database_rollback(sqlite3 *handle)
{
    if (sqlite3_get_autocommit(handle) == 0)
        sqlite3_exec(handle, "ROLLBACK", NULL, NULL, NULL);
    return sqlite3_get_autocommit(handle) != 0;
}

int statement_run(sqlite3_stmt *statement)
{
    sqlite3_step(statement);
    return sqlite3_reset(statement);
}

int statement_number(sqlite3_stmt *statement, int64_t *ret_number)
{
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW && sqlite3_column_type(statement, 0) == SQLITE_NULL)
        code = SQLITE_DONE;
    if (code == SQLITE_ROW)
        *ret_number = sqlite3_column_int64(statement, 0);
    int failure = sqlite3_reset(statement);
    return failure != SQLITE_OK ? failure : code;
}

void statement_bind(sqlite3_stmt *statement, int index, struct slice bytes)
{
    sqlite3_bind_blob64(statement, index, bytes.len == 0 ? "" : bytes.data, bytes.len, SQLITE_STATIC);
}
