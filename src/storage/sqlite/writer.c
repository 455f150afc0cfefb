/* SPDX-License-Identifier: MIT */
/* writer: group commit. Whatever jobs wait become one transaction, and only when that is on the disk
 * do they go on; if the store fails, each of them is told. While writes fail and nobody asks, the
 * tick tries one of its own, so that the store is known to work again as soon as it does. When all is
 * merged and nothing is committed for a second, the writer rests: it gives back memory. */
#include "writer.h"

#include <malloc.h>
#include <stdlib.h>

#include <telemetry/stats.h>

#include "database.h"

enum {
    GROUP_ROWS = 16 * 1024, /* a group of so many rows takes no further job: others wait, the log grows */
    MERGE_FACTOR = 2,       /* entries merged for each row appended */
    MERGE_IDLE = 4096       /* entries merged by a tick in a quiet moment */
};

#define QUIET_NS (100 * NS_PER_MS)

int writer_attach(struct store *store, struct stats *stats, struct storage_session **ret_session, struct error *error)
{
    if (atomic_exchange(&store->has_writer, true))
        return error_set(error, 78, "sqlite takes one writer: set STORAGE_WORKERS=1");
    struct writer *writer = calloc(1, sizeof(*writer));
    if (writer == NULL) {
        error_set(error, 1, "no memory for the writer");
        goto free_place;
    }
    writer->session =
        (struct session){ .head.ops = &storage_sqlite, .role = STORAGE_WRITER, .store = store, .stats = stats };
    writer->committed.next_row = store->next_row;
    writer->now = writer->committed;
    writer->rest_ns = clock_ns() + WRITER_REST_NS;
    if (transaction_connect(writer, error) != 0)
        goto free_writer;
    *ret_session = (struct storage_session *)writer;
    return 0;
free_writer:
    free(writer);
free_place:
    atomic_store(&store->has_writer, false);
    return -1;
}

void writer_detach(struct storage_session **session)
{
    struct writer *writer = (struct writer *)*session;
    *session = NULL;
    writer->session.store->next_row = writer->committed.next_row;
    transaction_disconnect(writer);
    atomic_store(&writer->session.store->has_writer, false);
    free(writer);
}

static uint8_t op_of(const struct job *job)
{
    return job->route->hops[job->hop].op;
}

static int do_job(struct writer *writer, struct job *job)
{
    switch (op_of(job)) {
    case OP_INSERT:
        return insert_job(writer, job);
    case OP_UPDATE:
        return update_job(writer, job);
    case OP_DELETE:
        return delete_job(writer, job);
    default:
        job->status = STATUS_INTERNAL;
        return SQLITE_OK;
    }
}

/* One transaction; all its jobs have the same fate, but for those that fail by themselves. */
static void write_group(struct writer *writer, struct job *jobs[], unsigned n, uint32_t n_rows)
{
    uint64_t start_ns = clock_ns();
    writer->seconds = (uint32_t)(clock_wall_ms() / 1000);
    int code = transaction_begin(writer, n_rows);
    for (unsigned i = 0; code == SQLITE_OK && i < n; i++)
        code = do_job(writer, jobs[i]);
    uint32_t n_merge = MERGE_FACTOR * (uint32_t)writer->now.inserted;
    enum status status = transaction_end(writer, code, n_merge);
    for (unsigned i = 0; status != STATUS_OK && i < n; i++) {
        job_forget(jobs[i]);
        jobs[i]->reply.n_errors = 0;
        jobs[i]->status = status;
    }
    writer->busy_ns = clock_ns();
    stats_add(writer->session.stats, STATS_COMMITS, status == STATUS_OK);
    histogram_add(&writer->session.stats->commits, writer->busy_ns - start_ns);
}

void writer_write(struct storage_session *session, struct job *jobs[], unsigned n)
{
    struct writer *writer = (struct writer *)session;
    for (unsigned first = 0, i = 0; first < n; first = i) {
        uint64_t n_rows = 0;
        for (; i < n && (i == first || n_rows < GROUP_ROWS); i++)
            n_rows += op_of(jobs[i]) == OP_INSERT ? jobs[i]->n_metrics : 0;
        write_group(writer, jobs + first, i - first, (uint32_t)n_rows);
    }
}

/* Tick ---------------------------------------------------------------------- */

static uint64_t probe(struct writer *writer, uint64_t now_ns)
{
    if (now_ns < writer->probe_ns)
        return writer->probe_ns;
    int code = transaction_begin(writer, 0);
    if (code == SQLITE_OK)
        code = rows_meta(&writer->rows, META_PROBE, (int64_t)writer->seconds);
    return transaction_end(writer, code, 0) == STATUS_OK ? now_ns : writer->probe_ns;
}

/* Merges on while nobody writes; under load the groups do it. */
static uint64_t merge_when_quiet(struct writer *writer, uint64_t now_ns)
{
    if (now_ns < writer->busy_ns + QUIET_NS)
        return writer->busy_ns + QUIET_NS;
    transaction_end(writer, transaction_begin(writer, 0), MERGE_IDLE);
    return now_ns + NS_PER_MS;
}

/* Gives back, once, SQLite's pages and all that lies free in the heap. Who writes next finds the pages in
 * the kernel's memory. */
static uint64_t rest_when_quiet(struct writer *writer, uint64_t now_ns)
{
    if (now_ns < writer->rest_ns)
        return writer->rest_ns;
    sqlite3_db_release_memory(writer->handle);
    malloc_trim(0);
    writer->rest_ns = UINT64_MAX;
    return UINT64_MAX;
}

uint64_t writer_tick(struct storage_session *session, uint64_t now_ns)
{
    struct writer *writer = (struct writer *)session;
    struct store *store = writer->session.store;
    if (atomic_load_explicit(&store->health.status, memory_order_relaxed) != STATUS_OK || writer->handle == NULL)
        return probe(writer, now_ns);
    uint64_t swept = sweeper_tick(writer, now_ns);
    if (writer->handle == NULL)
        return writer->probe_ns;
    bool merges = tail_oldest_sealed(&store->tail) != NULL;
    uint64_t next = merges ? merge_when_quiet(writer, now_ns) : rest_when_quiet(writer, now_ns);
    return swept < next ? swept : next;
}
