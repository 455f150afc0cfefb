/* SPDX-License-Identifier: MIT */
/* insert: what happens to gathered jobs between the first look and the answer.
 *
 * Happy path: one call stores all of it. Before it, batches that bring ids are compared with what is
 * there, so that a conflict is known before anything is stored; a single metric needs no look, its
 * insert is the look.
 *
 * What was found to be there counts once it is as safe as what was sent; only then there is a second call.
 *
 * What was not answered for is sent again, with the same ids, until its job's deadline; a failure that
 * surely kept everything out ends jobs of which nothing was sent before at once. A job of which
 * something is stored, or may be, ends with OK or with OUTCOME_UNKNOWN, never with another status. */
#include "writer.h"

#include <telemetry/stats.h>

enum { CALL_REFUSALS_MAX = 3 };

/* Whether something of the job is stored, or may be. */
static bool is_touched(const struct inserts *inserts, const struct insert_job *job)
{
    for (uint32_t i = job->first; i < job->first + job->n; i++) {
        const struct insert *item = &inserts->items[i];
        bool is_open = item->state == INSERT_PENDING || item->state == INSERT_FOUND || item->state == INSERT_FULL ||
                       item->state == INSERT_DROPPED;
        if (item->state == INSERT_STORED || (is_open && item->sent))
            return true;
    }
    return false;
}

static bool is_over(const struct insert_job *job, uint64_t now_ns)
{
    return now_ns >= job->job->deadline_ns;
}

/* Ends the attempts for one job. */
static void drop(struct inserts *inserts, struct insert_job *job, enum status status)
{
    job->status = status;
    for (uint32_t i = job->first; i < job->first + job->n; i++)
        if (inserts->items[i].state == INSERT_PENDING)
            inserts->items[i].state = INSERT_DROPPED;
}

static void drop_all(struct inserts *inserts, enum status status)
{
    for (uint32_t i = 0; i < inserts->n_jobs; i++)
        drop(inserts, &inserts->jobs[i], status);
}

/* The state of an item, of a twin that of the first. */
static enum insert_state state_of(const struct inserts *inserts, const struct insert *item)
{
    return (enum insert_state)(item->state == INSERT_TWIN ? inserts_find(inserts, &item->metric->id)->state
                                                          : item->state);
}

static uint32_t count(const struct inserts *inserts, const struct insert_job *job, enum insert_state state)
{
    uint32_t n = 0;
    for (uint32_t i = job->first; i < job->first + job->n; i++)
        n += state_of(inserts, &inserts->items[i]) == state;
    return n;
}

/* Before the call ------------------------------------------------------------- */

/* Compares the ids that batches bring. */
static enum failure look_up(struct writer *writer)
{
    struct inserts *inserts = &writer->inserts;
    uint32_t n = 0;
    enum failure failure = FAILURE_NONE;
    for (uint32_t i = 0; i < inserts->n && failure == FAILURE_NONE; i++) {
        struct insert *item = &inserts->items[i];
        if (item->state == INSERT_PENDING && item->metric->client_id && inserts->jobs[item->job].n > 1)
            writer->picked[n++] = item;
        if (n == SEND_MAX || (n > 0 && i + 1 == inserts->n)) {
            failure = send_compare(writer, n);
            n = 0;
        }
    }
    return failure;
}

static void drop_conflicts(struct inserts *inserts)
{
    for (uint32_t i = 0; inserts->n_ids > 0 && i < inserts->n_jobs; i++)
        if (count(inserts, &inserts->jobs[i], INSERT_CONFLICT) > 0)
            drop(inserts, &inserts->jobs[i], STATUS_CONFLICT);
}

/* Calls ----------------------------------------------------------------------- */

/* Picks the next ones in a state; *first moves to the first of them. */
static uint32_t pick(struct writer *writer, enum insert_state state, uint32_t *first)
{
    struct inserts *inserts = &writer->inserts;
    uint32_t n = 0;
    while (*first < inserts->n && inserts->items[*first].state != state)
        (*first)++;
    for (uint32_t i = *first; i < inserts->n && n < SEND_MAX; i++)
        if (inserts->items[i].state == state)
            writer->picked[n++] = &inserts->items[i];
    return n;
}

/* Reads what stands under the ids in doubt. One that is gone again by now is sent again. */
static enum failure settle_doubts(struct writer *writer, uint32_t n)
{
    uint32_t n_doubts = 0;
    for (uint32_t i = 0; i < n; i++)
        if (writer->picked[i]->state == INSERT_IN_DOUBT)
            writer->picked[n_doubts++] = writer->picked[i];
    if (n_doubts == 0)
        return FAILURE_NONE;
    enum failure failure = send_compare(writer, n_doubts);
    for (uint32_t i = 0; i < n_doubts; i++)
        if (writer->picked[i]->state == INSERT_IN_DOUBT)
            writer->picked[i]->state = INSERT_PENDING;
    return failure;
}

/* Ends the attempts for jobs that another one would not help. */
static void give_up(struct inserts *inserts, enum failure failure, bool is_refused)
{
    uint64_t now_ns = clock_ns();
    bool is_certain = failure != FAILURE_NONE && !failure_leaves_doubt(failure);
    for (uint32_t i = 0; i < inserts->n_jobs; i++) {
        struct insert_job *job = &inserts->jobs[i];
        if (job->status != STATUS_OK)
            continue;
        if (is_over(job, now_ns))
            drop(inserts, job, STATUS_EXPIRED);
        else if (is_refused || (is_certain && !is_touched(inserts, job)))
            drop(inserts, job, failure_status(failure));
    }
}

/* Sends all that is PENDING until nothing is. */
static void send_all(struct writer *writer)
{
    unsigned n_refusals = 0, attempt = 0;
    for (uint32_t first = 0, n; (n = pick(writer, INSERT_PENDING, &first)) > 0;) {
        enum failure failure = send_picked(writer, n);
        enum failure of_reading = settle_doubts(writer, n);
        failure = failure == FAILURE_NONE ? of_reading : failure;
        n_refusals += failure == FAILURE_REFUSED || failure == FAILURE_FULL;
        give_up(&writer->inserts, failure, n_refusals >= CALL_REFUSALS_MAX);
        if (writer->inserts.items[first].state == INSERT_PENDING)
            writer_pause(attempt++);
    }
}

/* Ends the attempts for what is FOUND and was not confirmed: at once where its job did not send it. */
static void drop_found(struct inserts *inserts, enum failure failure, bool is_refused)
{
    uint64_t now_ns = clock_ns();
    for (uint32_t i = 0; i < inserts->n; i++) {
        struct insert *item = &inserts->items[i];
        struct insert_job *job = &inserts->jobs[item->job];
        if (item->state != INSERT_FOUND || (item->sent && !is_refused && !is_over(job, now_ns)))
            continue;
        item->state = INSERT_DROPPED;
        if (job->status == STATUS_OK)
            job->status = failure_status(failure);
    }
}

/* Confirms all that is FOUND until nothing is. */
static void confirm_all(struct writer *writer)
{
    struct inserts *inserts = &writer->inserts;
    unsigned n_refusals = 0, attempt = 0;
    for (uint32_t first = 0, n; (n = pick(writer, INSERT_FOUND, &first)) > 0;) {
        enum failure failure = send_confirm(writer, n);
        if (failure == FAILURE_NONE)
            continue;
        n_refusals += failure == FAILURE_REFUSED || failure == FAILURE_FULL;
        drop_found(inserts, failure, n_refusals >= CALL_REFUSALS_MAX);
        if (inserts->items[first].state == INSERT_FOUND)
            writer_pause(attempt++);
    }
}

/* After it ---------------------------------------------------------------------- */

static void name_conflicts(const struct inserts *inserts, const struct insert_job *job)
{
    struct reply *reply = &job->job->reply;
    reply->errors = arena_alloc(&job->job->arena, REPLY_ERRORS_MAX * sizeof(reply->errors[0]));
    reply->n_errors = 0;
    for (uint32_t i = 0; reply->errors != NULL && i < job->n && reply->n_errors < REPLY_ERRORS_MAX; i++)
        if (state_of(inserts, &inserts->items[job->first + i]) == INSERT_CONFLICT)
            reply->errors[reply->n_errors++] = (struct reply_error){ .index = i,
                                                                     .pointer = SLICE("/id"),
                                                                     .detail = SLICE("another metric has this id") };
}

/* How a job ends of which something is not stored. */
static enum status status_of(const struct inserts *inserts, const struct insert_job *job)
{
    if (is_touched(inserts, job))
        return STATUS_OUTCOME_UNKNOWN;
    if (count(inserts, job, INSERT_CONFLICT) > 0)
        return STATUS_CONFLICT;
    if (job->status != STATUS_OK)
        return job->status;
    if (count(inserts, job, INSERT_REFUSED) > 0)
        return STATUS_INTERNAL;
    return count(inserts, job, INSERT_FULL) > 0 ? STATUS_STORAGE_FULL : STATUS_STORAGE_UNAVAILABLE;
}

static void report(struct writer *writer, const struct insert_job *insert_job)
{
    const struct inserts *inserts = &writer->inserts;
    struct job *job = insert_job->job;
    uint32_t n_stored = count(inserts, insert_job, INSERT_STORED);
    uint32_t n_existed = count(inserts, insert_job, INSERT_EXISTED);
    stats_add(writer->session.stats, STATS_METRICS_INSERTED, n_stored);
    if (n_stored + n_existed == insert_job->n) {
        job->existed = !job->batch && n_existed > 0;
        return;
    }
    job->status = status_of(inserts, insert_job);
    writer_forget(job);
    if (job->status == STATUS_CONFLICT)
        name_conflicts(inserts, insert_job);
}

void insert_all(struct writer *writer)
{
    struct inserts *inserts = &writer->inserts;
    if (inserts->n_jobs == 0)
        return;
    enum failure failure = mongo_failure(writer->session.store);
    if (failure == FAILURE_NONE)
        failure = look_up(writer);
    if (failure != FAILURE_NONE)
        drop_all(inserts, failure_status(failure));
    drop_conflicts(inserts);
    send_all(writer);
    confirm_all(writer);
    for (uint32_t i = 0; i < inserts->n_jobs; i++)
        report(writer, &inserts->jobs[i]);
    inserts_clear(inserts);
}
