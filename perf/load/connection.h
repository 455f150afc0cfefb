/* SPDX-License-Identifier: MIT */
/* connection: one keep-alive connection to a server, with at most one request under way.
 *
 * It connects, and again whenever it was closed; it tells the runner by runner_ready() that it can send, by
 * runner_answered() that its request was answered, by runner_failed() that it was not. All on the runner's loop. */
#pragma once

#include <llhttp.h>
#include <uv.h>

#include "buffer.h"
#include "ids.h"
#include "result.h"

struct runner;

struct host {
    struct sockaddr_storage address;
    char name[300]; /* for the field Host */
};

enum connection_state {
    CONNECTION_CLOSED,
    CONNECTION_CONNECTING,
    CONNECTION_IDLE,
    CONNECTION_BUSY,
    CONNECTION_CLOSING
};

struct request {
    unsigned call;
    bool measured;
    uint64_t due_ns, sent_ns;
    struct id id; /* that it took out, if its call needs one */
};

/* The beginning of a header field's value. */
struct field_value {
    unsigned len;
    char text[128];
};

struct answer {
    bool complete, last; /* last: the connection ends with it */
    unsigned field_len;
    char field[16];           /* name of the header field at hand */
    struct field_value *kept; /* where its value goes; NULL: nowhere */
    struct field_value location, cache_status;
    struct id_scan scan;
};

struct connection {
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_write_t write;
    llhttp_t parser;
    struct runner *runner;           /* keeps */
    const struct host *host;         /* keeps */
    const struct scenario *scenario; /* keeps */
    struct ids *ids;                 /* keeps: where ids of answers go */
    enum connection_state state;
    bool writing;
    uint64_t since_ns; /* of the state */
    struct request request;
    struct answer answer;
    struct buffer out;
    bool queued; /* the runner's: stands in its queue of idle connections */
};

/* Starts to connect. `connection` is zeroed but for runner, host, scenario and ids. */
void connection_open(struct connection *connection, uv_loop_t *loop);

/* Sends what is in `out`; request is filled. Only when idle. */
void connection_send(struct connection *connection);

/* Gives up what is under way and closes; a request under way fails by this fault. */
void connection_close(struct connection *connection, enum fault fault);

/* Opens closed connections, gives up requests and connects that began more than timeout_ns ago. */
void connection_tend(struct connection *connection, uv_loop_t *loop, uint64_t now_ns, uint64_t timeout_ns);

/* Frees what the connection holds, once the loop has closed it. */
void connection_free(struct connection *connection);

/* The runner's side ------------------------------------------------------- */
void runner_ready(struct connection *connection);
void runner_answered(struct connection *connection, int status, uint64_t now_ns);
void runner_failed(struct connection *connection, enum fault fault);
void runner_connect_failed(struct connection *connection, int code);
