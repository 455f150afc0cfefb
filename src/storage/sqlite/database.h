/* SPDX-License-Identifier: MIT */
/* database: one connection to the database file, and its prepared statements.
 *
 * In this folder an `int` result is a result code of SQLite, SQLITE_OK (0) for success, unless the
 * header says otherwise. A connection and all that was prepared on it is one thread's at a time. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include <telemetry/slice.h>
#include <telemetry/status.h>

/* How long a statement waits for a lock of another connection. */
enum { DATABASE_BUSY_MS = 250 };

enum database_role { DATABASE_WRITER, DATABASE_READER, DATABASE_UPKEEP };

/* Opens the file, which the writer's role makes when it is missing, in WAL mode with full
 * synchronisation. Gives *ret_handle, closed by database_close(); -1 with error set otherwise. */
MUST_CHECK int database_open(const char *path, enum database_role role, sqlite3 **ret_handle, struct error *error);
/* Takes *handle (NULL is allowed); its statements are finalised. */
void database_close(sqlite3 **handle);

/* Prepares texts[0..n) into statements[], which database_close() finalises. */
MUST_CHECK int database_prepare(sqlite3 *handle, const char *const texts[], sqlite3_stmt *statements[], unsigned n);

/* Runs SQL that gives no rows. */
MUST_CHECK int database_run(sqlite3 *handle, const char *sql);

/* The status that tells a client of a failure that has just come from the connection: STORAGE_FULL,
 * OUT_OF_MEMORY, QUERY_TOO_SLOW (interrupted), else STORAGE_UNAVAILABLE. */
enum status database_failure(sqlite3 *handle, int code);

/* Ends open transactions, whatever their state. False when the connection cannot be used again. */
bool database_rollback(sqlite3 *handle);

/* Steps a statement that gives no rows and resets it. */
MUST_CHECK int statement_run(sqlite3_stmt *statement);

/* Steps a statement that gives one row of one integer or none, and resets it: SQLITE_ROW with
 * *ret_number set, SQLITE_DONE, or a failure. NULL counts as none. */
MUST_CHECK int statement_number(sqlite3_stmt *statement, int64_t *ret_number);

/* Binds bytes that stay valid until the statement is reset; never as NULL. */
void statement_bind(sqlite3_stmt *statement, int index, struct slice bytes);
