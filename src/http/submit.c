/* SPDX-License-Identifier: MIT */
/* submit: requests become jobs: target, fields and body are copied into the job's arena, once; or they are refused. */
#include <telemetry/clock.h>
#include <telemetry/job.h>
#include <telemetry/stats.h>

#include "http/connection.h"
#include "http/intake.h"
#include "http/loop.h"

/* Refusals ------------------------------------------------------------------ */

static void note_refusal(struct connection *connection, struct refusal refusal, struct answer_form form)
{
    struct loop *loop = connection->loop;
    connection->has_refusal = true;
    connection->refusal = refusal;
    connection->refusal_form = form;
    connection->refusal_form.number = ++loop->n_requests;
    stats_add(loop->stats, STATS_REQUESTS, 1);
    loop_mark_dirty(loop, connection);
}

/* The head whose body is awaited lies at the start of the stash. */
static void name_by_stash(struct connection *connection, struct answer_form *form)
{
    struct loop *loop = connection->loop;
    const struct intake *intake = &connection->intake;
    struct head head;
    struct refusal refusal;
    if (intake->phase == INTAKE_BODY && head_read(intake->stash.data, intake->head_bytes, &loop->settings->head,
                                                  loop->joined_buffer, &head, &refusal) == 0)
        answer_name(form, &head.request);
}

void intake_refuse(struct connection *connection, const struct head *head, struct refusal refusal)
{
    struct answer_form form = { .keep_alive = false };
    if (head != NULL)
        answer_name(&form, &head->request);
    else
        name_by_stash(connection, &form);
    connection->intake.phase = INTAKE_DONE;
    note_refusal(connection, refusal, form);
    intake_free(connection);
}

void intake_refuse_for_budget(struct connection *connection, const struct head *head)
{
    stats_add(connection->loop->stats, STATS_REFUSED_NO_BUDGET, 1);
    intake_refuse(connection, head,
                  (struct refusal){ STATUS_OVERLOADED,
                                    "BODY_BUDGET_BYTES, or what heads may have of it, is in use by other requests" });
}

void intake_refuse_large(struct connection *connection, const struct head *head)
{
    intake_refuse(
        connection, head,
        (struct refusal){ STATUS_BODY_TOO_LARGE, "the body is larger than BODY_MAX_BYTES; send smaller batches" });
}

void intake_refuse_whole(struct connection *connection, const struct head *head, struct refusal refusal,
                         const struct limit_note *note)
{
    block_free(connection->loop, &connection->intake.body);
    if (!head->keep_alive)
        connection->intake.phase = INTAKE_DONE;
    struct answer_form form = { .keep_alive = head->keep_alive,
                                .http10 = head->http10,
                                .head_only = head->request.method == METHOD_HEAD,
                                .note = *note };
    answer_name(&form, &head->request);
    note_refusal(connection, refusal, form);
}

/* Why a share gets no job, whether or not there is one; NULL: it may have one. */
static const char *share_is_full(const struct loop *loop, enum job_share share)
{
    static const char *const full[SHARES] = { [SHARE_READ] = "the share of JOBS that queries may hold is in use",
                                              [SHARE_WRITE] = "the share of JOBS that writes may hold is in use" };
    const struct http_settings *settings = loop->settings;
    if (share == SHARE_OWN)
        return NULL;
    if (loop->n_shares[share] >= settings->share_max)
        return full[share];
    if (loop->n_shares[SHARE_READ] + loop->n_shares[SHARE_WRITE] >= settings->shares_max)
        return "all JOBS are under way but those kept for health and counters";
    return NULL;
}

static void refuse_for_jobs(struct connection *connection, const struct head *head, enum job_share share,
                            const struct limit_note *note)
{
    const char *full = share_is_full(connection->loop, share);
    stats_add(connection->loop->stats, STATS_REFUSED_NO_JOB, 1);
    intake_refuse_whole(connection, head,
                        (struct refusal){ STATUS_OVERLOADED, full != NULL ? full : "all JOBS are under way" }, note);
}

/* Jobs --------------------------------------------------------------------- */

/* What the server says of itself (health, counters) never waits for the store, and is asked when all else is stuck. */
static enum job_share share_of(const struct request *request)
{
    struct slice target = request->target;
    if (slice_starts_with(target, SLICE("/healthz")) || slice_starts_with(target, SLICE("/readyz")) ||
        slice_starts_with(target, SLICE("/-/")))
        return SHARE_OWN;
    bool reads = request->method == METHOD_GET || request->method == METHOD_HEAD;
    return reads || slice_starts_with(target, SLICE("/query")) ? SHARE_READ : SHARE_WRITE;
}

static struct job *take_job(struct loop *loop, enum job_share share)
{
    if (share_is_full(loop, share) != NULL)
        return NULL;
    struct job *job = job_pool_take(loop->pool);
    if (job == NULL)
        return NULL;
    job->home.share = (uint8_t)share;
    loop->n_shares[share]++;
    return job;
}

static bool copy_request(struct job *job, const struct request *request)
{
    job->request = *request;
    job->request.target = arena_copy(&job->arena, request->target);
    bool copied = job->request.target.data != NULL;
#define COPY_MEMBER(member, name)                                                                                      \
    if (request->member.len > 0) {                                                                                     \
        job->request.member = arena_copy(&job->arena, request->member);                                                \
        copied = copied && job->request.member.data != NULL;                                                           \
    }
    REQUEST_FIELDS(COPY_MEMBER)
#undef COPY_MEMBER
    return copied;
}

/* Moves a body that arrived in pieces, copies one that lies in the read buffer. */
static bool give_body(struct connection *connection, struct job *job, struct slice body)
{
    struct block *block = &connection->intake.body;
    if (block->data == NULL) {
        job->request.body = arena_copy(&job->arena, body);
        return job->request.body.data != NULL;
    }
    job->home.body_block = block->data;
    job->home.body_block_bytes = block->capacity;
    job->request.body = (struct slice){ block->data, block->len };
    *block = (struct block){ 0 };
    return true;
}

static void append_to_pipeline(struct connection *connection, struct job *job)
{
    job->home.connection = connection;
    job->home.next = NULL;
    if (connection->last != NULL)
        connection->last->home.next = job;
    else
        connection->first = job;
    connection->last = job;
    connection->n_pipeline++;
}

static bool copy_access(struct job *job, const struct pass *pass)
{
    job->home.note = pass->note;
    job->access.role = pass->role;
    if (pass->key == NULL)
        return true;
    job->access.key = arena_copy(&job->arena, slice_of(pass->key->name));
    job->access.prefix = arena_copy(&job->arena, slice_of(pass->key->prefix));
    return job->access.key.data != NULL && job->access.prefix.data != NULL;
}

void intake_submit(struct connection *connection, const struct head *head, struct slice body, const struct pass *pass)
{
    struct loop *loop = connection->loop;
    enum job_share share = share_of(&head->request);
    struct job *job = take_job(loop, share);
    connection->intake.wait_anew = true;
    if (job == NULL) {
        refuse_for_jobs(connection, head, share, &pass->note);
        return;
    }
    job->home.head_only = head->request.method == METHOD_HEAD;
    job->home.keep_alive = head->keep_alive;
    job->home.http10 = head->http10;
    append_to_pipeline(connection, job);
    if (!head->keep_alive)
        connection->intake.phase = INTAKE_DONE;
    if (copy_access(job, pass) && copy_request(job, &head->request) && give_body(connection, job, body)) {
        loop_submit(loop, &job);
        return;
    }
    block_free(loop, &connection->intake.body); /* not of the next request */
    job->home.number = ++loop->n_requests;
    job->home.received_ns = clock_ns();
    stats_add(loop->stats, STATS_REQUESTS, 1);
    job_fail(job, STATUS_OUT_OF_MEMORY, (struct slice){ NULL, 0 });
    connection_answered(connection, job);
}
