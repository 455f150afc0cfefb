/* SPDX-License-Identifier: MIT */
#include "client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { PATIENCE_S = 20, ROOM = 65536 };

struct client client_open(unsigned port)
{
    struct client client = { .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    struct timeval patience = { .tv_sec = PATIENCE_S };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(client.fd >= 0);
    setsockopt(client.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(client.fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    assert_int_equal(connect(client.fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return client;
}

void client_close(struct client *client)
{
    close(client->fd);
    free(client->bytes);
    *client = (struct client){ .fd = -1 };
}

void client_reset(struct client *client)
{
    struct linger linger = { .l_onoff = 1, .l_linger = 0 };
    setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    client_close(client);
}

void client_shut(struct client *client)
{
    assert_int_equal(shutdown(client->fd, SHUT_WR), 0);
}

void client_send(struct client *client, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(client->fd, bytes, len, MSG_NOSIGNAL);
        assert_true(sent > 0);
        bytes += sent;
        len -= (size_t)sent;
    }
}

void client_say(struct client *client, const char *text)
{
    client_send(client, text, strlen(text));
}

void client_get(struct client *client, const char *target)
{
    char text[1024];
    int len = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", target);
    client_send(client, text, (size_t)len);
}

/* Receives more; 0 at the end. */
static size_t receive(struct client *client)
{
    if (client->capacity - client->len < ROOM) {
        client->capacity = 2 * client->capacity + ROOM;
        client->bytes = realloc(client->bytes, client->capacity);
        assert_non_null(client->bytes);
    }
    ssize_t n = recv(client->fd, client->bytes + client->len, ROOM, 0);
    if (n < 0)
        fail_msg("the answer does not come");
    client->len += (size_t)n;
    return (size_t)n;
}

/* Drops what was read before, so that the next answer starts at the front. */
static void forget(struct client *client)
{
    client->len -= client->at;
    if (client->len > 0)
        memmove(client->bytes, client->bytes + client->at, client->len);
    client->at = 0;
}

static size_t receive_head(struct client *client)
{
    for (;;) {
        const char *end = client->len == 0 ? NULL : memmem(client->bytes, client->len, "\r\n\r\n", 4);
        if (end != NULL)
            return (size_t)(end - client->bytes) + 4;
        if (receive(client) == 0)
            fail_msg("the connection ends within a head: %.*s", (int)client->len, client->bytes);
    }
}

static struct client_answer read_answer(struct client *client, bool head_only)
{
    struct client_answer answer = { 0 };
    forget(client);
    size_t head_bytes = receive_head(client);
    size_t copied = head_bytes < sizeof(answer.head) ? head_bytes : sizeof(answer.head) - 1;
    memcpy(answer.head, client->bytes, copied);
    assert_int_equal(sscanf(answer.head, "HTTP/1.1 %u ", &answer.http), 1);
    const char *length = strcasestr(answer.head, "\r\nContent-Length: ");
    answer.body_bytes = length == NULL || head_only ? 0 : strtoul(length + 18, NULL, 10);
    answer.closes = strcasestr(answer.head, "\r\nConnection: close\r\n") != NULL;
    while (client->len < head_bytes + answer.body_bytes)
        if (receive(client) == 0)
            fail_msg("the connection ends within a body");
    answer.body = client->bytes + head_bytes;
    client->at = head_bytes + answer.body_bytes;
    return answer;
}

struct client_answer client_read(struct client *client)
{
    return read_answer(client, false);
}

struct client_answer client_read_head(struct client *client)
{
    return read_answer(client, true);
}

void client_expect(struct client *client, unsigned http, const char *body)
{
    struct client_answer answer = client_read(client);
    if (answer.http != http)
        print_message("%s%.*s\n", answer.head, (int)answer.body_bytes, answer.body);
    assert_int_equal(answer.http, http);
    if (body == NULL)
        return;
    if (answer.body_bytes != strlen(body) || memcmp(answer.body, body, answer.body_bytes) != 0)
        fail_msg("wanted %s, got %.*s", body, (int)answer.body_bytes, answer.body);
}

void client_expect_end(struct client *client)
{
    forget(client);
    size_t n = client->len > 0 ? client->len : receive(client);
    if (n > 0)
        fail_msg("not closed, but: %.*s", (int)client->len, client->bytes);
}

bool client_is_silent(const struct client *client)
{
    struct pollfd poller = { .fd = client->fd, .events = POLLIN };
    return client->at == client->len && poll(&poller, 1, 0) == 0;
}
