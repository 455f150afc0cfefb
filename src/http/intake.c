/* SPDX-License-Identifier: MIT */
/* intake: bytes become requests.
 *
 * Happy path: a read brings one or more whole requests; each head is scanned and read in the loop's own
 * read buffer, the guard lets it pass, and a job takes it (submit.c).
 * What is not whole goes to the stash (heads) or to the body block, which a job takes over as it is.
 * Failure paths: what breaks a rule or a limit is refused and the connection ends behind that answer. */
#include <assert.h>
#include <string.h>

#include <telemetry/clock.h>
#include <telemetry/job.h>
#include <telemetry/stats.h>

#include "http/connection.h"
#include "http/intake.h"
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

void intake_free(struct connection *connection)
{
    block_free(connection->loop, &connection->intake.body);
    block_free(connection->loop, &connection->intake.stash);
}

/* Bodies ------------------------------------------------------------------- */

/* Adds to the body block; refuses past a limit. */
static bool take_body(struct connection *connection, struct slice data)
{
    struct loop *loop = connection->loop;
    struct block *body = &connection->intake.body;
    if (data.len > loop->settings->body_max_bytes - body->len) {
        intake_refuse_large(connection, NULL);
        return false;
    }
    if (block_append(loop, body, data.data, data.len))
        return true;
    intake_refuse_for_budget(connection, NULL);
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
    struct pass pass;
    intake->stash = (struct block){ 0 };
    intake->phase = INTAKE_HEAD;
    if (head_read(stash.data, intake->head_bytes, &loop->settings->head, loop->joined_buffer, &head, &refusal) != 0) {
        intake_refuse(connection, &head, refusal);
    } else if (guard_identify(loop, &head, &pass) != STATUS_OK) { /* the key was withdrawn meanwhile */
        intake_refuse_whole(connection, &head, (struct refusal){ STATUS_UNAUTHORIZED, "" }, &intake->note);
    } else {
        pass.note = intake->note;
        intake_submit(connection, &head, (struct slice){ "", 0 }, &pass);
    }
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
        intake_refuse(connection, NULL,
                      (struct refusal){ STATUS_MALFORMED_REQUEST, "the chunked body is not well-formed" });
        return;
    }
    size_t room = connection->loop->settings->body_max_bytes - intake->body.len;
    if (intake->chunks.left > room || data.len > room - intake->chunks.left) {
        intake_refuse_large(connection, NULL); /* before the rest is sent in vain */
        return;
    }
    if (data.len > 0 && !take_body(connection, data))
        return;
    intake->body_received += (size_t)taken;
    feed_skip(feed, (size_t)taken);
    if (intake->chunks.state == CHUNKS_END)
        end_body(connection);
}

/* A head whose body is not all here: it waits in the stash, and as a part of that request, since its sender was let in,
 * whoever else sends heads. */
static void start_body(struct connection *connection, const struct head *head, struct slice raw_head)
{
    struct loop *loop = connection->loop;
    struct intake *intake = &connection->intake;
    intake->stash = (struct block){ .share = BUDGET_BODIES, .most = raw_head.len };
    if (!block_append(loop, &intake->stash, raw_head.data, raw_head.len)) {
        intake_refuse_for_budget(connection, head);
        return;
    }
    intake->head_bytes = raw_head.len;
    intake->phase = INTAKE_BODY;
    intake->owes_continue = false;
    intake->chunked = head->chunked;
    intake->chunks = (struct chunks){ 0 };
    intake->body_left = head->content_length;
    intake->body.most = head->chunked ? loop->settings->body_max_bytes : (size_t)head->content_length;
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
    const char *detail = is_slow ? "the body arrived slower than BODY_MIN_BYTES_PER_S"
                                 : "the body did not arrive within BODY_TIMEOUT_MS";
    intake_refuse(connection, NULL, (struct refusal){ STATUS_REQUEST_TIMEOUT, detail });
}

/* Heads -------------------------------------------------------------------- */

static enum status judge(struct connection *connection, const struct head *head, struct pass *ret_pass)
{
    const struct loop *loop = connection->loop;
    enum status status = guard_identify(loop, head, ret_pass);
    bool is_in_time = status == STATUS_OK ? guard_count(loop, head, connection->peer, ret_pass)
                                          : guard_count_stranger(loop, head, connection->peer, ret_pass);
    return is_in_time ? status : STATUS_RATE_LIMITED;
}

/* Whether the guard lets a request in. One that is here whole is refused as such, and read over, unless it comes from
 * who shows wrong keys too often. */
static bool pass_guard(struct connection *connection, const struct head *head, struct feed *feed, struct pass *ret_pass)
{
    struct loop *loop = connection->loop;
    struct refusal refusal = { judge(connection, head, ret_pass), "" };
    bool is_whole = !head->chunked && head->content_length <= feed->left;
    if (refusal.status == STATUS_OK)
        return true;
    stats_add(loop->stats, refusal.status == STATUS_RATE_LIMITED ? STATS_REFUSED_RATE : STATS_REFUSED_KEY, 1);
    if (!is_whole || (refusal.status == STATUS_RATE_LIMITED && ret_pass->is_stranger)) {
        intake_refuse(connection, head, refusal);
        connection->refusal_form.note = ret_pass->note;
        return false;
    }
    feed_skip(feed, (size_t)head->content_length);
    connection->intake.wait_anew = true;
    intake_refuse_whole(connection, head, refusal, &ret_pass->note);
    return false;
}

/* A whole head of head_bytes lies at the feed. Returns with the feed behind it, or behind the whole
 * request when that is all here. */
static void feed_whole_head(struct connection *connection, struct feed *feed, size_t head_bytes)
{
    struct loop *loop = connection->loop;
    struct slice raw_head = { feed->at, head_bytes };
    struct head head;
    struct refusal refusal;
    struct pass pass;
    if (head_read(raw_head.data, raw_head.len, &loop->settings->head, loop->joined_buffer, &head, &refusal) != 0) {
        intake_refuse(connection, &head, refusal);
        return;
    }
    if (head.content_length > loop->settings->body_max_bytes) {
        intake_refuse_large(connection, &head);
        return;
    }
    feed_skip(feed, head_bytes);
    if (!pass_guard(connection, &head, feed, &pass))
        return;
    if (!head.chunked && head.content_length <= feed->left) {
        struct slice body = { feed->at, (size_t)head.content_length };
        feed_skip(feed, body.len);
        intake_submit(connection, &head, body, &pass);
        return;
    }
    connection->intake.note = pass.note;
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
        intake_refuse(connection, NULL, refusal);
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
    intake->stash = (struct block){ .share = BUDGET_HEADS, .most = connection->loop->settings->head.head_max_bytes };
    if (!block_append(connection->loop, &intake->stash, feed->at, feed->left))
        intake_refuse_for_budget(connection, NULL);
}

/* Runs over the stash as if it had just arrived; what is left of it stays where it is. */
static void feed_stash(struct connection *connection)
{
    struct intake *intake = &connection->intake;
    struct block stash = intake->stash;
    struct feed feed = { stash.data, stash.len };
    size_t scanned = intake->scanned;
    intake->stash = (struct block){ 0 };
    intake->scanned = 0;
    feed_all(connection, &feed, &scanned);
    if (intake->phase != INTAKE_HEAD || feed.left == 0) {
        block_free(connection->loop, &stash);
        return;
    }
    assert(intake->stash.data == NULL);
    if (feed.left < stash.len)
        memmove(stash.data, feed.at, feed.left);
    stash.len = feed.left;
    intake->stash = stash;
    intake->scanned = scanned;
}

void intake_feed(struct connection *connection, const char *bytes, size_t len)
{
    struct intake *intake = &connection->intake;
    if (intake->phase == INTAKE_HEAD && intake->stash.data != NULL) {
        if (!block_append(connection->loop, &intake->stash, bytes, len))
            intake_refuse_for_budget(connection, NULL);
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
