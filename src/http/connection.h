/* SPDX-License-Identifier: MIT */
/* connection: one client's socket, from accept to close. Loop thread only.
 *
 * Bytes come in (intake.c): head, then body, then a job is taken and sent on its way; the connection
 * keeps its jobs in a pipeline in the order of their requests. Answers go out (outlet.c) from the front
 * of the pipeline, as many as are ready in one write. A connection that goes away unlinks its jobs, so
 * none of them can ever point to one that is gone. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include <telemetry/address.h>
#include <telemetry/limiter.h>

#include "http/answer.h"
#include "http/chunks.h"
#include "http/head.h"
#include "http/waits.h"

struct job;
struct loop;

/* A heap block that grows; its capacity is charged to the loop's budget. */
struct block {
    char *data;
    size_t len, capacity;
    size_t most;   /* no more is expected in it, so it grows no further than that; 0: not known */
    uint8_t share; /* enum budget_share, set while it is empty: what it is charged to */
};

enum intake_phase {
    INTAKE_HEAD, /* between requests or within a head */
    INTAKE_BODY,
    INTAKE_DONE /* the connection takes no more requests */
};

/* What has arrived of the request under way. */
struct intake {
    enum intake_phase phase;
    struct block stash; /* bytes that wait: a head in part, a head whose body is awaited, or pipelined ones */
    size_t scanned;     /* of the stash, by head_scan() */
    size_t head_bytes;  /* of the whole head, in the stash, during INTAKE_BODY */
    struct block body;
    uint64_t body_left; /* of a sized body */
    bool chunked;
    struct chunks chunks;
    uint64_t body_since_ns;
    size_t body_received;   /* bytes of framing and data, for the rate */
    struct limit_note note; /* of the request whose body is awaited */
    bool owes_continue;     /* 100 Continue, once the answers before it are out */
    bool wait_anew;         /* a request was whole or a write done: the next one has its own time */
};

/* What is on its way to the client beyond what the socket took at once. */
struct outlet {
    struct block sending; /* held by the write under way */
    struct block queued;  /* to be sent next */
    uv_write_t write;
    uv_shutdown_t shutdown;
    bool writing;
    bool ending; /* the last answer is out or in `queued`: then shut down */
    bool shut;
};

struct connection {
    uv_tcp_t tcp;
    struct wait wait; /* found by offset from the waits */
    struct loop *loop;
    struct connection *earlier, *later; /* of the loop's connections */
    struct connection *next_dirty;
    struct job *first, *last; /* the pipeline */
    unsigned n_pipeline;
    struct address peer;
    unsigned number; /* counts the loop's connections; keeps its requests with one worker of a stage */
    bool dirty;
    bool reading;
    bool closing;
    bool ended;       /* the client sends no more */
    bool has_refusal; /* an answer without a job, behind the pipeline; the intake is shut until it is out */
    struct refusal refusal;
    struct answer_form refusal_form;
    struct intake intake;
    struct outlet outlet;
};

/* Accepts what waits at the loop's listener. */
void connection_accept(struct loop *loop);
/* The answer of a job of this connection has come. */
void connection_answered(struct connection *connection, struct job *job);
/* Sends all answers whose turn it is. Once in a loop's turn, for connections marked dirty. */
void connection_flush(struct connection *connection);
/* Its wait is over. */
void connection_timed_out(struct wait *wait);
/* Draining has begun: no more requests; idle connections close. */
void connection_drain(struct connection *connection);
/* Ends it at once; its jobs come home to nobody. */
void connection_close(struct connection *connection);

/* Between the files of a connection ---------------------------------------- */
/* Takes bytes that arrived: len > 0. */
void intake_feed(struct connection *connection, const char *bytes, size_t len);
/* Goes on with what is in the stash, when the pipeline has room again. */
void intake_resume(struct connection *connection);
/* Says 100 Continue to a client that waits for it, when it is its turn. */
void intake_say_continue(struct connection *connection);
/* The wait for a body is over: goes on if it is fast enough. */
void intake_check_body(struct connection *connection);
void intake_free(struct connection *connection);
/* Refuses the request under way: no more are read; the answer comes behind the pipeline. It goes by the name that
 * the client gave it in `head`, or where that is NULL, in the head whose body is awaited. */
void intake_refuse(struct connection *connection, const struct head *head, struct refusal refusal);
/* True while bytes may be read and requests made of them. */
bool intake_is_open(const struct connection *connection);

void outlet_flush(struct connection *connection);
/* Sends bytes that are no answer (100 Continue). */
void outlet_send(struct connection *connection, const char *bytes, size_t len);
void outlet_free(struct connection *connection);

/* Appends within the budget; false when there is none or no memory. */
MUST_CHECK bool block_append(struct loop *loop, struct block *block, const char *bytes, size_t len);
void block_free(struct loop *loop, struct block *block);

/* Starts or stops reading as the state asks, and waits for what it should wait for. */
void connection_settle(struct connection *connection);
