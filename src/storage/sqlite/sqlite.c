/* SPDX-License-Identifier: MIT */
/* sqlite: the embedded backend. Opening makes or checks the file, loads the tail and starts the
 * upkeep thread; closing merges the tail, so that the next start finds an empty one. */
#include <telemetry/storage.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <telemetry/log.h>

#include "database.h"
#include "folder.h"
#include "merge.h"
#include "store.h"

enum {
    RUN_ROWS = 256 * 1024,
    VERSION_BITS = 20 /* versions of the catalogue begin with the time, so that none comes again after a restart */
};

void store_note(struct store *store, enum status status, const char *reason)
{
    int before = atomic_exchange_explicit(&store->health.status, (int)status, memory_order_relaxed);
    if (before == (int)status)
        return;
    if (status == STATUS_OK)
        log_info("the store takes writes again", "file", store->path);
    else
        log_error("the store refuses writes", "file", store->path, "status", status_type(status), "reason", reason);
}

int store_make_room(struct store *store, struct rows *rows, sqlite3 *handle, uint64_t first_row, uint32_t n)
{
    while (!tail_reserve(&store->tail, first_row, n)) {
        if (tail_pinned(&store->tail)) { /* merging others makes no room */
            tail_await(&store->tail);
            continue;
        }
        if (tail_oldest_sealed(&store->tail) == NULL)
            return SQLITE_NOMEM;
        int code = merge_oldest(rows, &store->tail, handle);
        if (code != SQLITE_OK)
            return code;
    }
    return SQLITE_OK;
}

int store_load(struct store *store, struct rows *rows, sqlite3 *handle, uint64_t first_row)
{
    static const char *const text[] = { "SELECT row, series, ts, value FROM metric WHERE row>=?1 ORDER BY row" };
    sqlite3_stmt *statement;
    int code = database_prepare(handle, text, &statement, 1);
    if (code != SQLITE_OK)
        return code;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)first_row);
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        uint64_t row = (uint64_t)sqlite3_column_int64(statement, 0);
        code = store_make_room(store, rows, handle, row, 1);
        if (code != SQLITE_OK)
            break;
        tail_append(&store->tail, row, (uint32_t)sqlite3_column_int64(statement, 1), sqlite3_column_int64(statement, 2),
                    sqlite3_column_double(statement, 3));
        tail_publish(&store->tail);
        store->next_row = row >= store->next_row ? row + 1 : store->next_row;
    }
    sqlite3_finalize(statement);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int next_row(sqlite3 *handle, int64_t watermark, uint64_t *ret_next_row)
{
    static const char *const text[] = { "SELECT max(row) FROM metric" };
    sqlite3_stmt *statement;
    int64_t newest = 0, last = 0;
    int code = schema_meta(handle, META_LAST_ROW, &last);
    if (code == SQLITE_OK)
        code = database_prepare(handle, text, &statement, 1);
    if (code != SQLITE_OK)
        return code;
    code = statement_number(statement, &newest);
    sqlite3_finalize(statement);
    last = last > newest ? last : newest;
    *ret_next_row = (uint64_t)(last > watermark ? last : watermark) + 1;
    return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

/* Reads the numbers of the store and loads the tail. */
static int store_begin(struct store *store, sqlite3 *handle)
{
    struct rows rows;
    int64_t tag = 0, watermark = 0;
    int code = schema_meta(handle, META_TAG, &tag);
    if (code == SQLITE_OK)
        code = schema_meta(handle, META_WATERMARK, &watermark);
    if (code == SQLITE_OK)
        code = next_row(handle, watermark, &store->next_row);
    store->tag = (uint32_t)tag;
    if (code == SQLITE_OK)
        code = rows_open(&rows, handle, store->tag);
    return code != SQLITE_OK ? code : store_load(store, &rows, handle, (uint64_t)watermark + 1);
}

static int store_open_files(struct store *store, struct error *error)
{
    sqlite3 *handle;
    if (database_open(store->path, DATABASE_WRITER, &handle, error) != 0)
        return -1;
    int result = schema_settle(handle, store->path, error);
    if (result == 0 && store_begin(store, handle) != SQLITE_OK)
        result = error_set(error, 1, "cannot read %s: %s", store->path, sqlite3_errmsg(handle));
    if (result == 0)
        result = upkeep_start(&store->upkeep, store->path, &store->tail, error);
    database_close(&handle);
    return result;
}

/* Gives the path in the heap, or NULL. */
static char *path_of_database(const char *folder)
{
    char *path;
    return asprintf(&path, "%s/metrics.db", folder) < 0 ? NULL : path;
}

static int sqlite_open(const struct storage_settings *settings, struct storage **ret_storage, struct error *error)
{
    struct store *store = calloc(1, sizeof(*store));
    if (store == NULL)
        return error_set(error, 1, "no memory for the store");
    store->head.ops = &storage_sqlite;
    store->retention_ms = (int64_t)settings->retention_days * 24 * 3600 * 1000;
    store->query_limit_ns = settings->query_limit_ns;
    store->aggregate_max_bytes = settings->aggregate_max_bytes;
    atomic_init(&store->catalogue_version, (uint64_t)clock_wall_ms() << VERSION_BITS);
    store->path = path_of_database(settings->data_dir);
    tail_init(&store->tail, settings->run_rows == 0 ? RUN_ROWS : settings->run_rows);
    if (store->path == NULL) {
        error_set(error, 1, "no memory for the store");
        goto free_store;
    }
    if (folder_make(settings->data_dir, error) != 0 || folder_lock(settings->data_dir, &store->lock, error) != 0)
        goto free_path;
    if (store_open_files(store, error) != 0)
        goto unlock;
    *ret_storage = (struct storage *)store;
    return 0;
unlock:
    close(store->lock);
    tail_fini(&store->tail);
free_path:
    free(store->path);
free_store:
    free(store);
    return -1;
}

/* What cannot be merged now is merged after the next start. */
static void merge_before_close(struct store *store)
{
    struct rows rows;
    struct error error;
    sqlite3 *handle;
    if (tail_rows(&store->tail) == 0 || database_open(store->path, DATABASE_WRITER, &handle, &error) != 0)
        return;
    int code = rows_open(&rows, handle, store->tag);
    if (code == SQLITE_OK)
        code = merge_all(&rows, &store->tail, handle);
    if (code != SQLITE_OK)
        log_warn("the index is not complete, the next start will take longer", "reason", sqlite3_errmsg(handle));
    database_close(&handle);
}

static void sqlite_close(struct storage **storage)
{
    struct store *store = (struct store *)*storage;
    *storage = NULL;
    merge_before_close(store);
    upkeep_stop(&store->upkeep);
    tail_fini(&store->tail);
    close(store->lock);
    free(store->path);
    free(store);
}

static const struct storage_health *sqlite_health(const struct storage *storage)
{
    return &((const struct store *)storage)->health;
}

static uint64_t sqlite_catalogue_version(const struct storage *storage)
{
    return store_catalogue_version((const struct store *)storage);
}

static int sqlite_attach(struct storage *storage, enum storage_role role, unsigned index, struct stats *stats,
                         struct storage_session **ret_session, struct error *error)
{
    struct store *store = (struct store *)storage;
    return role == STORAGE_WRITER ? writer_attach(store, stats, ret_session, error)
                                  : reader_attach(store, index, stats, ret_session, error);
}

static void sqlite_detach(struct storage_session **session)
{
    if (((const struct session *)*session)->role == STORAGE_WRITER)
        writer_detach(session);
    else
        reader_detach(session);
}

const struct storage_ops storage_sqlite = {
    .name = "sqlite",
    .open = sqlite_open,
    .close = sqlite_close,
    .health = sqlite_health,
    .attach = sqlite_attach,
    .detach = sqlite_detach,
    .write = writer_write,
    .read = reader_read,
    .catalogue_version = sqlite_catalogue_version,
    .tick = writer_tick,
};
