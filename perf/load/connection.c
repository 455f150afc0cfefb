/* SPDX-License-Identifier: MIT */
#include "connection.h"

#include <strings.h>

enum { READ_BYTES = 256 * 1024, STATUS_INTERIM_END = 200 };

static void enter(struct connection *connection, enum connection_state state)
{
    connection->state = state;
    connection->since_ns = uv_hrtime();
}

/* Answers ----------------------------------------------------------------- */
static enum ids_from ids_from(const struct connection *connection)
{
    return connection->scenario->calls[connection->request.call].ids_from;
}

static int on_field(llhttp_t *parser, const char *data, size_t len)
{
    struct connection *connection = parser->data;
    struct answer *answer = &connection->answer;
    answer->kept = NULL;
    for (size_t i = 0; i < len && answer->field_len < sizeof(answer->field); i++)
        answer->field[answer->field_len++] = data[i];
    return HPE_OK;
}

static bool is_named(const struct answer *answer, struct slice name)
{
    return answer->field_len == name.len && strncasecmp(answer->field, name.data, name.len) == 0;
}

static int on_field_complete(llhttp_t *parser)
{
    struct connection *connection = parser->data;
    struct answer *answer = &connection->answer;
    if (is_named(answer, SLICE("location")))
        answer->kept = &answer->location;
    else if (is_named(answer, SLICE("cache-status")))
        answer->kept = &answer->cache_status;
    answer->field_len = 0;
    return HPE_OK;
}

static int on_value(llhttp_t *parser, const char *data, size_t len)
{
    struct connection *connection = parser->data;
    struct field_value *kept = connection->answer.kept;
    for (size_t i = 0; kept != NULL && i < len && kept->len < sizeof(kept->text); i++)
        kept->text[kept->len++] = data[i];
    return HPE_OK;
}

static int on_body(llhttp_t *parser, const char *data, size_t len)
{
    struct connection *connection = parser->data;
    if (ids_from(connection) == IDS_BODY && connection->state == CONNECTION_BUSY)
        id_scan_feed(&connection->answer.scan, (struct slice){ data, len }, connection->ids);
    return HPE_OK;
}

static int on_complete(llhttp_t *parser)
{
    struct connection *connection = parser->data;
    if (parser->status_code < STATUS_INTERIM_END)
        return HPE_OK;
    if (connection->state != CONNECTION_BUSY || connection->answer.complete)
        return HPE_USER; /* nobody asked */
    connection->answer.complete = true;
    connection->answer.last = llhttp_should_keep_alive(parser) == 0;
    return HPE_OK;
}

static const llhttp_settings_t callbacks = {
    .on_header_field = on_field,
    .on_header_field_complete = on_field_complete,
    .on_header_value = on_value,
    .on_body = on_body,
    .on_message_complete = on_complete,
};

static void keep_location(struct connection *connection)
{
    const struct field_value *location = &connection->answer.location;
    struct id id;
    if (ids_from(connection) != IDS_LOCATION || location->len < ID_BYTES)
        return;
    memcpy(id.text, location->text + location->len - ID_BYTES, ID_BYTES);
    ids_put(connection->ids, &id);
}

/* An answer that came before its request was sent whole ends the connection too. */
static void finish_answer(struct connection *connection)
{
    bool last = connection->answer.last || connection->writing;
    uint64_t now_ns = uv_hrtime();
    keep_location(connection);
    connection->state = CONNECTION_IDLE;
    connection->since_ns = now_ns;
    runner_answered(connection, connection->parser.status_code, now_ns);
    if (last)
        connection_close(connection, FAULT_BROKEN);
    else
        runner_ready(connection);
}

/* Closing ----------------------------------------------------------------- */
static void on_closed(uv_handle_t *handle)
{
    struct connection *connection = handle->data;
    connection->writing = false;
    enter(connection, CONNECTION_CLOSED);
}

void connection_close(struct connection *connection, enum fault fault)
{
    if (connection->state == CONNECTION_CLOSED || connection->state == CONNECTION_CLOSING)
        return;
    bool busy = connection->state == CONNECTION_BUSY;
    enter(connection, CONNECTION_CLOSING);
    uv_close((uv_handle_t *)&connection->tcp, on_closed);
    if (busy)
        runner_failed(connection, fault);
}

/* Reading ----------------------------------------------------------------- */
/* One block serves all connections of the one loop: llhttp keeps nothing of it. */
static void on_block(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_block)
{
    static char block[READ_BYTES];
    *ret_block = uv_buf_init(block, READ_BYTES);
}

static void on_end(struct connection *connection)
{
    llhttp_finish(&connection->parser); /* completes an answer that ends with the connection */
    connection->answer.last = true;
    if (connection->answer.complete && connection->state == CONNECTION_BUSY)
        finish_answer(connection);
    else
        connection_close(connection, FAULT_BROKEN);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *block)
{
    struct connection *connection = stream->data;
    if (len < 0)
        on_end(connection);
    else if (llhttp_execute(&connection->parser, block->base, (size_t)len) != HPE_OK)
        connection_close(connection, FAULT_MALFORMED);
    else if (connection->answer.complete && connection->state == CONNECTION_BUSY)
        finish_answer(connection);
}

/* Sending ----------------------------------------------------------------- */
static void on_written(uv_write_t *write, int status)
{
    struct connection *connection = write->data;
    connection->writing = false;
    if (status < 0)
        connection_close(connection, FAULT_BROKEN);
}

void connection_send(struct connection *connection)
{
    uv_stream_t *stream = (uv_stream_t *)&connection->tcp;
    struct buffer *out = &connection->out;
    uv_buf_t rest = uv_buf_init(out->data, (unsigned)out->len);
    connection->answer = (struct answer){ 0 };
    connection->state = CONNECTION_BUSY;
    connection->since_ns = connection->request.sent_ns;
    int sent = uv_try_write(stream, &rest, 1);
    if (sent == (int)out->len)
        return;
    rest.base += sent > 0 ? sent : 0;
    rest.len -= sent > 0 ? (size_t)sent : 0;
    connection->write.data = connection;
    connection->writing = true;
    if ((sent < 0 && sent != UV_EAGAIN) || uv_write(&connection->write, stream, &rest, 1, on_written) != 0)
        connection_close(connection, FAULT_BROKEN);
}

/* Opening ----------------------------------------------------------------- */
static void fail_connect(struct connection *connection, int code)
{
    connection_close(connection, FAULT_BROKEN);
    runner_connect_failed(connection, code);
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct connection *connection = connect->data;
    if (connection->state != CONNECTION_CONNECTING)
        return;
    if (status == 0)
        status = uv_read_start((uv_stream_t *)&connection->tcp, on_block, on_read);
    if (status != 0) {
        fail_connect(connection, status);
        return;
    }
    enter(connection, CONNECTION_IDLE);
    runner_ready(connection);
}

void connection_open(struct connection *connection, uv_loop_t *loop)
{
    uv_tcp_init(loop, &connection->tcp);
    uv_tcp_nodelay(&connection->tcp, 1);
    connection->tcp.data = connection->connect.data = connection;
    llhttp_init(&connection->parser, HTTP_RESPONSE, &callbacks);
    connection->parser.data = connection;
    connection->answer = (struct answer){ 0 };
    enter(connection, CONNECTION_CONNECTING);
    int code = uv_tcp_connect(&connection->connect, &connection->tcp,
                              (const struct sockaddr *)&connection->host->address, on_connected);
    if (code != 0)
        fail_connect(connection, code);
}

void connection_tend(struct connection *connection, uv_loop_t *loop, uint64_t now_ns, uint64_t timeout_ns)
{
    bool late = now_ns > connection->since_ns && now_ns - connection->since_ns > timeout_ns;
    if (connection->state == CONNECTION_CLOSED)
        connection_open(connection, loop);
    else if (late && connection->state == CONNECTION_CONNECTING)
        fail_connect(connection, UV_ETIMEDOUT);
    else if (late && connection->state == CONNECTION_BUSY)
        connection_close(connection, FAULT_TIMEOUT);
}

void connection_free(struct connection *connection)
{
    buffer_free(&connection->out);
}
