/* SPDX-License-Identifier: MIT */
#include "cutting_relay.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "suite.h"

enum { PIECE_MAX = 16 * 1024 };

static struct sockaddr_in loopback(unsigned port)
{
    return (struct sockaddr_in){ .sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static int connect_to(unsigned port)
{
    struct sockaddr_in address = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Up to max bytes; how many, or 0 at an end. */
static size_t hand_on(int from, int to, size_t max)
{
    char bytes[PIECE_MAX];
    ssize_t n = recv(from, bytes, max < PIECE_MAX ? max : PIECE_MAX, 0);
    if (n <= 0)
        return 0;
    for (ssize_t done = 0, sent; done < n; done += sent) {
        sent = send(to, bytes + done, (size_t)(n - done), MSG_NOSIGNAL);
        if (sent <= 0)
            return 0;
    }
    return (size_t)n;
}

/* Whether it goes on; *n_sent counts what came from the server. */
static bool step(struct cutting_relay *relay, struct pollfd ends[2], size_t *n_sent)
{
    size_t cut_at = atomic_load(&relay->cut_at_bytes);
    if (*n_sent >= cut_at) {
        atomic_fetch_add(&relay->n_cuts, 1);
        return false;
    }
    poll(ends, 2, 10);
    if (ends[0].revents != 0 && hand_on(ends[0].fd, ends[1].fd, PIECE_MAX) == 0)
        return false;
    if (ends[1].revents == 0)
        return true;
    size_t left = cut_at - *n_sent;
    size_t n = hand_on(ends[1].fd, ends[0].fd, left < relay->piece_bytes ? left : relay->piece_bytes);
    *n_sent += n;
    return n > 0;
}

static void serve(struct cutting_relay *relay, int client)
{
    struct pollfd ends[2] = { { .fd = client, .events = POLLIN },
                              { .fd = connect_to(relay->server_port), .events = POLLIN } };
    size_t n_sent = 0;
    int one = 1;
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    while (ends[1].fd >= 0 && !atomic_load(&relay->stopping) && step(relay, ends, &n_sent))
        continue;
    close(client);
    if (ends[1].fd >= 0)
        close(ends[1].fd);
}

static void *relay_main(void *context)
{
    struct cutting_relay *relay = context;
    struct pollfd listener = { .fd = relay->listener, .events = POLLIN };
    while (!atomic_load(&relay->stopping))
        if (poll(&listener, 1, 10) > 0)
            serve(relay, accept(relay->listener, NULL, NULL));
    return NULL;
}

void cutting_relay_start(struct cutting_relay *relay, unsigned server_port, size_t piece_bytes, size_t cut_at_bytes)
{
    struct sockaddr_in address = loopback(0);
    socklen_t bytes = sizeof(address);
    relay->server_port = server_port;
    relay->piece_bytes = piece_bytes;
    atomic_init(&relay->cut_at_bytes, cut_at_bytes);
    atomic_init(&relay->n_cuts, 0);
    atomic_init(&relay->stopping, false);
    relay->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(relay->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(relay->listener, 16), 0);
    assert_int_equal(getsockname(relay->listener, (struct sockaddr *)&address, &bytes), 0);
    relay->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&relay->thread, NULL, relay_main, relay), 0);
}

void cutting_relay_stop(struct cutting_relay *relay)
{
    atomic_store(&relay->stopping, true);
    pthread_join(relay->thread, NULL);
    close(relay->listener);
}
