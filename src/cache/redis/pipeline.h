/* SPDX-License-Identifier: MIT */
/* pipeline: the calls under way on one open connection, answered in their order.
 *
 * hiredis writes and reads the protocol; its contexts are left aside, because the asynchronous one ends in an
 * assertion when a server answers what was never asked, and because they cannot do TLS in Debian 12. Commands are made
 * from argument vectors only. Whatever goes wrong sets `broken` to a reason: then the owner closes the pipeline, which
 * ends all calls. One thread's own. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <hiredis/hiredis.h>

#include <telemetry/slice.h>
#include <telemetry/status.h>

#include "cache/redis/wire.h"

struct call;
struct job;

enum {
    CALLS_MAX = 4096,        /* under way at once */
    CALLS_SPARE = 64,        /* of these, kept for calls that must not fail */
    UNSENT_MAX = 16 << 20,   /* bytes that wait to be written before calls are refused */
    UNREAD_MAX = 8 << 20,    /* of one reply */
    REPLY_ELEMENTS_MAX = 16, /* of one array; no command that is sent has more */
    COMMAND_ARGUMENTS_MAX = 8,
    PIPELINE_REASON_BYTES = 192
};

/* One reply to a call came (n_left counts those to come), or with NULL: there will be none any more. The
 * reply is borrowed. May make calls, and may break the pipeline. */
typedef void call_fn(struct call *call, const redisReply *reply);

/* A call is one or more commands. What it carries is the maker's. */
struct call {
    call_fn *answered;
    void *context;
    struct job *job;      /* or a chain of them, or NULL */
    uint64_t begun_ns;    /* before its first command went out */
    uint64_t deadline_ns; /* for its last reply */
    uint64_t stale_ns;
    int64_t life_left_ms; /* of the value, or below 0 */
    unsigned kind;
    unsigned n_left; /* replies to come */
};

struct pipeline {
    struct wire wire;                         /* for the owner to secure before the first call, and to watch */
    redisReader *reader;                      /* NULL: closed */
    const redisReplyObjectFunctions *hiredis; /* how it makes replies, and */
    redisReplyObjectFunctions functions;      /* the same with smaller arrays */
    unsigned first, n;                        /* of calls[] */
    char *unsent;                             /* commands that wait to be written: of unsent_room bytes, */
    size_t unsent_room, unsent_start;         /* from unsent_start on */
    size_t unsent_bytes;
    size_t unanswered_bytes;            /* read behind the last whole reply: the reader may hold them in parts of one */
    uint64_t deadline_ns;               /* no call's is earlier */
    char broken[PIPELINE_REASON_BYTES]; /* why it must be closed; empty while it is well */
    bool timed_out;                     /* that was why */
    struct call calls[CALLS_MAX];
};

void pipeline_init(struct pipeline *pipeline);
/* Starts on a connected or connecting socket. Takes fd, also when it fails: -1 without memory. */
MUST_CHECK int pipeline_open(struct pipeline *pipeline, int fd);
/* Ends every call without a reply, and closes the socket. */
void pipeline_close(struct pipeline *pipeline);

/* Whether a call can be made; `must`: one that must not be refused for long queues of others. */
bool pipeline_has_room(const struct pipeline *pipeline, bool must);
/* Makes a call with room for it; call->n_left commands follow at once. Borrows call. */
void pipeline_call(struct pipeline *pipeline, const struct call *call);
void pipeline_command(struct pipeline *pipeline, unsigned n, const struct slice arguments[]);

/* Writes what the socket takes. */
void pipeline_write(struct pipeline *pipeline);
/* Reads what is there, and hands out whole replies. */
void pipeline_read(struct pipeline *pipeline);
/* Breaks the pipeline when a call is past its deadline. */
void pipeline_check_deadlines(struct pipeline *pipeline, uint64_t now_ns);

/* Gives a reason, unless there is one. */
__attribute__((format(printf, 2, 3))) void pipeline_break(struct pipeline *pipeline, const char *format, ...);
