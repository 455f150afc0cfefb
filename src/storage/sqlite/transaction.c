/* SPDX-License-Identifier: MIT */
/* transaction: begin, change, merge a bit, commit (which waits for the disk), publish the new rows.
 *
 * A failure of the store rolls all back, in memory too. A connection that cannot even roll back is
 * closed, and the next begin opens a new one. */
#include "writer.h"

#include <telemetry/clock.h>
#include <telemetry/stats.h>

#include "database.h"

static const char *const texts[WRITER_STATEMENTS] = {
    [WRITER_BEGIN] = "BEGIN IMMEDIATE", [WRITER_COMMIT] = "COMMIT",        [WRITER_SAVE] = "SAVEPOINT job",
    [WRITER_RELEASE] = "RELEASE job",   [WRITER_UNDO] = "ROLLBACK TO job",
};

int transaction_do(struct writer *writer, unsigned statement)
{
    return statement_run(writer->statements[statement]);
}

/* Connection ---------------------------------------------------------------- */

static int note_log(void *context, sqlite3 *handle, const char *name, int n_frames)
{
    struct writer *writer = context;
    writer->log_frames = (uint64_t)n_frames;
    writer->rest_ns = clock_ns() + WRITER_REST_NS;
    return SQLITE_OK;
}

static int prepare(struct writer *writer)
{
    sqlite3_wal_hook(writer->handle, note_log, writer);
    int code = database_prepare(writer->handle, texts, writer->statements, WRITER_STATEMENTS);
    if (code == SQLITE_OK)
        code = rows_open(&writer->rows, writer->handle, writer->session.store->tag);
    if (code == SQLITE_OK)
        code = dictionary_init(&writer->dictionary, writer->handle);
    if (code == SQLITE_OK)
        code = sweeper_open(&writer->sweeper, writer->handle);
    return code;
}

int transaction_connect(struct writer *writer, struct error *error)
{
    if (database_open(writer->session.store->path, DATABASE_WRITER, &writer->handle, error) != 0)
        return -1;
    int code = prepare(writer);
    if (code == SQLITE_OK)
        return 0;
    error_set(error, 1, "cannot use %s: %s", writer->session.store->path, sqlite3_errstr(code));
    transaction_disconnect(writer);
    return -1;
}

void transaction_disconnect(struct writer *writer)
{
    dictionary_fini(&writer->dictionary);
    database_close(&writer->handle);
}

/* A new connection may see rows and series that a commit of unknown outcome left behind. */
static int reconnect(struct writer *writer)
{
    struct store *store = writer->session.store;
    struct error error;
    if (transaction_connect(writer, &error) != 0)
        return SQLITE_CANTOPEN;
    atomic_fetch_add_explicit(&store->catalogue_version, 1, memory_order_release);
    store->next_row = writer->committed.next_row;
    int code = store_load(store, &writer->rows, writer->handle, store->next_row);
    writer->committed = (struct mark){ .next_row = store->next_row };
    writer->now = writer->committed;
    if (code != SQLITE_OK)
        transaction_disconnect(writer);
    return code;
}

/* Transactions -------------------------------------------------------------- */

int transaction_begin(struct writer *writer, uint32_t n_rows)
{
    int code = writer->handle == NULL ? reconnect(writer) : SQLITE_OK;
    if (code == SQLITE_OK && n_rows > 0)
        code = store_make_room(writer->session.store, &writer->rows, writer->handle, writer->now.next_row, n_rows);
    return code != SQLITE_OK ? code : transaction_do(writer, WRITER_BEGIN);
}

void transaction_rewind(struct writer *writer, const struct mark *mark)
{
    tail_rewind(&writer->session.store->tail, mark->next_row);
    dictionary_rollback(&writer->dictionary);
    writer->now = *mark;
}

int transaction_remove(struct writer *writer, const struct record *record)
{
    int code = rows_remove(&writer->rows, record);
    if (code == SQLITE_OK && record->row + 1 == writer->now.next_row)
        code = rows_meta(&writer->rows, META_LAST_ROW, (int64_t)record->row);
    tail_touch(&writer->session.store->tail, record->row, record->series);
    return code;
}

/* A commit whose last frame was not written has not happened. With any other failure (the disk did
 * not confirm) a crash before the next commit would bring it back. */
static bool outcome_is_unknown(int code)
{
    int primary = code & 0xff;
    return code != SQLITE_IOERR_WRITE && primary != SQLITE_FULL && primary != SQLITE_BUSY;
}

static enum status failed(struct writer *writer, int code, bool committing)
{
    struct store *store = writer->session.store;
    enum status status = writer->handle == NULL ? STATUS_STORAGE_UNAVAILABLE : database_failure(writer->handle, code);
    store_note(store, status, writer->handle == NULL ? "cannot open the database" : sqlite3_errmsg(writer->handle));
    stats_add(writer->session.stats, STATS_STORAGE_ERRORS, 1);
    writer->probe_ns = clock_ns() + WRITER_PROBE_NS;
    if (writer->handle != NULL) {
        bool usable = database_rollback(writer->handle);
        transaction_rewind(writer, &writer->committed);
        if (!usable)
            transaction_disconnect(writer);
    }
    return committing && outcome_is_unknown(code) ? STATUS_OUTCOME_UNKNOWN : status;
}

static void succeeded(struct writer *writer, const struct merge *merge)
{
    struct store *store = writer->session.store;
    struct stats *stats = writer->session.stats;
    writer->committed = (struct mark){ .next_row = writer->now.next_row };
    if (writer->dictionary.has_new)
        atomic_fetch_add_explicit(&store->catalogue_version, 1, memory_order_release);
    dictionary_commit(&writer->dictionary);
    tail_publish(&store->tail);
    merge_committed(&store->tail, merge);
    upkeep_note(&store->upkeep, writer->log_frames);
    store_note(store, STATUS_OK, NULL);
    stats_add(stats, STATS_METRICS_INSERTED, writer->now.inserted);
    stats_add(stats, STATS_METRICS_UPDATED, writer->now.updated);
    stats_add(stats, STATS_METRICS_DELETED, writer->now.deleted);
    stats_set(stats, STATS_GAUGE_STORAGE_WAL_BYTES, (int64_t)writer->log_frames * LOG_FRAME_BYTES);
    stats_set(stats, STATS_GAUGE_STORAGE_TAIL, (int64_t)tail_rows(&store->tail));
    writer->now = writer->committed;
    upkeep_finish_log(&store->upkeep, writer->handle);
}

enum status transaction_end(struct writer *writer, int code, uint32_t n_merge)
{
    struct merge merge = { .run = NULL };
    bool committing = false;
    if (code == SQLITE_OK)
        code = merge_step(&writer->rows, &writer->session.store->tail, n_merge, &merge);
    if (code == SQLITE_OK) {
        committing = true;
        code = transaction_do(writer, WRITER_COMMIT);
    }
    if (code != SQLITE_OK)
        return failed(writer, code, committing);
    succeeded(writer, &merge);
    return STATUS_OK;
}
