/* SPDX-License-Identifier: MIT */
#include "stub.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PEERS_MAX = 64, POLL_MS = 20 };

struct peer {
    int fd;
    size_t len;
    char text[STUB_BYTES_MAX + 1];
};

struct stub {
    struct stub_rules rules;
    int listener, port;
    pthread_t thread;
    atomic_bool stopping;
    unsigned n_requests, n_peers;
    struct peer *peers;
};

static void require(bool good, const char *what)
{
    if (good)
        return;
    perror(what);
    abort();
}

static void close_peer(struct stub *stub, struct peer *peer)
{
    close(peer->fd);
    *peer = stub->peers[--stub->n_peers];
}

/* Bytes of the first request, or 0 while it is not whole. */
static size_t request_len(const struct peer *peer)
{
    const char *end = strstr(peer->text, "\r\n\r\n");
    const char *length = strcasestr(peer->text, "\r\ncontent-length:");
    if (end == NULL)
        return 0;
    size_t len = (size_t)(end - peer->text) + 4;
    if (length != NULL && length < end)
        len += strtoul(length + strlen("\r\ncontent-length:"), NULL, 10);
    return len <= peer->len ? len : 0;
}

static void stall(const struct stub *stub)
{
    unsigned ms = stub->rules.stall_ms;
    if (stub->rules.stall_every > 0 && stub->n_requests % stub->rules.stall_every == 0)
        nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L }, NULL);
}

static int plain_answer(const struct stub_request *request, void *state, char *ret_answer)
{
    return sprintf(ret_answer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

/* False when the connection is to be closed. */
static bool serve(struct stub *stub, struct peer *peer, size_t len)
{
    static char answer[STUB_BYTES_MAX];
    stub_answer *make = stub->rules.answer == NULL ? plain_answer : stub->rules.answer;
    char next = peer->text[len];
    peer->text[len] = '\0';
    struct stub_request request = { peer->text, ++stub->n_requests };
    stall(stub);
    int answer_len = make(&request, stub->rules.state, answer);
    peer->text[len] = next;
    memmove(peer->text, peer->text + len, peer->len - len + 1);
    peer->len -= len;
    return answer_len == 0 || (answer_len > 0 && send(peer->fd, answer, (size_t)answer_len, MSG_NOSIGNAL) > 0);
}

static bool read_peer(struct stub *stub, struct peer *peer)
{
    ssize_t len = recv(peer->fd, peer->text + peer->len, STUB_BYTES_MAX - peer->len, 0);
    if (len <= 0)
        return false;
    peer->len += (size_t)len;
    peer->text[peer->len] = '\0';
    for (size_t whole = request_len(peer); whole > 0; whole = request_len(peer))
        if (!serve(stub, peer, whole))
            return false;
    return true;
}

static void accept_peer(struct stub *stub)
{
    int fd = accept(stub->listener, NULL, NULL), on = 1;
    require(fd >= 0 && stub->n_peers < PEERS_MAX, "accept");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    struct peer *peer = &stub->peers[stub->n_peers++];
    peer->fd = fd;
    peer->len = 0;
}

static void *stub_main(void *argument)
{
    struct stub *stub = argument;
    while (!atomic_load(&stub->stopping)) {
        struct pollfd polled[PEERS_MAX + 1] = { { .fd = stub->listener, .events = POLLIN } };
        for (unsigned i = 0; i < stub->n_peers; i++)
            polled[i + 1] = (struct pollfd){ .fd = stub->peers[i].fd, .events = POLLIN };
        if (poll(polled, stub->n_peers + 1, POLL_MS) <= 0)
            continue;
        for (unsigned i = stub->n_peers; i > 0; i--) /* from the last: closing one moves the last into its place */
            if (polled[i].revents != 0 && !read_peer(stub, &stub->peers[i - 1]))
                close_peer(stub, &stub->peers[i - 1]);
        if (polled[0].revents != 0)
            accept_peer(stub);
    }
    return NULL;
}

struct stub *stub_start(const struct stub_rules *rules)
{
    struct stub *stub = calloc(1, sizeof(*stub));
    require(stub != NULL && (stub->peers = calloc(PEERS_MAX, sizeof(*stub->peers))) != NULL, "calloc");
    stub->rules = *rules;
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof(address);
    stub->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(stub->listener >= 0, "socket");
    require(bind(stub->listener, (struct sockaddr *)&address, len) == 0, "bind");
    require(listen(stub->listener, PEERS_MAX) == 0, "listen");
    require(getsockname(stub->listener, (struct sockaddr *)&address, &len) == 0, "getsockname");
    stub->port = ntohs(address.sin_port);
    require(pthread_create(&stub->thread, NULL, stub_main, stub) == 0, "pthread_create");
    return stub;
}

int stub_port(const struct stub *stub)
{
    return stub->port;
}

unsigned stub_stop(struct stub *stub)
{
    atomic_store(&stub->stopping, true);
    pthread_join(stub->thread, NULL);
    unsigned n_requests = stub->n_requests;
    while (stub->n_peers > 0)
        close_peer(stub, &stub->peers[0]);
    close(stub->listener);
    free(stub->peers);
    free(stub);
    return n_requests;
}
