/* SPDX-License-Identifier: MIT */
#include "writer.h"

#include <stdlib.h>
#include <time.h>

#include <telemetry/stats.h>

/* A group of inserts takes no further job when it has so many metrics: one call. */
enum { GROUP_METRICS = SEND_MAX };

#define PAUSE_MIN_NS (20 * NS_PER_MS)
#define PAUSE_MAX_NS (250 * NS_PER_MS)

int mongo_writer_attach(struct store *store, struct stats *stats, struct storage_session **ret_session,
                        struct error *error)
{
    struct writer *writer = calloc(1, sizeof(*writer));
    if (writer == NULL)
        return error_set(error, 1, "no memory for a writer");
    writer->session =
        (struct session){ .head.ops = &storage_mongodb, .role = STORAGE_WRITER, .store = store, .stats = stats };
    if (mongo_link(store, &writer->session.link, error) != 0) {
        free(writer);
        return -1;
    }
    minter_init(&writer->minter);
    for (unsigned i = 0; i < SEND_MAX; i++)
        writer->documents[i] = bson_new();
    bson_init(&writer->send_options);
    BSON_APPEND_BOOL(&writer->send_options, "ordered", false);
    BSON_APPEND_BOOL(&writer->send_options, "validate", false); /* they are of our own making */
    bson_init(&writer->read_options);
    BSON_APPEND_INT64(&writer->read_options, "maxTimeMS", (int64_t)(store->read_limit_ns / NS_PER_MS));
    *ret_session = (struct storage_session *)writer;
    return 0;
}

void mongo_writer_detach(struct storage_session **session)
{
    struct writer *writer = (struct writer *)*session;
    *session = NULL;
    bson_destroy(&writer->send_options);
    bson_destroy(&writer->read_options);
    for (unsigned i = 0; i < SEND_MAX; i++)
        bson_destroy(writer->documents[i]);
    inserts_fini(&writer->inserts);
    mongo_unlink(writer->session.store, &writer->session.link);
    free(writer);
}

void writer_pause(unsigned attempt)
{
    uint64_t pause_ns = attempt > 4 ? PAUSE_MAX_NS : PAUSE_MIN_NS << attempt;
    pause_ns = pause_ns > PAUSE_MAX_NS ? PAUSE_MAX_NS : pause_ns;
    struct timespec pause = { .tv_nsec = (long)pause_ns };
    nanosleep(&pause, NULL);
}

void writer_forget(struct job *job)
{
    job->existed = false;
    job->has_previous = false;
    for (uint32_t i = 0; i < job->n_metrics; i++)
        job->metrics[i].has_id = job->metrics[i].client_id;
}

static uint8_t op_of(const struct job *job)
{
    return job->route->hops[job->hop].op;
}

static void gather(struct writer *writer, struct job *job)
{
    struct inserts *inserts = &writer->inserts;
    if (inserts->n_jobs > 0 && (inserts->n + job->n_metrics > GROUP_METRICS || inserts_meet(inserts, job)))
        insert_all(writer);
    if (!inserts_add(inserts, job))
        job->status = STATUS_OUT_OF_MEMORY;
}

static void do_job(struct writer *writer, struct job *job)
{
    switch (op_of(job)) {
    case OP_INSERT:
        gather(writer, job);
        break;
    case OP_UPDATE:
    case OP_DELETE:
        insert_all(writer);
        change_job(writer, job);
        break;
    default:
        job->status = STATUS_INTERNAL;
    }
}

void mongo_writer_write(struct storage_session *session, struct job *jobs[], unsigned n)
{
    struct writer *writer = (struct writer *)session;
    for (unsigned i = 0; i < n; i++)
        do_job(writer, jobs[i]);
    insert_all(writer);
    shelf_notice(&writer->session.store->shelf, jobs, n);
}
