/* SPDX-License-Identifier: MIT */
/* connection: the socket's callbacks, and what it waits for.
 *
 * Every change of state ends in connection_settle(), which reads or stops reading and starts the one
 * wait that fits the state, so no state is without a limit. */
#include "http/connection.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#include <telemetry/job.h>
#include <telemetry/log.h>
#include <telemetry/stats.h>

#include "http/loop.h"

static const char too_many[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\n"
                               "Connection: close\r\n\r\n";

/* Reading ------------------------------------------------------------------- */

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buffer)
{
    struct connection *connection = handle->data;
    (void)suggested;
    *ret_buffer = uv_buf_init(connection->loop->read_buffer, READ_BYTES);
}

/* Nothing of it is under way, so that a client has nothing to lose by its end. */
static bool is_quiet(const struct connection *connection)
{
    return connection->n_pipeline == 0 && !connection->has_refusal && !connection->outlet.writing;
}

/* The client sends no more: what was whole is answered, the rest is dropped. */
static void on_end(struct connection *connection)
{
    connection->ended = true;
    connection->intake.phase = INTAKE_DONE;
    intake_free(connection);
    if (connection->outlet.shut || is_quiet(connection)) {
        connection_close(connection);
        return;
    }
    loop_mark_dirty(connection->loop, connection); /* perhaps the last answer is out already */
    connection_settle(connection);
}

static void on_read(uv_stream_t *stream, ssize_t n_bytes, const uv_buf_t *buffer)
{
    struct connection *connection = stream->data;
    if (n_bytes == 0 || connection->closing)
        return;
    if (n_bytes == UV_EOF) {
        on_end(connection);
        return;
    }
    if (n_bytes < 0) {
        connection_close(connection);
        return;
    }
    stats_add(connection->loop->stats, STATS_RECEIVED_BYTES, (uint64_t)n_bytes);
    if (connection->intake.phase == INTAKE_DONE)
        return; /* after the last answer: read and dropped, so that the client is not reset */
    intake_feed(connection, buffer->base, (size_t)n_bytes);
    connection_settle(connection);
}

static bool wants_bytes(const struct connection *connection)
{
    if (connection->ended)
        return false;
    return intake_is_open(connection) || connection->intake.phase == INTAKE_BODY || connection->outlet.shut;
}

static void set_reading(struct connection *connection, bool wanted)
{
    if (wanted == connection->reading)
        return;
    connection->reading = wanted;
    if (!wanted)
        uv_read_stop((uv_stream_t *)&connection->tcp);
    else if (uv_read_start((uv_stream_t *)&connection->tcp, on_room, on_read) != 0)
        connection_close(connection);
}

/* Waiting ------------------------------------------------------------------- */

static enum wait_kind wait_for(const struct connection *connection)
{
    if (connection->outlet.shut)
        return WAIT_LINGER;
    if (connection->outlet.writing || connection->outlet.ending)
        return WAIT_WRITE;
    if (connection->intake.phase == INTAKE_BODY)
        return WAIT_BODY;
    if (connection->intake.stash.len > 0 && intake_is_open(connection))
        return WAIT_HEAD;
    return connection->n_pipeline > 0 || connection->has_refusal ? WAIT_NONE : WAIT_IDLE;
}

void connection_settle(struct connection *connection)
{
    struct loop *loop = connection->loop;
    if (connection->closing)
        return;
    enum wait_kind kind = wait_for(connection);
    if (kind != connection->wait.kind || connection->intake.wait_anew) {
        waits_set(&loop->waits, &connection->wait, kind, loop_now_ns(loop));
        loop_arm_timer(loop);
    }
    connection->intake.wait_anew = false;
    set_reading(connection, wants_bytes(connection));
}

static void time_out(struct connection *connection, enum stats_counter counter)
{
    stats_add(connection->loop->stats, counter, 1);
    connection_close(connection);
}

void connection_timed_out(struct wait *wait)
{
    struct connection *connection = (struct connection *)((char *)wait - offsetof(struct connection, wait));
    struct loop *loop = connection->loop;
    switch (wait->kind) {
    case WAIT_IDLE:
        time_out(connection, STATS_TIMEOUT_IDLE);
        return;
    case WAIT_WRITE:
        time_out(connection, STATS_TIMEOUT_WRITE);
        return;
    case WAIT_LINGER:
        connection_close(connection);
        return;
    case WAIT_HEAD:
        stats_add(loop->stats, STATS_TIMEOUT_HEAD, 1);
        intake_refuse(connection, NULL,
                      (struct refusal){ STATUS_REQUEST_TIMEOUT, "the head did not arrive within HEAD_TIMEOUT_MS" });
        break;
    case WAIT_BODY:
        connection->intake.wait_anew = true;
        intake_check_body(connection);
        break;
    case WAIT_NONE:
    case WAIT_KINDS:
        assert(false && "a wait of no kind is never due");
    }
    connection_settle(connection);
}

/* Answers ------------------------------------------------------------------- */

void connection_answered(struct connection *connection, struct job *job)
{
    job->home.answered = true;
    if (connection->first == job)
        loop_mark_dirty(connection->loop, connection);
}

void connection_flush(struct connection *connection)
{
    if (connection->closing)
        return;
    outlet_flush(connection);
    if (connection->closing)
        return;
    intake_say_continue(connection);
    if (!connection->outlet.writing)
        intake_resume(connection);
    connection_settle(connection);
}

void connection_drain(struct connection *connection)
{
    bool partial = connection->intake.phase == INTAKE_BODY || connection->intake.stash.len > 0;
    if (connection->closing || connection->intake.phase == INTAKE_DONE)
        return;
    if (partial) {
        stats_add(connection->loop->stats, STATS_REFUSED_DRAINING, 1);
        intake_refuse(connection, NULL, (struct refusal){ STATUS_DRAINING, "the server is shutting down" });
    } else if (connection->last != NULL && !connection->has_refusal) {
        connection->last->home.keep_alive = false;
    } else if (is_quiet(connection)) {
        connection_close(connection);
        return;
    }
    connection->intake.phase = INTAKE_DONE;
    loop_mark_dirty(connection->loop, connection);
    connection_settle(connection);
}

/* Life ---------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
    struct connection *connection = handle->data;
    struct loop *loop = connection->loop;
    loop->n_connections--;
    stats_add(loop->stats, STATS_CONNECTIONS_CLOSED, 1);
    stats_set(loop->stats, STATS_GAUGE_CONNECTIONS, loop->n_connections);
    block_free(loop, &connection->outlet.sending);
    free(connection);
}

void connection_close(struct connection *connection)
{
    struct loop *loop = connection->loop;
    if (connection->closing)
        return;
    connection->closing = true;
    waits_set(&loop->waits, &connection->wait, WAIT_NONE, 0);
    intake_free(connection);
    outlet_free(connection);
    if (connection->earlier != NULL)
        connection->earlier->later = connection->later;
    else
        loop->connections = connection->later;
    if (connection->later != NULL)
        connection->later->earlier = connection->earlier;
    uv_close((uv_handle_t *)&connection->tcp, on_closed);
}

static void link_connection(struct loop *loop, struct connection *connection)
{
    connection->later = loop->connections;
    if (loop->connections != NULL)
        loop->connections->earlier = connection;
    loop->connections = connection;
    loop->n_connections++;
    connection->number = loop->n_accepted++;
    stats_add(loop->stats, STATS_CONNECTIONS_OPENED, 1);
    stats_set(loop->stats, STATS_GAUGE_CONNECTIONS, loop->n_connections);
}

static void refuse_connection(struct connection *connection)
{
    uv_buf_t buffer = uv_buf_init((char *)too_many, sizeof(too_many) - 1);
    stats_add(connection->loop->stats, STATS_CONNECTIONS_REFUSED, 1);
    uv_try_write((uv_stream_t *)&connection->tcp, &buffer, 1);
    connection_close(connection);
}

static struct address peer_of(const struct connection *connection)
{
    struct sockaddr_storage peer = { .ss_family = AF_UNSPEC };
    int len = sizeof(peer);
    uv_tcp_getpeername(&connection->tcp, (struct sockaddr *)&peer, &len);
    return address_of_socket((const struct sockaddr *)&peer);
}

void connection_accept(struct loop *loop)
{
    struct connection *connection = calloc(1, sizeof(*connection));
    if (connection == NULL || uv_tcp_init(&loop->uv, &connection->tcp) != 0) {
        log_error("no memory for a connection");
        free(connection);
        loop_accept_later(loop);
        return;
    }
    connection->loop = loop;
    connection->tcp.data = connection;
    link_connection(loop, connection);
    if (uv_accept((uv_stream_t *)&loop->listener, (uv_stream_t *)&connection->tcp) != 0) {
        connection_close(connection);
        return;
    }
    uv_tcp_nodelay(&connection->tcp, 1);
    connection->peer = peer_of(connection);
    if (loop->n_connections > loop->settings->connections_max)
        refuse_connection(connection);
    else
        connection_settle(connection);
}
