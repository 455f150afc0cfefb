/* SPDX-License-Identifier: MIT */
/* Messages of the wire protocol begin with their length. A call is an OP_MSG whose first section, a document
 * behind 5 bytes, begins with the name of the command. */
#include "cutting_proxy.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "suite.h"

enum { CONNECTIONS_MAX = 64, HEADER_BYTES = 16, NAME_OFFSET = HEADER_BYTES + 4 + 1 + 4 + 1, MESSAGE_MAX = 64 << 20 };

struct connection {
    int client, server; /* -1: free */
    bool cut_answer;    /* what comes next from the server ends it */
};

struct cutting_proxy {
    struct sockaddr_in server;
    int listener;
    unsigned port;
    pthread_t thread;
    atomic_bool stopping, away;
    pthread_mutex_t mutex; /* of the four below */
    unsigned n_left, n_cuts;
    enum cut_moment moment;
    char command[32];
    struct connection connections[CONNECTIONS_MAX];
    char *message;
};

static void cut(struct connection *connection)
{
    if (connection->client >= 0) {
        close(connection->client);
        close(connection->server);
    }
    *connection = (struct connection){ .client = -1, .server = -1 };
}

/* Reads one whole message; 0 at the end of the connection. */
static size_t read_message(int fd, char *message)
{
    uint32_t bytes;
    if (recv(fd, message, HEADER_BYTES, MSG_WAITALL) != HEADER_BYTES)
        return 0;
    memcpy(&bytes, message, sizeof(bytes));
    if (bytes < HEADER_BYTES || bytes > MESSAGE_MAX)
        return 0;
    ssize_t rest = recv(fd, message + HEADER_BYTES, bytes - HEADER_BYTES, MSG_WAITALL);
    return rest == (ssize_t)(bytes - HEADER_BYTES) ? bytes : 0;
}

static bool write_message(int fd, const char *message, size_t bytes)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t n = send(fd, message + done, bytes - done, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

/* Whether this call is one of those to cut, and when; then it counts. */
static bool is_to_be_cut(struct cutting_proxy *proxy, const char *message, size_t bytes, enum cut_moment *ret_moment)
{
    pthread_mutex_lock(&proxy->mutex);
    bool is_meant = proxy->n_left > 0 && bytes > NAME_OFFSET + sizeof(proxy->command) &&
                    strcmp(message + NAME_OFFSET, proxy->command) == 0;
    if (is_meant) {
        proxy->n_cuts++;
        proxy->n_left--;
        *ret_moment = proxy->moment;
    }
    pthread_mutex_unlock(&proxy->mutex);
    return is_meant;
}

static bool forward_call(struct cutting_proxy *proxy, struct connection *connection)
{
    enum cut_moment moment;
    size_t bytes = read_message(connection->client, proxy->message);
    if (bytes == 0)
        return false;
    connection->cut_answer = is_to_be_cut(proxy, proxy->message, bytes, &moment);
    if (connection->cut_answer && moment == CUT_BEFORE_CALL)
        return false;
    return write_message(connection->server, proxy->message, bytes);
}

static bool forward_answer(struct cutting_proxy *proxy, struct connection *connection)
{
    size_t bytes = read_message(connection->server, proxy->message);
    return bytes > 0 && !connection->cut_answer && write_message(connection->client, proxy->message, bytes);
}

static void take_connection(struct cutting_proxy *proxy)
{
    int client = accept(proxy->listener, NULL, NULL);
    struct connection *free_one = NULL;
    for (unsigned i = 0; i < CONNECTIONS_MAX; i++)
        if (proxy->connections[i].client < 0)
            free_one = &proxy->connections[i];
    int server = socket(AF_INET, SOCK_STREAM, 0);
    if (client < 0 || free_one == NULL || atomic_load(&proxy->away) ||
        connect(server, (struct sockaddr *)&proxy->server, sizeof(proxy->server)) != 0) {
        close(client);
        close(server);
        return;
    }
    *free_one = (struct connection){ .client = client, .server = server };
}

static void step(struct cutting_proxy *proxy)
{
    struct pollfd fds[1 + 2 * CONNECTIONS_MAX] = { { .fd = proxy->listener, .events = POLLIN } };
    for (unsigned i = 0; i < CONNECTIONS_MAX; i++) {
        fds[1 + 2 * i] = (struct pollfd){ .fd = proxy->connections[i].client, .events = POLLIN };
        fds[2 + 2 * i] = (struct pollfd){ .fd = proxy->connections[i].server, .events = POLLIN };
    }
    poll(fds, 1 + 2 * CONNECTIONS_MAX, 10);
    for (unsigned i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *connection = &proxy->connections[i];
        bool goes_on = !atomic_load(&proxy->away);
        if (goes_on && fds[1 + 2 * i].revents != 0)
            goes_on = forward_call(proxy, connection);
        if (goes_on && fds[2 + 2 * i].revents != 0)
            goes_on = forward_answer(proxy, connection);
        if (!goes_on)
            cut(connection);
    }
    if (fds[0].revents != 0)
        take_connection(proxy);
}

static void *proxy_main(void *context)
{
    struct cutting_proxy *proxy = context;
    while (!atomic_load(&proxy->stopping))
        step(proxy);
    return NULL;
}

static void find_server(const char *host, unsigned port, struct sockaddr_in *ret_server)
{
    const struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
    struct addrinfo *found;
    assert_int_equal(getaddrinfo(host, NULL, &hints, &found), 0);
    memcpy(ret_server, found->ai_addr, sizeof(*ret_server));
    ret_server->sin_port = htons((uint16_t)port);
    freeaddrinfo(found);
}

struct cutting_proxy *cutting_proxy_new(const char *host, unsigned port)
{
    struct cutting_proxy *proxy = calloc(1, sizeof(*proxy));
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t bytes = sizeof(address);
    assert_non_null(proxy);
    proxy->message = malloc(MESSAGE_MAX);
    assert_non_null(proxy->message);
    pthread_mutex_init(&proxy->mutex, NULL);
    find_server(host, port, &proxy->server);
    for (unsigned i = 0; i < CONNECTIONS_MAX; i++)
        proxy->connections[i] = (struct connection){ .client = -1, .server = -1 };
    proxy->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(proxy->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(proxy->listener, CONNECTIONS_MAX), 0);
    assert_int_equal(getsockname(proxy->listener, (struct sockaddr *)&address, &bytes), 0);
    proxy->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&proxy->thread, NULL, proxy_main, proxy), 0);
    return proxy;
}

void cutting_proxy_free(struct cutting_proxy **proxy)
{
    struct cutting_proxy *self = *proxy;
    *proxy = NULL;
    atomic_store(&self->stopping, true);
    pthread_join(self->thread, NULL);
    for (unsigned i = 0; i < CONNECTIONS_MAX; i++)
        cut(&self->connections[i]);
    close(self->listener);
    pthread_mutex_destroy(&self->mutex);
    free(self->message);
    free(self);
}

unsigned cutting_proxy_port(const struct cutting_proxy *proxy)
{
    return proxy->port;
}

void cutting_proxy_cut(struct cutting_proxy *proxy, const char *command, enum cut_moment moment, unsigned n)
{
    pthread_mutex_lock(&proxy->mutex);
    snprintf(proxy->command, sizeof(proxy->command), "%s", command);
    proxy->moment = moment;
    proxy->n_left = n;
    pthread_mutex_unlock(&proxy->mutex);
}

unsigned cutting_proxy_cuts(struct cutting_proxy *proxy)
{
    pthread_mutex_lock(&proxy->mutex);
    unsigned n_cuts = proxy->n_cuts;
    proxy->n_cuts = 0;
    pthread_mutex_unlock(&proxy->mutex);
    return n_cuts;
}

void cutting_proxy_go_away(struct cutting_proxy *proxy, bool away)
{
    atomic_store(&proxy->away, away);
}
