/* SPDX-License-Identifier: MIT */
/* change: update and delete read the metric, hold it against the job's condition, and then change the
 * document on condition that it is still the one that was read; if not, again from the start.
 *
 * An attempt without an answer is followed by another read, which tells what became of it:
 *   - the store is as the job wants it: done, once the state is confirmed;
 *   - it is as it was before: the attempt had no effect, again;
 *   - it is a third way: somebody else changed it since, and whether our change came first cannot be
 *     known: OUTCOME_UNKNOWN. So a delete never ends with NOT_FOUND for its own success. */
#include <telemetry/stats.h>

#include "document.h"
#include "probe.h"
#include "writer.h"

enum { ROUNDS_MAX = 16 };

/* One change under way. */
struct change {
    struct writer *writer;
    struct job *job;
    bool is_delete;
    bool is_there;        /* what the last read found */
    struct metric stored; /* and what it was */
    bson_t as_read;       /* and the condition that it still is */
    struct metric before; /* what the attempt without an answer was to change */
    bool in_doubt;        /* there was such an attempt */
};

static struct link *link_of(struct change *change)
{
    return &change->writer->session.link;
}

static enum failure fail(struct change *change, const bson_error_t *error)
{
    stats_add(change->writer->session.stats, STATS_STORAGE_ERRORS, 1);
    return mongo_fail(change->writer->session.store, link_of(change), error);
}

/* Calls ----------------------------------------------------------------------- */

/* A document that is no metric, one that is too old or not of the key's names counts as not there. */
static enum failure read_stored(struct change *change)
{
    const bson_t *document;
    bson_error_t error;
    bson_t filter = BSON_INITIALIZER;
    document_write_id(&filter, "_id", &change->job->id);
    mongoc_cursor_t *cursor =
        mongoc_collection_find_with_opts(link_of(change)->collection, &filter, &change->writer->read_options, NULL);
    change->is_there = false;
    enum document_result result = DOCUMENT_FOREIGN;
    bson_reinit(&change->as_read);
    if (mongoc_cursor_next(cursor, &document)) {
        result = document_read(document, &change->job->arena, &change->stored);
        document_write_condition(&change->as_read, document);
    }
    change->is_there = result == DOCUMENT_OK &&
                       change->stored.timestamp_ms >= mongo_oldest_ms(change->writer->session.store) &&
                       job_may_touch(change->job, &change->stored);
    bool failed = mongoc_cursor_error(cursor, &error);
    mongoc_cursor_destroy(cursor);
    bson_destroy(&filter);
    if (result == DOCUMENT_NO_MEMORY)
        change->job->status = STATUS_OUT_OF_MEMORY;
    return failed ? fail(change, &error) : FAILURE_NONE;
}

static int64_t reply_count(const bson_t *reply, const char *key)
{
    bson_iter_t iter;
    return bson_iter_init_find(&iter, reply, key) ? bson_iter_as_int64(&iter) : 0;
}

/* Changes the document if it is still as it was read; *ret_done says whether it was. */
static enum failure attempt(struct change *change, bool *ret_done)
{
    bson_t reply, replacement = BSON_INITIALIZER;
    const bson_t *as_read = &change->as_read;
    bson_error_t error;
    bool ok;
    if (change->is_delete) {
        ok = mongoc_collection_delete_one(link_of(change)->collection, as_read, NULL, &reply, &error);
        *ret_done = reply_count(&reply, "deletedCount") > 0;
    } else {
        document_write(&replacement, &change->job->metrics[0], false);
        ok = mongoc_collection_replace_one(link_of(change)->collection, as_read, &replacement, NULL, &reply, &error);
        *ret_done = reply_count(&reply, "matchedCount") > 0;
    }
    bson_destroy(&reply);
    bson_destroy(&replacement);
    if (!ok && error.domain == MONGOC_ERROR_SERVER && failure_is_of_document(error.code))
        change->job->status = STATUS_INTERNAL;
    return ok ? FAILURE_NONE : fail(change, &error);
}

static enum failure confirm(struct change *change)
{
    bson_error_t error;
    bson_t ids = BSON_INITIALIZER;
    document_write_id(&ids, "_id", &change->job->id);
    bool ok = probe_confirm(link_of(change), &ids, &error) == FAILURE_NONE;
    bson_destroy(&ids);
    return ok ? FAILURE_NONE : fail(change, &error);
}

/* Steps ----------------------------------------------------------------------- */

enum step { STEP_AGAIN, STEP_DONE, STEP_ENDED /* the job has its status */ };

static enum step end(struct change *change, enum status status)
{
    change->job->status = status;
    return STEP_ENDED;
}

static bool is_as_wanted(const struct change *change)
{
    return change->is_delete ? !change->is_there
                             : change->is_there && metric_equal(&change->stored, &change->job->metrics[0]);
}

/* After an attempt without an answer: what the read says of it. */
static enum step judge_doubt(struct change *change, enum failure *failure)
{
    if (is_as_wanted(change)) {
        *failure = confirm(change);
        return *failure == FAILURE_NONE ? STEP_DONE : STEP_AGAIN;
    }
    if (!change->is_there || !metric_equal(&change->stored, &change->before))
        return end(change, STATUS_OUTCOME_UNKNOWN);
    change->in_doubt = false;
    return STEP_AGAIN;
}

static enum step try_change(struct change *change, enum failure *failure)
{
    bool done;
    if (!change->is_there)
        return end(change, STATUS_NOT_FOUND);
    if (!job_condition_holds(change->job, &change->stored))
        return end(change, STATUS_PRECONDITION_FAILED);
    change->before = change->stored;
    *failure = attempt(change, &done);
    if (*failure == FAILURE_NONE)
        return done ? STEP_DONE : STEP_AGAIN;
    change->in_doubt = failure_leaves_doubt(*failure) && *failure != FAILURE_REFUSED && *failure != FAILURE_FULL;
    return STEP_AGAIN;
}

static enum step step(struct change *change, enum failure *failure)
{
    enum step next = STEP_AGAIN;
    *failure = read_stored(change);
    if (*failure == FAILURE_NONE && change->job->status != STATUS_OK)
        return end(change, change->in_doubt ? STATUS_OUTCOME_UNKNOWN : change->job->status);
    if (*failure == FAILURE_NONE && change->in_doubt)
        next = judge_doubt(change, failure);
    if (*failure == FAILURE_NONE && next == STEP_AGAIN && !change->in_doubt)
        next = try_change(change, failure);
    return next;
}

/* Whether another round is of no use; then the job has its status. */
static bool gives_up(struct change *change, enum failure failure, unsigned round)
{
    struct job *job = change->job;
    if (clock_ns() >= job->deadline_ns)
        job->status = change->in_doubt ? STATUS_OUTCOME_UNKNOWN : STATUS_EXPIRED;
    else if (failure != FAILURE_NONE && !change->in_doubt)
        job->status = job->status != STATUS_OK ? job->status : failure_status(failure);
    else if (failure == FAILURE_NONE && round >= ROUNDS_MAX)
        job->status = STATUS_OVERLOADED;
    return job->status != STATUS_OK;
}

static void succeed(struct change *change)
{
    struct job *job = change->job;
    job->previous = change->before;
    job->has_previous = true;
    stats_add(change->writer->session.stats, change->is_delete ? STATS_METRICS_DELETED : STATS_METRICS_UPDATED, 1);
}

static void run(struct change *change)
{
    enum failure failure;
    for (unsigned round = 0;; round++) {
        enum step next = step(change, &failure);
        if (next == STEP_DONE)
            succeed(change);
        if (next != STEP_AGAIN || gives_up(change, failure, round))
            break;
        writer_pause(round);
    }
}

void change_job(struct writer *writer, struct job *job)
{
    struct change change = { .writer = writer, .job = job };
    enum failure failure = mongo_failure(writer->session.store);
    if (failure != FAILURE_NONE) {
        job->status = failure_status(failure);
        return;
    }
    change.is_delete = job->route->hops[job->hop].op == OP_DELETE;
    if (!change.is_delete) {
        job->metrics[0].id = job->id;
        job->metrics[0].has_id = true;
    }
    bson_init(&change.as_read);
    run(&change);
    bson_destroy(&change.as_read);
}
