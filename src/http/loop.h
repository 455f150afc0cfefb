/* SPDX-License-Identifier: MIT */
/* loop: one acceptor thread. It owns its listener, connections, jobs and time-outs; nothing of it is
 * touched by another thread but its inbox and the draining flag. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

#include <telemetry/job.h>
#include <telemetry/worker.h>

#include "flow/job_pool.h"
#include "http/guard.h"
#include "http/head.h"
#include "http/waits.h"

struct connection;
struct inbox;
struct stats;

/* The limits of the HTTP side; const after boot, shared by all loops. */
struct http_settings {
    unsigned connections_max; /* on each loop */
    unsigned share_max;       /* of the jobs of each loop, that reads may hold, and that writes may hold */
    unsigned shares_max;      /* of them, that both together may hold: the rest is the server's own */
    unsigned pipeline_max;    /* unanswered requests on one connection */
    struct head_limits head;
    struct guard_settings guard;
    size_t body_max_bytes;
    size_t body_budget_bytes; /* of one loop: bodies being received or worked on, heads in part, unsent answers */
    uint64_t body_min_rate;   /* bytes/s */
    uint64_t head_ns, body_ns, idle_ns, write_ns, request_ns, drain_ns;
};

/* What the budget is for. Bodies may have all of it; the others, which cost a client no key, a part each, so that
 * neither clients that do not read nor heads without end keep out those that send bodies. */
enum budget_share {
    BUDGET_BODIES,
    BUDGET_HEADS,   /* a quarter: bytes that wait for the rest of a head, or for the answers before them */
    BUDGET_ANSWERS, /* half: what clients have yet to take */
    BUDGET_SHARES
};

enum {
    READ_BYTES = 64 * 1024,   /* one read from a socket */
    ANSWER_BYTES = 64 * 1024, /* heads of the answers of one flush */
    DATE_BYTES = 29           /* Sun, 06 Nov 1994 08:49:37 GMT */
};

struct loop {
    uv_loop_t uv;
    uv_tcp_t listener;
    uv_async_t wake;      /* answers have come, or draining has begun */
    uv_prepare_t prepare; /* before and behind each poll: send what was gathered */
    uv_check_t check;
    uv_timer_t timer; /* at the next time-out */
    const struct http_settings *settings;
    struct inbox *inbox;
    struct outbox outbox;
    struct stats *stats;
    struct job_pool *pool;
    unsigned n_shares[SHARES];            /* jobs taken of each share */
    struct access *access;                /* the keys that count; NULL: none is asked for */
    _Atomic(struct access *) next_access; /* the loop's from its next wake-up on */
    struct waits waits;
    uint64_t timer_ns;              /* when the timer fires; UINT64_MAX when it is off */
    struct job *oldest, *newest;    /* requests under way */
    struct connection *connections; /* all of them, linked */
    struct connection *dirty;       /* those that have something to send */
    unsigned n_connections;
    unsigned n_accepted;
    unsigned n_accepts;                  /* of the turn */
    uint64_t accept_ns;                  /* when a connection that waits is accepted; UINT64_MAX: none waits */
    size_t budget_used;                  /* bytes, of body_budget_bytes */
    size_t budget_shares[BUDGET_SHARES]; /* of these, by each share */
    uint64_t n_requests;                 /* numbers the requests */
    uint32_t id_prefix;                  /* random, begins the request ids that this loop makes */
    unsigned index;
    atomic_bool drain; /* set by the boot thread */
    bool draining;
    uint64_t drain_until_ns;
    uint64_t n_polls, drain_poll; /* that have ended; how many must have, for the drain to go on */
    uint64_t drain_accepts_until; /* so many polls, at most */
    pthread_t thread;
    uint64_t date_second; /* for which `date` was made */
    char date[DATE_BYTES + 1];
    char read_buffer[READ_BYTES];
    char answer_buffer[ANSWER_BYTES];
    char joined_buffer[HEAD_BYTES_LIMIT];
};

/* Boot thread -------------------------------------------------------------- */
/* Prepares a loop that is all zero; the listening socket `fd` is its own from then on. Keeps settings
 * and topology. -1 with error set. */
MUST_CHECK int loop_open(struct loop *loop, const struct http_settings *settings, int fd, struct error *error);
/* Runs it on a thread of its own. */
MUST_CHECK int loop_start(struct loop *loop, struct error *error);
/* Begins to drain: no new connections or requests, answers for what was received whole. Any thread. */
void loop_drain(struct loop *loop);
/* Gives the loop other keys, of which it takes the reference. Any thread. */
void loop_set_access(struct loop *loop, struct access **access);
/* Waits until the loop has drained, or its drain time is over, and its thread has ended. */
void loop_join(struct loop *loop);
/* When all stages have stopped: takes home the jobs that came too late, then frees what is left. */
void loop_close(struct loop *loop);

/* Loop thread -------------------------------------------------------------- */
/* The wake callback of the loop's inbox; sender threads call it. */
void loop_wake(void *context);
/* clock_ns() of the loop's turn. */
uint64_t loop_now_ns(const struct loop *loop);
/* Sees to it that the timer fires no later than the waits and requests under way ask for. */
void loop_arm_timer(struct loop *loop);
/* Calls connection_accept() again in a while; until then no other connection comes. */
void loop_accept_later(struct loop *loop);
/* Asks for connection_flush() at the end of the turn. */
void loop_mark_dirty(struct loop *loop, struct connection *connection);
/* Sends a job on its way; its deadline starts now. Takes *job. */
void loop_submit(struct loop *loop, struct job **job);
/* Closes the loop's own handles, without which it ends. */
void loop_close_handles(struct loop *loop);
/* Puts a job that is neither away nor in a pipeline back into the pool. */
void loop_recycle(struct loop *loop, struct job *job);
/* Forgets a request under way: it is answered or has nobody to be answered to. */
void loop_unlink_request(struct loop *loop, struct job *job);
/* Takes bytes from the budget; false when there are not so many, or not for the share. */
MUST_CHECK bool loop_budget_take(struct loop *loop, enum budget_share share, size_t bytes);
void loop_budget_give(struct loop *loop, enum budget_share share, size_t bytes);
/* The Date of now, without NUL: DATE_BYTES bytes. */
const char *loop_date(struct loop *loop);
