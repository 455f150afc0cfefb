/* SPDX-License-Identifier: MIT */
/* intake: bytes become requests, requests become jobs.
 *
 * Happy path: a read brings one or more whole requests; each head is scanned and read in the loop's own
 * read buffer, a job is taken, and target, fields and body are copied into the job's arena, once.
 * What is not whole goes to the stash (heads) or to the body block, which a job takes over as it is.
 * Failure paths: what breaks a rule or a limit is refused and the connection ends behind that answer. */
#include <assert.h>
#include <string.h>

#include <telemetry/clock.h>
#include <telemetry/job.h>
#include <telemetry/stats.h>

#include "http/connection.h"
#include "http/loop.h"

enum { RATE_GRACE_NS = 2000000000 };

/* A run of bytes that is being read off. */
struct feed {
    const char *at;
    size_t left;
};

static void feed_skip(struct feed *feed, size_t bytes)
{
    feed->at += bytes;
    feed->left -= bytes;
}

bool intake_is_open(const struct connection *connection)
{
    return connection->intake.phase != INTAKE_DONE && !connection->closing &&
           connection->n_pipeline < connection->loop->settings->pipeline_max && !connection->has_refusal &&
           !connection->outlet.writing;
}

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

void intake_refuse(struct connection *connection, enum status status, const char *detail)
{
    connection->intake.phase = INTAKE_DONE;
    note_refusal(connection, (struct refusal){ status, detail }, (struct answer_form){ .keep_alive = false });
    intake_free(connection);
}

static void refuse_for_budget(struct connection *connection)
{
    stats_add(connection->loop->stats, STATS_REFUSED_NO_BUDGET, 1);
    intake_refuse(connection, STATUS_OVERLOADED, "BODY_BUDGET_BYTES are in use by other requests");
}

static void refuse_large(struct connection *connection)
{
    intake_refuse(connection, STATUS_BODY_TOO_LARGE, "the body is larger than BODY_MAX_BYTES; send smaller batches");
}

/* A whole request finds no free job: the connection goes on behind the answer. */
static void refuse_for_jobs(struct connection *connection, const struct head *head)
{
    stats_add(connection->loop->stats, STATS_REFUSED_NO_JOB, 1);
    block_free(connection->loop, &connection->intake.body);
    if (!head->keep_alive)
        connection->intake.phase = INTAKE_DONE;
    struct answer_form form = { .keep_alive = head->keep_alive,
                                .http10 = head->http10,
                                .head_only = head->request.method == METHOD_HEAD };
    note_refusal(connection, (struct refusal){ STATUS_OVERLOADED, "all JOBS are under way" }, form);
}

void intake_free(struct connection *connection)
{
    block_free(connection->loop, &connection->intake.body);
    block_free(connection->loop, &connection->intake.stash);
}

/* Jobs --------------------------------------------------------------------- */

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

/* A request is whole: a job goes on its way with it. `body` is used when no body block is held. */
static void submit(struct connection *connection, const struct head *head, struct slice body)
{
    struct loop *loop = connection->loop;
    struct job *job = job_pool_take(loop->pool);
    connection->intake.wait_anew = true;
    if (job == NULL) {
        refuse_for_jobs(connection, head);
        return;
    }
    job->home.head_only = head->request.method == METHOD_HEAD;
    job->home.keep_alive = head->keep_alive;
    job->home.http10 = head->http10;
    append_to_pipeline(connection, job);
    if (!head->keep_alive)
        connection->intake.phase = INTAKE_DONE;
    if (copy_request(job, &head->request) && give_body(connection, job, body)) {
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

/* Bodies ------------------------------------------------------------------- */

/* Adds to the body block; refuses past a limit. */
static bool take_body(struct connection *connection, struct slice data)
{
    struct loop *loop = connection->loop;
    struct block *body = &connection->intake.body;
    if (data.len > loop->settings->body_max_bytes - body->len) {
        refuse_large(connection);
        return false;
    }
    if (block_append(loop, body, data.data, data.len))
        return true;
    refuse_for_budget(connection);
    return false;
}

/* The body is whole: its head still lies at the start of the stash. */
static void end_body(struct connection *connection)
{
    struct loop *loop = connection->loop;
    struct intake *intake = &connection->intake;
    struct block stash = intake->stash;
    struct head head;
    struct refusal refusal;
    intake->stash = (struct block){ 0 };
    intake->phase = INTAKE_HEAD;
    if (head_read(stash.data, intake->head_bytes, &loop->settings->head, loop->joined_buffer, &head, &refusal) == 0)
        submit(connection, &head, (struct slice){ "", 0 });
    else
        intake_refuse(connection, refusal.status, refusal.detail);
    block_free(loop, &stash);
}

static void feed_sized_body(struct connection *connection, struct feed *feed)
{
    struct intake *intake = &connection->intake;
    size_t taken = intake->body_left < feed->left ? (size_t)intake->body_left : feed->left;
    if (!take_body(connection, (struct slice){ feed->at, taken }))
        return;
    intake->body_left -= taken;
    intake->body_received += taken;
    feed_skip(feed, taken);
    if (intake->body_left == 0)
        end_body(connection);
}

static void feed_chunked_body(struct connection *connection, struct feed *feed)
{
    struct intake *intake = &connection->intake;
    struct slice data;
    ptrdiff_t taken = chunks_read(&intake->chunks, feed->at, feed->left, &data);
    if (taken < 0) {
        intake_refuse(connection, STATUS_MALFORMED_REQUEST, "the chunked body is not well-formed");
        return;
    }
    size_t room = connection->loop->settings->body_max_bytes - intake->body.len;
    if (intake->chunks.left > room || data.len > room - intake->chunks.left) {
        refuse_large(connection); /* before the rest is sent in vain */
        return;
    }
    if (data.len > 0 && !take_body(connection, data))
        return;
    intake->body_received += (size_t)taken;
    feed_skip(feed, (size_t)taken);
    if (intake->chunks.state == CHUNKS_END)
        end_body(connection);
}

/* A head whose body is not all here: it waits in the stash. */
static void start_body(struct connection *connection, const struct head *head, struct slice raw_head)
{
    struct loop *loop = connection->loop;
    struct intake *intake = &connection->intake;
    if (!block_append(loop, &intake->stash, raw_head.data, raw_head.len)) {
        refuse_for_budget(connection);
        return;
    }
    intake->head_bytes = raw_head.len;
    intake->phase = INTAKE_BODY;
    intake->owes_continue = false;
    intake->chunked = head->chunked;
    intake->chunks = (struct chunks){ 0 };
    intake->body_left = head->content_length;
    intake->body_since_ns = loop_now_ns(loop);
    intake->body_received = 0;
}

void intake_say_continue(struct connection *connection)
{
    static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct intake *intake = &connection->intake;
    if (!intake->owes_continue || intake->phase != INTAKE_BODY || connection->first != NULL)
        return;
    intake->owes_continue = false;
    outlet_send(connection, interim, sizeof(interim) - 1);
}

void intake_check_body(struct connection *connection)
{
    const struct loop *loop = connection->loop;
    struct intake *intake = &connection->intake;
    if (intake->owes_continue) { /* the client waits for the server, not the other way round */
        intake->body_since_ns = loop_now_ns(loop);
        return;
    }
    uint64_t elapsed_ns = loop_now_ns(loop) - intake->body_since_ns;
    uint64_t wanted = elapsed_ns / 1000000 * loop->settings->body_min_rate / 1000;
    bool is_slow = elapsed_ns >= RATE_GRACE_NS && intake->body_received < wanted;
    if (elapsed_ns < loop->settings->body_ns && !is_slow)
        return;
    stats_add(loop->stats, STATS_TIMEOUT_BODY, 1);
    intake_refuse(connection, STATUS_REQUEST_TIMEOUT,
                  is_slow ? "the body arrived slower than BODY_MIN_BYTES_PER_S"
                          : "the body did not arrive within BODY_TIMEOUT_MS");
}

/* Heads -------------------------------------------------------------------- */

/* A whole head of head_bytes lies at the feed. Returns with the feed behind it, or behind the whole
 * request when that is all here. */
static void feed_whole_head(struct connection *connection, struct feed *feed, size_t head_bytes)
{
    struct loop *loop = connection->loop;
    struct slice raw_head = { feed->at, head_bytes };
    struct head head;
    struct refusal refusal;
    if (head_read(raw_head.data, raw_head.len, &loop->settings->head, loop->joined_buffer, &head, &refusal) != 0) {
        intake_refuse(connection, refusal.status, refusal.detail);
        return;
    }
    if (head.content_length > loop->settings->body_max_bytes) {
        refuse_large(connection);
        return;
    }
    feed_skip(feed, head_bytes);
    if (!head.chunked && head.content_length <= feed->left) {
        struct slice body = { feed->at, (size_t)head.content_length };
        feed_skip(feed, body.len);
        submit(connection, &head, body);
        return;
    }
    start_body(connection, &head, raw_head);
    if (head.expects_continue && feed->left == 0) {
        connection->intake.owes_continue = true;
        loop_mark_dirty(loop, connection);
    }
}

/* RFC 9112, 2.2: empty lines before a request line are read over. */
static void skip_empty_lines(struct feed *feed)
{
    while (feed->left >= 2 && feed->at[0] == '\r' && feed->at[1] == '\n')
        feed_skip(feed, 2);
}

/* False when the head is not whole and the feed must be kept for later. */
static bool feed_head(struct connection *connection, struct feed *feed, size_t *scanned)
{
    size_t head_bytes;
    struct refusal refusal;
    if (*scanned == 0)
        skip_empty_lines(feed);
    if (feed->left == 0)
        return false;
    enum head_progress progress =
        head_scan(feed->at, feed->left, &connection->loop->settings->head, scanned, &head_bytes, &refusal);
    if (progress == HEAD_REFUSED)
        intake_refuse(connection, refusal.status, refusal.detail);
    else if (progress == HEAD_COMPLETE)
        feed_whole_head(connection, feed, head_bytes);
    return progress != HEAD_INCOMPLETE;
}

/* Makes requests of the feed until it is empty, a head is not whole, or the intake is not open. */
static void feed_all(struct connection *connection, struct feed *feed, size_t *scanned)
{
    struct intake *intake = &connection->intake;
    while (feed->left > 0 && (intake_is_open(connection) || intake->phase == INTAKE_BODY)) {
        if (intake->phase == INTAKE_HEAD && !feed_head(connection, feed, scanned))
            return;
        if (feed->left > 0 && intake->phase == INTAKE_BODY) {
            intake->owes_continue = false; /* it does not wait for it */
            if (intake->chunked)
                feed_chunked_body(connection, feed);
            else
                feed_sized_body(connection, feed);
        }
    }
}

/* What the feed has left waits in the stash; the head of an awaited body is there already. */
static void keep_rest(struct connection *connection, const struct feed *feed, size_t scanned)
{
    struct intake *intake = &connection->intake;
    if (intake->phase != INTAKE_HEAD || feed->left == 0)
        return;
    assert(intake->stash.data == NULL);
    intake->scanned = scanned;
    if (!block_append(connection->loop, &intake->stash, feed->at, feed->left))
        refuse_for_budget(connection);
}

/* Runs over the stash as if it had just arrived. */
static void feed_stash(struct connection *connection)
{
    struct block stash = connection->intake.stash;
    struct feed feed = { stash.data, stash.len };
    size_t scanned = connection->intake.scanned;
    connection->intake.stash = (struct block){ 0 };
    connection->intake.scanned = 0;
    feed_all(connection, &feed, &scanned);
    if (connection->intake.phase == INTAKE_HEAD && feed.left == stash.len) { /* nothing was taken */
        connection->intake.stash = stash;
        connection->intake.scanned = scanned;
        return;
    }
    keep_rest(connection, &feed, scanned);
    block_free(connection->loop, &stash);
}

void intake_feed(struct connection *connection, const char *bytes, size_t len)
{
    struct intake *intake = &connection->intake;
    if (intake->phase == INTAKE_HEAD && intake->stash.data != NULL) {
        if (!block_append(connection->loop, &intake->stash, bytes, len))
            refuse_for_budget(connection);
        else if (intake_is_open(connection))
            feed_stash(connection);
        return;
    }
    struct feed feed = { bytes, len };
    size_t scanned = 0;
    feed_all(connection, &feed, &scanned);
    keep_rest(connection, &feed, scanned);
}

void intake_resume(struct connection *connection)
{
    if (connection->intake.phase == INTAKE_HEAD && connection->intake.stash.data != NULL && intake_is_open(connection))
        feed_stash(connection);
}
