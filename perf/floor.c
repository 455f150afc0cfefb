/* SPDX-License-Identifier: MIT */
/* floor: the least that a metrics server on libuv, llhttp and cJSON must do, as something to measure against.
 *
 * One loop. Bytes are read into one shared block, llhttp cuts them into requests, and each request appends its
 * answer to the connection's `out`, which goes out in one write when the bytes at hand are used up; so pipelined
 * requests are answered in order and together. A POST is parsed by cJSON, its name and value are checked, and it is
 * answered by its own text with an id put in front; all else is answered by a fixed body. Targets are not looked at,
 * and nothing is stored.
 *
 * A peer that does not take its answer is read no further until it does. What is not HTTP is answered 400, and the
 * connection closed. */
#include <cjson/cJSON.h>
#include <llhttp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { READ_BYTES = 64 * 1024, BODY_BYTES_MAX = 8 * 1024 * 1024, BACKLOG = 1024, ID_MEMBER_BYTES = 33 };

struct buffer {
    char *data;
    size_t len, capacity;
};

struct floor {
    uv_loop_t *loop;
    uv_tcp_t listener;
    llhttp_settings_t settings;
    struct buffer page; /* the whole answer to all but POST */
    uint64_t n_metrics; /* the id of the newest one */
    char block[READ_BYTES];
};

struct conn {
    uv_tcp_t tcp;
    uv_write_t write;
    llhttp_t parser;
    struct floor *floor;
    struct buffer body, out;
    bool last; /* close when `out` is sent */
};

static void buffer_append(struct buffer *buffer, const char *data, size_t len)
{
    if (len > buffer->capacity - buffer->len) {
        buffer->capacity = 2 * buffer->capacity + len;
        buffer->data = realloc(buffer->data, buffer->capacity);
        if (buffer->data == NULL)
            abort();
    }
    memcpy(buffer->data + buffer->len, data, len);
    buffer->len += len;
}

/* Answers ----------------------------------------------------------------- */
static void answer_empty(struct conn *conn, const char *status)
{
    char head[128];
    int len = snprintf(head, sizeof(head), "HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n", status);
    buffer_append(&conn->out, head, (size_t)len);
}

static bool body_is_metric(const struct buffer *body)
{
    cJSON *metric = cJSON_ParseWithLength(body->data, body->len);
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(metric, "name");
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(metric, "value");
    bool good = cJSON_IsString(name) && name->valuestring[0] != '\0' && cJSON_IsNumber(value);
    cJSON_Delete(metric);
    return good;
}

static void answer_post(struct conn *conn)
{
    if (!body_is_metric(&conn->body)) {
        answer_empty(conn, "422 Unprocessable Content");
        return;
    }
    const char *members = (const char *)memchr(conn->body.data, '{', conn->body.len) + 1;
    size_t members_len = (size_t)(conn->body.data + conn->body.len - members);
    char head[256];
    unsigned long long id = ++conn->floor->n_metrics;
    int len = snprintf(head, sizeof(head),
                       "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nLocation: /metrics/%024llx\r\n"
                       "Content-Length: %zu\r\n\r\n{\"id\":\"%024llx\",",
                       id, ID_MEMBER_BYTES + members_len, id);
    buffer_append(&conn->out, head, (size_t)len);
    buffer_append(&conn->out, members, members_len);
}

static void answer(struct conn *conn)
{
    if (conn->parser.method == HTTP_POST)
        answer_post(conn);
    else
        buffer_append(&conn->out, conn->floor->page.data, conn->floor->page.len);
}

/* Requests ---------------------------------------------------------------- */
static int on_body(llhttp_t *parser, const char *data, size_t len)
{
    struct conn *conn = parser->data;
    if (len > BODY_BYTES_MAX - conn->body.len)
        return HPE_USER;
    buffer_append(&conn->body, data, len);
    return HPE_OK;
}

static int on_message_complete(llhttp_t *parser)
{
    struct conn *conn = parser->data;
    answer(conn);
    conn->last = llhttp_should_keep_alive(parser) == 0;
    conn->body.len = 0;
    return HPE_OK;
}

/* Connections ------------------------------------------------------------- */
static void on_closed(uv_handle_t *handle)
{
    struct conn *conn = handle->data;
    free(conn->body.data);
    free(conn->out.data);
    free(conn);
}

static void conn_close(struct conn *conn)
{
    if (!uv_is_closing((uv_handle_t *)&conn->tcp))
        uv_close((uv_handle_t *)&conn->tcp, on_closed);
}

static void on_block(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_block)
{
    struct conn *conn = handle->data;
    *ret_block = uv_buf_init(conn->floor->block, READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *block);

static void on_written(uv_write_t *write, int status)
{
    struct conn *conn = write->data;
    conn->out.len = 0;
    if (status < 0 || conn->last || uv_read_start((uv_stream_t *)&conn->tcp, on_block, on_read) != 0)
        conn_close(conn);
}

static void conn_send(struct conn *conn)
{
    uv_stream_t *stream = (uv_stream_t *)&conn->tcp;
    uv_buf_t rest = uv_buf_init(conn->out.data, (unsigned)conn->out.len);
    int sent = uv_try_write(stream, &rest, 1);
    if (sent == (int)conn->out.len) {
        conn->out.len = 0;
        if (conn->last)
            conn_close(conn);
        return;
    }
    rest.base += sent > 0 ? sent : 0;
    rest.len -= sent > 0 ? (size_t)sent : 0;
    uv_read_stop(stream);
    conn->write.data = conn;
    if ((sent < 0 && sent != UV_EAGAIN) || uv_write(&conn->write, stream, &rest, 1, on_written) != 0)
        conn_close(conn);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *block)
{
    struct conn *conn = stream->data;
    if (len < 0) {
        conn_close(conn);
        return;
    }
    if (llhttp_execute(&conn->parser, block->base, (size_t)len) != HPE_OK && !conn->last) {
        answer_empty(conn, "400 Bad Request");
        conn->last = true;
    }
    if (conn->out.len > 0)
        conn_send(conn);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct floor *floor = listener->data;
    struct conn *conn = status < 0 ? NULL : calloc(1, sizeof(*conn));
    if (conn == NULL)
        return;
    conn->floor = floor;
    conn->tcp.data = conn;
    uv_tcp_init(floor->loop, &conn->tcp);
    llhttp_init(&conn->parser, HTTP_REQUEST, &floor->settings);
    conn->parser.data = conn;
    if (uv_accept(listener, (uv_stream_t *)&conn->tcp) != 0 || uv_tcp_nodelay(&conn->tcp, 1) != 0 ||
        uv_read_start((uv_stream_t *)&conn->tcp, on_block, on_read) != 0)
        conn_close(conn);
}

/* Start ------------------------------------------------------------------- */
/* The body is a JSON string of so many bytes, the quotes among them. */
static void page_make(struct buffer *page, size_t bytes)
{
    char head[128];
    int len = snprintf(head, sizeof(head),
                       "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n\"", bytes);
    buffer_append(page, head, (size_t)len);
    for (size_t i = 2; i < bytes; i++)
        buffer_append(page, "x", 1);
    buffer_append(page, "\"", 1);
}

static int floor_listen(struct floor *floor, int port)
{
    struct sockaddr_in address;
    int address_len = sizeof(address);
    uv_ip4_addr("127.0.0.1", port, &address);
    floor->loop = uv_default_loop();
    floor->listener.data = floor;
    int code = uv_tcp_init(floor->loop, &floor->listener);
    if (code == 0)
        code = uv_tcp_bind(&floor->listener, (const struct sockaddr *)&address, 0);
    if (code == 0)
        code = uv_listen((uv_stream_t *)&floor->listener, BACKLOG, on_connection);
    if (code == 0)
        code = uv_tcp_getsockname(&floor->listener, (struct sockaddr *)&address, &address_len);
    if (code == 0 && printf("{\"message\":\"listening\",\"port\":%d}\n", ntohs(address.sin_port)) > 0)
        fflush(stdout);
    return code;
}

int main(int argc, char *argv[])
{
    static struct floor floor = { .settings = { .on_body = on_body, .on_message_complete = on_message_complete } };
    if (argc != 3) {
        fputs("usage: floor PORT GET_BYTES (port 0: any free one)\n", stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    page_make(&floor.page, strtoul(argv[2], NULL, 10));
    int code = floor_listen(&floor, atoi(argv[1]));
    if (code != 0) {
        fprintf(stderr, "floor: %s\n", uv_strerror(code));
        return 1;
    }
    return uv_run(floor.loop, UV_RUN_DEFAULT);
}
