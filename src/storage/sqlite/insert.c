/* SPDX-License-Identifier: MIT */
/* insert: metrics without an id get one that names their row, and nothing needs to be looked up.
 *
 * An id that came with the request is looked up first. If another metric has it, the job fails as a
 * whole; the rest of its items is still gone through, so that the answer names all that conflict, and
 * then a savepoint takes back what was inserted. */
#include "writer.h"

#include <assert.h>

#include "identity.h"

static int append(struct writer *writer, struct metric *metric)
{
    struct record record = { .row = writer->now.next_row,
                             .client_id = metric->has_id,
                             .timestamp_ms = metric->timestamp_ms,
                             .value = metric->value };
    int code = dictionary_number(&writer->dictionary, metric, &record.series);
    if (code != SQLITE_OK)
        return code;
    if (!metric->has_id)
        metric->id = identity_mint(writer->session.store->tag, writer->seconds, record.row);
    metric->has_id = true;
    record.id = metric->id;
    code = rows_append(&writer->rows, &record);
    if (code != SQLITE_OK)
        return code;
    tail_append(&writer->session.store->tail, record.row, record.series, record.timestamp_ms, record.value);
    writer->now.next_row++;
    writer->now.inserted++;
    return SQLITE_OK;
}

/* Names item i among the errors of the answer, if there is room. */
static void conflict(struct job *job, uint32_t i)
{
    static const struct slice detail = { "another metric has this id", sizeof("another metric has this id") - 1 };
    struct reply *reply = &job->reply;
    if (job->status != STATUS_CONFLICT) {
        job->status = STATUS_CONFLICT;
        reply->errors = arena_alloc(&job->arena, REPLY_ERRORS_MAX * sizeof(reply->errors[0]));
        reply->n_errors = 0;
    }
    if (reply->errors != NULL && reply->n_errors < REPLY_ERRORS_MAX)
        reply->errors[reply->n_errors++] =
            (struct reply_error){ .index = i, .pointer = SLICE("/id"), .detail = detail };
}

static int insert_with_id(struct writer *writer, struct job *job, uint32_t i)
{
    struct metric *metric = &job->metrics[i];
    struct record record;
    struct slice series;
    int code = lookup_id(&writer->rows.lookup, &metric->id, &record);
    if (code == SQLITE_DONE)
        return append(writer, metric);
    if (code != SQLITE_ROW)
        return code;
    code = lookup_series(&writer->rows.lookup, record.series, &job->arena, &series);
    if (code != SQLITE_OK)
        return code;
    struct metric stored = record_metric(&record, series);
    if (!metric_resent(&stored, metric))
        conflict(job, i);
    else if (!job->batch)
        job->existed = true;
    return SQLITE_OK;
}

static bool any_id(const struct job *job)
{
    for (uint32_t i = 0; i < job->n_metrics; i++)
        if (job->metrics[i].has_id)
            return true;
    return false;
}

static int insert_all(struct writer *writer, struct job *job)
{
    int code = SQLITE_OK;
    for (uint32_t i = 0; code == SQLITE_OK && i < job->n_metrics; i++)
        code = job->metrics[i].has_id ? insert_with_id(writer, job, i) : append(writer, &job->metrics[i]);
    return code;
}

static int undo(struct writer *writer, struct job *job)
{
    int code = transaction_do(writer, WRITER_UNDO);
    return code != SQLITE_OK ? code : transaction_do(writer, WRITER_RELEASE);
}

int insert_job(struct writer *writer, struct job *job)
{
    struct mark mark = writer->now;
    if (job->n_metrics <= 1 || !any_id(job)) /* all that can go wrong comes before the first change */
        return insert_all(writer, job);
    int code = transaction_do(writer, WRITER_SAVE);
    if (code == SQLITE_OK)
        code = insert_all(writer, job);
    if (code != SQLITE_OK)
        return code;
    if (job->status == STATUS_OK)
        return transaction_do(writer, WRITER_RELEASE);
    transaction_rewind(writer, &mark);
    job_forget(job);
    return undo(writer, job);
}
