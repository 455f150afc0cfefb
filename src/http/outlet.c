/* SPDX-License-Identifier: MIT */
/* outlet: answers leave from the front of the pipeline.
 *
 * Happy path: the heads of all answers whose turn it is go to the loop's answer buffer, one gathering
 * write takes them and the bodies, and their jobs go home. What the socket does not take at once is
 * copied to a block of the connection, within the budget, so that a slow reader never holds a job. */
#include <assert.h>
#include <string.h>

#include <telemetry/clock.h>
#include <telemetry/job.h>
#include <telemetry/log.h>
#include <telemetry/stats.h>

#include "http/answer.h"
#include "http/connection.h"
#include "http/loop.h"

enum { GATHER_ANSWERS = 32, ANSWER_PARTS = 3 };

/* The answers of one write. */
struct gather {
    uv_buf_t buffers[ANSWER_PARTS * GATHER_ANSWERS];
    unsigned n_buffers;
    struct job *jobs[GATHER_ANSWERS];
    unsigned n_jobs;
    size_t head_bytes; /* used of the answer buffer */
    uint64_t now_ns;
};

/* The pipeline -------------------------------------------------------------- */

static struct job *pipeline_pop(struct connection *connection)
{
    struct job *job = connection->first;
    connection->first = job->home.next;
    if (connection->first == NULL)
        connection->last = NULL;
    connection->n_pipeline--;
    job->home.connection = NULL;
    return job;
}

/* A job that is still away is recycled when it comes home. */
static void release(struct loop *loop, struct job *job)
{
    if (!job->home.away)
        loop_recycle(loop, job);
}

/* Requests behind the last answer of a connection are not answered. */
static void drop_pipeline(struct connection *connection)
{
    while (connection->first != NULL) {
        struct job *job = pipeline_pop(connection);
        if (!job->home.answered)
            loop_unlink_request(connection->loop, job);
        release(connection->loop, job);
    }
}

/* Writing ------------------------------------------------------------------- */

static void start_write(struct connection *connection);

static void on_shut(uv_shutdown_t *shutdown, int result)
{
    struct connection *connection = shutdown->data;
    (void)result;
    if (connection->closing)
        return;
    connection->outlet.shut = true;
    if (connection->ended)
        connection_close(connection);
    else
        connection_settle(connection);
}

static void end_when_done(struct connection *connection)
{
    struct outlet *outlet = &connection->outlet;
    if (!outlet->ending || outlet->writing || outlet->shutdown.data != NULL || connection->closing)
        return;
    outlet->shutdown.data = connection;
    if (uv_shutdown(&outlet->shutdown, (uv_stream_t *)&connection->tcp, on_shut) != 0)
        connection_close(connection);
}

static void on_written(uv_write_t *write, int result)
{
    struct connection *connection = write->data;
    struct outlet *outlet = &connection->outlet;
    outlet->writing = false;
    connection->intake.wait_anew = true;
    block_free(connection->loop, &outlet->sending);
    if (connection->closing)
        return;
    if (result != 0) {
        connection_close(connection);
        return;
    }
    start_write(connection);
    end_when_done(connection);
    if (!outlet->writing)
        intake_resume(connection);
    connection_settle(connection);
}

static void start_write(struct connection *connection)
{
    struct outlet *outlet = &connection->outlet;
    if (outlet->writing || outlet->queued.len == 0)
        return;
    outlet->sending = outlet->queued;
    outlet->queued = (struct block){ 0 };
    outlet->writing = true;
    outlet->write.data = connection;
    uv_buf_t buffer = uv_buf_init(outlet->sending.data, (unsigned)outlet->sending.len);
    if (uv_write(&outlet->write, (uv_stream_t *)&connection->tcp, &buffer, 1, on_written) != 0) {
        outlet->writing = false;
        connection_close(connection);
    }
}

/* Copies what the socket did not take; without budget the client is too far behind to be kept. */
static void queue_rest(struct connection *connection, const uv_buf_t buffers[], unsigned n_buffers, size_t taken)
{
    connection->outlet.queued.share = BUDGET_ANSWERS;
    for (unsigned i = 0; i < n_buffers; i++) {
        size_t skip = taken < buffers[i].len ? taken : buffers[i].len;
        taken -= skip;
        if (buffers[i].len > skip && !block_append(connection->loop, &connection->outlet.queued, buffers[i].base + skip,
                                                   buffers[i].len - skip)) {
            stats_add(connection->loop->stats, STATS_REFUSED_NO_BUDGET, 1);
            connection_close(connection);
            return;
        }
    }
}

static void send_buffers(struct connection *connection, const uv_buf_t buffers[], unsigned n_buffers)
{
    struct outlet *outlet = &connection->outlet;
    size_t total = 0;
    size_t taken = 0;
    for (unsigned i = 0; i < n_buffers; i++)
        total += buffers[i].len;
    stats_add(connection->loop->stats, STATS_SENT_BYTES, total);
    if (!outlet->writing && outlet->queued.len == 0) {
        int result = uv_try_write((uv_stream_t *)&connection->tcp, buffers, n_buffers);
        if (result < 0 && result != UV_EAGAIN) {
            connection_close(connection);
            return;
        }
        taken = result > 0 ? (size_t)result : 0;
    }
    if (taken == total)
        return;
    queue_rest(connection, buffers, n_buffers, taken);
    if (!connection->closing)
        start_write(connection);
}

void outlet_send(struct connection *connection, const char *bytes, size_t len)
{
    uv_buf_t buffer = uv_buf_init((char *)bytes, (unsigned)len);
    send_buffers(connection, &buffer, 1);
}

/* Gathering ----------------------------------------------------------------- */

static void count_answer(struct loop *loop, unsigned http)
{
    enum stats_counter counter = http < 300   ? STATS_ANSWERS_2XX
                                 : http < 400 ? STATS_ANSWERS_3XX
                                 : http < 500 ? STATS_ANSWERS_4XX
                                              : STATS_ANSWERS_5XX;
    stats_add(loop->stats, counter, 1);
}

static void log_failure(const struct job *job, unsigned http)
{
    char number[LOG_NUMBER_BYTES];
    if (http < 500)
        return;
    log_warn("request failed", "status", log_number(number, http), "reason",
             job->home.expired ? status_type(STATUS_OUTCOME_UNKNOWN) : status_type(job->status));
}

static void gather_part(struct gather *gather, struct slice part)
{
    if (part.len > 0)
        gather->buffers[gather->n_buffers++] = uv_buf_init((char *)part.data, (unsigned)part.len);
}

static void gather_answer(struct gather *gather, struct loop *loop, const struct answer *answer)
{
    gather_part(gather, answer->head);
    gather_part(gather, answer->lead);
    gather_part(gather, answer->body);
    gather->head_bytes = (size_t)(answer->head.data + answer->head.len - loop->answer_buffer);
    if (answer->body.data > answer->head.data && answer->body.data < loop->answer_buffer + ANSWER_BYTES)
        gather->head_bytes = (size_t)(answer->body.data + answer->body.len - loop->answer_buffer);
    count_answer(loop, answer->http);
}

static bool gather_has_room(const struct gather *gather)
{
    return gather->n_buffers + ANSWER_PARTS <= ANSWER_PARTS * GATHER_ANSWERS && gather->n_jobs < GATHER_ANSWERS &&
           ANSWER_BYTES - gather->head_bytes >= ANSWER_HEAD_MAX;
}

static void gather_job(struct connection *connection, struct gather *gather)
{
    struct loop *loop = connection->loop;
    struct job *job = pipeline_pop(connection);
    struct answer answer = answer_job(loop, job, loop->answer_buffer + gather->head_bytes);
    gather_answer(gather, loop, &answer);
    log_failure(job, answer.http);
    gather->jobs[gather->n_jobs++] = job;
    histogram_add(&loop->stats->requests, gather->now_ns - job->home.received_ns);
    if (job->home.keep_alive)
        return;
    connection->outlet.ending = true;
    connection->has_refusal = false;
    drop_pipeline(connection);
}

static void gather_refusal(struct connection *connection, struct gather *gather)
{
    struct loop *loop = connection->loop;
    bool final = connection->intake.phase == INTAKE_DONE;
    connection->refusal_form.keep_alive = !final;
    struct answer answer =
        answer_refusal(loop, &connection->refusal, &connection->refusal_form, loop->answer_buffer + gather->head_bytes);
    gather_answer(gather, loop, &answer);
    connection->has_refusal = false;
    connection->outlet.ending = final;
}

static void gather_all(struct connection *connection, struct gather *gather)
{
    while (gather_has_room(gather) && connection->first != NULL && connection->first->home.answered)
        gather_job(connection, gather);
    if (gather_has_room(gather) && connection->first == NULL && connection->has_refusal)
        gather_refusal(connection, gather);
}

void outlet_flush(struct connection *connection)
{
    for (;;) {
        struct gather gather;
        gather.n_buffers = gather.n_jobs = 0;
        gather.head_bytes = 0;
        gather.now_ns = connection->first == NULL ? 0 : clock_ns();
        gather_all(connection, &gather);
        if (gather.n_buffers == 0)
            break;
        send_buffers(connection, gather.buffers, gather.n_buffers);
        for (unsigned i = 0; i < gather.n_jobs; i++)
            release(connection->loop, gather.jobs[i]);
        if (connection->closing)
            return;
    }
    if (connection->first == NULL && connection->intake.phase == INTAKE_DONE)
        connection->outlet.ending = true;
    end_when_done(connection);
}

void outlet_free(struct connection *connection)
{
    drop_pipeline(connection);
    block_free(connection->loop, &connection->outlet.queued);
    if (!connection->outlet.writing)
        block_free(connection->loop, &connection->outlet.sending);
}
