/* SPDX-License-Identifier: MIT */
/* pipeline: a call goes into a ring and its commands into a buffer; replies come in the same order,
 * each handed to the oldest call.
 *
 * What is not trusted: replies that nobody asked for, arrays of a length that nobody asks for (hiredis
 * allocates, and later walks, as many elements as the server says), replies without end. */
#include "cache/redis/pipeline.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    READS_MAX = 64,         /* how often without a pause */
    UNSENT_KEPT = 64 * 1024 /* room for commands that is kept when all are written */
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

void pipeline_init(struct pipeline *pipeline)
{
    pipeline->wire.fd = -1;
    pipeline->reader = NULL;
    pipeline->broken[0] = '\0';
}

int pipeline_open(struct pipeline *pipeline, int fd)
{
    redisReader *reader = redisReaderCreate();
    if (reader == NULL) {
        close(fd);
        return -1;
    }
    wire_open(&pipeline->wire, fd);
    pipeline->reader = reader;
    pipeline->hiredis = reader->fn;
    pipeline->functions = *reader->fn;
    pipeline->functions.createArray = make_small_array;
    reader->fn = &pipeline->functions;
    reader->privdata = pipeline;
    pipeline->first = pipeline->n = 0;
    pipeline->unsent = NULL;
    pipeline->unsent_room = pipeline->unsent_start = pipeline->unsent_bytes = 0;
    pipeline->unanswered_bytes = 0;
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
    if (pipeline->reader == NULL)
        return;
    wire_close(&pipeline->wire);
    redisReaderFree(pipeline->reader);
    pipeline->reader = NULL;
    free(pipeline->unsent);
    pipeline->unsent = NULL;
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

/* Twice what is needed, as long as that is below the bound. */
static size_t wider_room(size_t needed)
{
    if (needed < UNSENT_KEPT / 2)
        return UNSENT_KEPT;
    return needed < UNSENT_MAX / 2 ? 2 * needed : needed < UNSENT_MAX ? UNSENT_MAX : needed;
}

/* Makes room for n bytes behind what is unsent. */
static bool make_room(struct pipeline *pipeline, size_t n)
{
    size_t needed = pipeline->unsent_bytes + n, room = pipeline->unsent_room;
    if (pipeline->unsent_start + needed <= room)
        return true;
    if (needed > room) {
        room = wider_room(needed);
        char *wider = realloc(pipeline->unsent, room);
        if (wider == NULL)
            return false;
        pipeline->unsent = wider;
        pipeline->unsent_room = room;
    }
    memmove(pipeline->unsent, pipeline->unsent + pipeline->unsent_start, pipeline->unsent_bytes);
    pipeline->unsent_start = 0;
    return true;
}

static void append(struct pipeline *pipeline, const char *bytes, size_t n)
{
    if (!make_room(pipeline, n)) {
        pipeline_break(pipeline, "no memory for a command");
        return;
    }
    memcpy(pipeline->unsent + pipeline->unsent_start + pipeline->unsent_bytes, bytes, n);
    pipeline->unsent_bytes += n;
}

void pipeline_command(struct pipeline *pipeline, unsigned n, const struct slice arguments[])
{
    const char *texts[COMMAND_ARGUMENTS_MAX];
    size_t lengths[COMMAND_ARGUMENTS_MAX];
    char *command = NULL;
    assert(n <= COMMAND_ARGUMENTS_MAX);
    for (unsigned i = 0; i < n; i++) {
        texts[i] = arguments[i].len == 0 ? "" : arguments[i].data;
        lengths[i] = arguments[i].len;
    }
    long long bytes = (long long)redisFormatCommandArgv(&command, (int)n, texts, lengths);
    if (bytes < 0) {
        pipeline_break(pipeline, "no memory for a command");
        return;
    }
    append(pipeline, command, (size_t)bytes);
    redisFreeCommand(command);
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

static void take_sent(struct pipeline *pipeline, size_t n)
{
    pipeline->unsent_start += n;
    pipeline->unsent_bytes -= n;
    if (pipeline->unsent_bytes > 0)
        return;
    pipeline->unsent_start = 0;
    if (pipeline->unsent_room > UNSENT_KEPT) {
        free(pipeline->unsent);
        pipeline->unsent = NULL;
        pipeline->unsent_room = 0;
    }
}

void pipeline_write(struct pipeline *pipeline)
{
    ssize_t n = pipeline->broken[0] == '\0' ? 1 : 0;
    while (pipeline->unsent_bytes > 0 && n > 0) {
        n = wire_write(&pipeline->wire, pipeline->unsent + pipeline->unsent_start, pipeline->unsent_bytes);
        if (n == WIRE_FAILED)
            pipeline_break(pipeline, "the connection broke: %s", pipeline->wire.failure);
        else
            take_sent(pipeline, (size_t)n);
    }
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
    if (redisReaderGetReply(pipeline->reader, &reply) != REDIS_OK) {
        bool is_refused = pipeline->reader->err == REDIS_ERR_OOM; /* by make_small_array() */
        pipeline_break(pipeline, "an answer that is none: %s",
                       is_refused ? "longer than any" : pipeline->reader->errstr);
        return false;
    }
    if (reply == NULL)
        return false;
    pipeline->unanswered_bytes = pipeline->reader->len - pipeline->reader->pos;
    hand_out(pipeline, reply);
    freeReplyObject(reply);
    return pipeline->broken[0] == '\0';
}

/* Reads once; whether there may be more. */
static bool read_some(struct pipeline *pipeline)
{
    char bytes[WIRE_READ_BYTES];
    ssize_t n = wire_read(&pipeline->wire, bytes);
    if (n == WIRE_FAILED)
        pipeline_break(pipeline, "the connection broke: %s", pipeline->wire.failure);
    else if (n > 0 && redisReaderFeed(pipeline->reader, bytes, (size_t)n) != REDIS_OK)
        pipeline_break(pipeline, "no memory for an answer");
    pipeline->unanswered_bytes += n > 0 ? (size_t)n : 0;
    return n >= WIRE_READ_BYTES;
}

void pipeline_read(struct pipeline *pipeline)
{
    bool may_go_on = pipeline->broken[0] == '\0';
    for (unsigned i = 0; i < READS_MAX && may_go_on; i++) {
        may_go_on = read_some(pipeline);
        while (pipeline->broken[0] == '\0' && next_reply(pipeline))
            continue;
        if (pipeline->unanswered_bytes > UNREAD_MAX)
            pipeline_break(pipeline, "an answer without end");
        may_go_on = may_go_on && pipeline->broken[0] == '\0';
    }
}
