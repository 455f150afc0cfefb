/* SPDX-License-Identifier: MIT */
/* pipeline: a call goes into a ring and its commands into hiredis' buffer; replies come in the same order,
 * each handed to the oldest call.
 *
 * What is not trusted: replies that nobody asked for, arrays of a length that nobody asks for (hiredis
 * allocates, and later walks, as many elements as the server says), replies without end. */
#include "cache/redis/pipeline.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    READ_BYTES = 16 * 1024, /* what hiredis reads at once */
    READS_MAX = 64,         /* how often without a pause */
    ARGUMENT_BYTES = 16     /* about what the protocol adds to an argument */
};

#if HIREDIS_MAJOR >= 1
#define N_ELEMENTS size_t
#else
#define N_ELEMENTS int
#endif

static void *make_small_array(const redisReadTask *task, N_ELEMENTS n)
{
    const struct pipeline *pipeline = task->privdata;
    return n > REPLY_ELEMENTS_MAX ? NULL : pipeline->hiredis->createArray(task, n);
}

int pipeline_open(struct pipeline *pipeline, int fd)
{
    pipeline->redis = redisConnectFd(fd);
    if (pipeline->redis == NULL || pipeline->redis->err != 0) {
        if (pipeline->redis != NULL)
            redisFree(pipeline->redis);
        else
            close(fd);
        pipeline->redis = NULL;
        return -1;
    }
    pipeline->redis->flags &= ~REDIS_BLOCK;
    redisReader *reader = pipeline->redis->reader;
    pipeline->hiredis = reader->fn;
    pipeline->functions = *reader->fn;
    pipeline->functions.createArray = make_small_array;
    reader->fn = &pipeline->functions;
    reader->privdata = pipeline;
    pipeline->first = pipeline->n = 0;
    pipeline->unsent_bytes = 0;
    pipeline->deadline_ns = UINT64_MAX;
    pipeline->broken[0] = '\0';
    pipeline->timed_out = false;
    return 0;
}

static struct call pop(struct pipeline *pipeline)
{
    struct call call = pipeline->calls[pipeline->first];
    pipeline->first = (pipeline->first + 1) % CALLS_MAX;
    pipeline->n--;
    return call;
}

void pipeline_close(struct pipeline *pipeline)
{
    if (pipeline->redis == NULL)
        return;
    redisFree(pipeline->redis);
    pipeline->redis = NULL;
    while (pipeline->n > 0) {
        struct call call = pop(pipeline);
        call.answered(&call, NULL);
    }
}

void pipeline_break(struct pipeline *pipeline, const char *format, ...)
{
    if (pipeline->broken[0] != '\0')
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(pipeline->broken, sizeof(pipeline->broken), format, arguments);
    va_end(arguments);
}

/* Calls ----------------------------------------------------------------------- */

bool pipeline_has_room(const struct pipeline *pipeline, bool must)
{
    if (pipeline->broken[0] != '\0')
        return false;
    return must ? pipeline->n < CALLS_MAX
                : pipeline->n < CALLS_MAX - CALLS_SPARE && pipeline->unsent_bytes < UNSENT_MAX;
}

void pipeline_call(struct pipeline *pipeline, const struct call *call)
{
    assert(pipeline->n < CALLS_MAX && call->n_left > 0);
    pipeline->calls[(pipeline->first + pipeline->n++) % CALLS_MAX] = *call;
    if (call->deadline_ns < pipeline->deadline_ns)
        pipeline->deadline_ns = call->deadline_ns;
}

void pipeline_command(struct pipeline *pipeline, unsigned n, const struct slice arguments[])
{
    const char *texts[COMMAND_ARGUMENTS_MAX];
    size_t lengths[COMMAND_ARGUMENTS_MAX];
    assert(n <= COMMAND_ARGUMENTS_MAX);
    for (unsigned i = 0; i < n; i++) {
        texts[i] = arguments[i].len == 0 ? "" : arguments[i].data;
        lengths[i] = arguments[i].len;
        pipeline->unsent_bytes += arguments[i].len + ARGUMENT_BYTES;
    }
    if (redisAppendCommandArgv(pipeline->redis, (int)n, texts, lengths) != REDIS_OK)
        pipeline_break(pipeline, "no memory for a command");
}

void pipeline_check_deadlines(struct pipeline *pipeline, uint64_t now_ns)
{
    if (now_ns < pipeline->deadline_ns)
        return;
    pipeline->deadline_ns = UINT64_MAX;
    for (unsigned i = 0; i < pipeline->n; i++) {
        const struct call *call = &pipeline->calls[(pipeline->first + i) % CALLS_MAX];
        if (call->deadline_ns < pipeline->deadline_ns)
            pipeline->deadline_ns = call->deadline_ns;
    }
    if (now_ns < pipeline->deadline_ns)
        return;
    pipeline->timed_out = true;
    pipeline_break(pipeline, "no answer within REDIS_TIMEOUT_MS");
}

/* The socket ------------------------------------------------------------------- */

void pipeline_write(struct pipeline *pipeline)
{
    int is_done = 0;
    if (pipeline->broken[0] == '\0' && redisBufferWrite(pipeline->redis, &is_done) != REDIS_OK)
        pipeline_break(pipeline, "the connection broke: %s", pipeline->redis->errstr);
    if (is_done != 0)
        pipeline->unsent_bytes = 0;
}

static void hand_out(struct pipeline *pipeline, const redisReply *reply)
{
    if (pipeline->n == 0) {
        bool is_error = reply->type == REDIS_REPLY_ERROR; /* a server that is full says so unasked */
        pipeline_break(pipeline, "an answer that nobody asked for%s%.*s", is_error ? ": " : "",
                       is_error ? PIPELINE_REASON_BYTES / 2 : 0, is_error ? reply->str : "");
        return;
    }
    struct call *call = &pipeline->calls[pipeline->first];
    call->n_left--;
    if (call->n_left > 0) {
        call->answered(call, reply);
        return;
    }
    struct call last = pop(pipeline);
    last.answered(&last, reply);
}

/* False when no whole reply is there. */
static bool next_reply(struct pipeline *pipeline)
{
    void *reply = NULL;
    if (redisReaderGetReply(pipeline->redis->reader, &reply) != REDIS_OK) {
        bool is_refused = pipeline->redis->reader->err == REDIS_ERR_OOM; /* by make_small_array() */
        pipeline_break(pipeline, "an answer that is none: %s",
                       is_refused ? "longer than any" : pipeline->redis->reader->errstr);
        return false;
    }
    if (reply == NULL)
        return false;
    hand_out(pipeline, reply);
    freeReplyObject(reply);
    return pipeline->broken[0] == '\0';
}

/* Reads once; whether there may be more. */
static bool read_some(struct pipeline *pipeline)
{
    size_t before = pipeline->redis->reader->len;
    if (redisBufferRead(pipeline->redis) != REDIS_OK) {
        pipeline_break(pipeline, "the connection broke: %s", pipeline->redis->errstr);
        return false;
    }
    return pipeline->redis->reader->len - before >= READ_BYTES;
}

void pipeline_read(struct pipeline *pipeline)
{
    bool may_go_on = pipeline->broken[0] == '\0';
    for (unsigned i = 0; i < READS_MAX && may_go_on; i++) {
        may_go_on = read_some(pipeline);
        while (pipeline->broken[0] == '\0' && next_reply(pipeline))
            continue;
        if (pipeline->redis->reader->len - pipeline->redis->reader->pos > UNREAD_MAX)
            pipeline_break(pipeline, "an answer without end");
        may_go_on = may_go_on && pipeline->broken[0] == '\0';
    }
}
