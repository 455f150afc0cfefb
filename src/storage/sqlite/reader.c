/* SPDX-License-Identifier: MIT */
/* reader: each job is read in a snapshot of its own, begun after the tail was pinned (tail.h).
 *
 * A read that runs past its limit, or past its job's deadline, or that has run for a while when the
 * log is long or the writer waits for its view of the tail, is ended by the progress handler. A view that
 * can be spared is let go instead. */
#include "store.h"

#include <stdlib.h>

#include <telemetry/job.h>
#include <telemetry/log.h>
#include <telemetry/stats.h>

#include "aggregate.h"
#include "catalogue.h"
#include "database.h"
#include "find.h"

enum { READER_BEGIN, READER_END, READER_SNAPSHOT, READER_STATEMENTS };
enum { PROGRESS_OPS = 4000 };

#define LONG_READ_NS NS_PER_S

struct reader {
    struct session session;
    unsigned index;
    sqlite3 *handle;
    sqlite3_stmt *statements[READER_STATEMENTS];
    uint64_t start_ns, end_ns; /* of the read under way */
    struct tail_view view;     /* its own */
    struct lookup lookup;
    struct finder finder;
    struct aggregator aggregator;
    struct cataloguer cataloguer;
};

static const char *const texts[READER_STATEMENTS] = {
    [READER_BEGIN] = "BEGIN",
    [READER_END] = "COMMIT",
    [READER_SNAPSHOT] = "SELECT value FROM meta WHERE key = 0", /* a snapshot begins with the first read */
};

static int is_too_slow(void *context)
{
    struct reader *reader = context;
    uint64_t now_ns = clock_ns();
    bool holds_up_writer = tail_view_awaited(&reader->view);
    if (holds_up_writer && reader->view.is_spare)
        tail_unpin(&reader->view);
    return now_ns > reader->end_ns ||
           (now_ns > reader->start_ns + LONG_READ_NS &&
            ((holds_up_writer && !reader->view.is_spare) || upkeep_log_is_long(&reader->session.store->upkeep)));
}

static int prepare(struct reader *reader)
{
    int code = database_prepare(reader->handle, texts, reader->statements, READER_STATEMENTS);
    if (code == SQLITE_OK)
        code = lookup_open(&reader->lookup, reader->handle, reader->session.store->tag);
    if (code == SQLITE_OK)
        code = finder_open(&reader->finder, reader->handle, &reader->lookup);
    if (code == SQLITE_OK)
        code = aggregator_open(&reader->aggregator, reader->handle, &reader->lookup, &reader->finder.selector);
    if (code == SQLITE_OK)
        code = cataloguer_open(&reader->cataloguer, reader->handle);
    sqlite3_progress_handler(reader->handle, PROGRESS_OPS, is_too_slow, reader);
    return code;
}

static int connect_store(struct reader *reader, struct error *error)
{
    const char *path = reader->session.store->path;
    reader->end_ns = UINT64_MAX;
    if (database_open(path, DATABASE_READER, &reader->handle, error) != 0)
        return -1;
    int code = prepare(reader);
    if (code == SQLITE_OK)
        return 0;
    error_set(error, 1, "cannot read %s: %s", path, sqlite3_errstr(code));
    database_close(&reader->handle);
    return -1;
}

int reader_attach(struct store *store, unsigned index, struct stats *stats, struct storage_session **ret_session,
                  struct error *error)
{
    if (index >= TAIL_READERS_MAX)
        return error_set(error, 78, "sqlite takes at most %d readers: lower QUERY_WORKERS", (int)TAIL_READERS_MAX);
    struct reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL)
        return error_set(error, 1, "no memory for a reader");
    reader->session =
        (struct session){ .head.ops = &storage_sqlite, .role = STORAGE_READER, .store = store, .stats = stats };
    reader->index = index;
    if (connect_store(reader, error) != 0) {
        free(reader);
        return -1;
    }
    *ret_session = (struct storage_session *)reader;
    return 0;
}

void reader_detach(struct storage_session **session)
{
    struct reader *reader = (struct reader *)*session;
    *session = NULL;
    cataloguer_close(&reader->cataloguer);
    database_close(&reader->handle);
    free(reader);
}

/* One metric -------------------------------------------------------------- */

static int get(struct reader *reader, struct job *job)
{
    struct record record;
    struct slice series;
    int code = lookup_id(&reader->lookup, &job->id, &record);
    if (code == SQLITE_DONE || (code == SQLITE_ROW && record.timestamp_ms < store_oldest_ms(reader->session.store))) {
        job->status = STATUS_NOT_FOUND;
        return SQLITE_OK;
    }
    if (code != SQLITE_ROW)
        return code;
    code = lookup_series(&reader->lookup, record.series, &job->arena, &series);
    if (code != SQLITE_OK)
        return code;
    job->metrics = arena_alloc(&job->arena, sizeof(job->metrics[0]));
    if (job->metrics == NULL)
        return SQLITE_NOMEM;
    job->metrics[0] = record_metric(&record, series);
    if (!job_may_touch(job, &job->metrics[0])) {
        job->status = STATUS_NOT_FOUND;
        return SQLITE_OK;
    }
    job->n_metrics = 1;
    return SQLITE_OK;
}

/* A list ------------------------------------------------------------------ */

/* The series bytes seen last, by the low bits of their number: most lists are of few series. */
enum { RECENT = 64 };
struct recent {
    uint32_t series[RECENT];
    struct slice bytes[RECENT];
};

static int series_bytes(struct reader *reader, struct recent *recent, uint32_t series, struct arena *arena)
{
    if (recent->series[series % RECENT] == series)
        return SQLITE_OK;
    int code = lookup_series(&reader->lookup, series, arena, &recent->bytes[series % RECENT]);
    if (code == SQLITE_OK)
        recent->series[series % RECENT] = series;
    return code;
}

static int fetch_page(struct reader *reader, struct job *job, uint32_t n)
{
    struct recent recent = { .series = { 0 } };
    struct record record;
    job->metrics = arena_alloc(&job->arena, (n + 1) * sizeof(job->metrics[0]));
    if (job->metrics == NULL)
        return SQLITE_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        int code = lookup_row(&reader->lookup, reader->finder.page.places[i].row, &record);
        if (code != SQLITE_ROW) /* the index names rows of this snapshot only */
            return code == SQLITE_DONE ? SQLITE_CORRUPT : code;
        code = series_bytes(reader, &recent, record.series, &job->arena);
        if (code != SQLITE_OK)
            return code;
        job->metrics[i] = record_metric(&record, recent.bytes[record.series % RECENT]);
        job->n_metrics = i + 1;
    }
    return SQLITE_OK;
}

static struct list_position position_of(struct place place)
{
    struct list_position position = { .timestamp_ms = place.timestamp_ms };
    for (unsigned i = METRIC_ID_BYTES; i > METRIC_ID_BYTES - sizeof(place.row); i--) {
        position.tie[i - 1] = (uint8_t)place.row;
        place.row >>= 8;
    }
    return position;
}

static int find(struct reader *reader, struct job *job)
{
    const struct page *page = &reader->finder.page;
    int code = finder_run(&reader->finder, job, store_oldest_ms(reader->session.store), &reader->view);
    if (code != SQLITE_OK)
        return code;
    uint32_t n = page->n > job->filter.limit ? job->filter.limit : page->n;
    job->n_metrics = 0;
    job->has_next = page->n > n;
    if (job->has_next)
        job->next = position_of(page->places[n - 1]);
    return fetch_page(reader, job, n);
}

/* Jobs -------------------------------------------------------------------- */

static int read_in_snapshot(struct reader *reader, struct job *job, uint8_t op)
{
    struct store *store = reader->session.store;
    uint64_t version = store_catalogue_version(store);
    int64_t number;
    int code = statement_run(reader->statements[READER_BEGIN]);
    if (code == SQLITE_OK)
        code = statement_number(reader->statements[READER_SNAPSHOT], &number);
    if (code != SQLITE_ROW)
        return code == SQLITE_DONE ? SQLITE_CORRUPT : code;
    switch (op) {
    case OP_GET:
        return get(reader, job);
    case OP_FIND:
        return find(reader, job);
    case OP_AGGREGATE:
        return aggregator_run(&reader->aggregator, job, store->aggregate_max_bytes, store_oldest_ms(store),
                              &reader->view);
    case OP_CATALOGUE:
        return cataloguer_read(&reader->cataloguer, version, &job->catalogue);
    default:
        job->status = STATUS_INTERNAL;
        return SQLITE_OK;
    }
}

static void read_failed(struct reader *reader, struct job *job, int code)
{
    job->status = database_failure(reader->handle, code);
    job->n_metrics = 0;
    job->has_next = false;
    if (job->status == STATUS_QUERY_TOO_SLOW)
        return;
    stats_add(reader->session.stats, STATS_STORAGE_ERRORS, 1);
    log_error("the store cannot be read", "file", reader->session.store->path, "reason", sqlite3_errstr(code));
}

/* Lists and plans need the tail, pinned before the snapshot; what is asked by id or read as a whole is in tables. */
static int read_rows(struct reader *reader, struct job *job)
{
    uint8_t op = job->route->hops[job->hop].op;
    if (op == OP_FIND || op == OP_AGGREGATE)
        tail_pin(&reader->session.store->tail, reader->index, &reader->view);
    int code = read_in_snapshot(reader, job, op);
    tail_unpin(&reader->view);
    return code;
}

static void read_job(struct reader *reader, struct job *job)
{
    struct error error;
    if (reader->handle == NULL && connect_store(reader, &error) != 0) {
        job->status = STATUS_STORAGE_UNAVAILABLE;
        return;
    }
    reader->start_ns = clock_ns();
    reader->end_ns = reader->start_ns + reader->session.store->query_limit_ns;
    if (job->deadline_ns < reader->end_ns)
        reader->end_ns = job->deadline_ns;
    if (reader->start_ns >= reader->end_ns) {
        job->status = STATUS_QUERY_TOO_SLOW;
        return;
    }
    int code = read_rows(reader, job);
    reader->end_ns = UINT64_MAX;
    if (code != SQLITE_OK)
        read_failed(reader, job, code);
    if (code == SQLITE_OK)
        code = statement_run(reader->statements[READER_END]);
    if (code != SQLITE_OK && !database_rollback(reader->handle))
        database_close(&reader->handle);
}

void reader_read(struct storage_session *session, struct job *jobs[], unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        read_job((struct reader *)session, jobs[i]);
}
