/* SPDX-License-Identifier: MIT */
/* listener: the first socket is bound without SO_REUSEPORT, so that a port in use by anyone is noticed;
 * where several loops share the port it is closed again and each gets a socket with it. */
#include "http/listener.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int resolve(const char *host, unsigned port, struct addrinfo **ret_address, struct error *error)
{
    char service[8];
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
    snprintf(service, sizeof(service), "%u", port);
    int result = getaddrinfo(host, service, &hints, ret_address);
    if (result == 0)
        return 0;
    return error_set(error, 78, "HOST: cannot resolve \"%s\": %s", host, gai_strerror(result));
}

static int bind_one(const struct addrinfo *address, bool shared)
{
    int on = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
        (!shared || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0) &&
        bind(fd, address->ai_addr, address->ai_addrlen) == 0)
        return fd;
    int cause = errno;
    close(fd);
    errno = cause;
    return -1;
}

/* Writes the port that the kernel chose into the address, for the sockets to come. */
static unsigned settle_port(int fd, struct addrinfo *address)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } bound;
    socklen_t len = sizeof(bound);
    memset(&bound, 0, sizeof(bound));
    if (getsockname(fd, &bound.any, &len) != 0)
        return 0;
    memcpy(address->ai_addr, &bound, len < address->ai_addrlen ? len : address->ai_addrlen);
    return ntohs(bound.any.sa_family == AF_INET6 ? bound.v6.sin6_port : bound.v4.sin_port);
}

static int bind_all(struct addrinfo *address, unsigned n_sockets, int fds[], unsigned *ret_port)
{
    int fd = bind_one(address, false);
    if (fd < 0)
        return -1;
    unsigned port = settle_port(fd, address);
    unsigned n = 0;
    if (n_sockets == 1)
        fds[n++] = fd;
    else
        close(fd);
    for (; n < n_sockets; n++) {
        fds[n] = bind_one(address, true);
        if (fds[n] < 0)
            goto close_all;
    }
    *ret_port = port;
    return 0;
close_all:
    while (n > 0)
        close(fds[--n]);
    return -1;
}

int listener_open(const char *host, unsigned port, unsigned n_sockets, int ret_fds[], unsigned *ret_port,
                  struct error *error)
{
    struct addrinfo *address;
    if (resolve(host, port, &address, error) != 0)
        return -1;
    assert(n_sockets >= 1);
    int result = bind_all(address, n_sockets, ret_fds, ret_port);
    if (result != 0 && errno == EADDRINUSE)
        error_set(error, 1, "port %u of %s is taken: stop what listens there, or set PORT to another (0: any free one)",
                  port, host);
    else if (result != 0)
        error_set(error, 1, "cannot listen on %s port %u: %s", host, port, strerror(errno));
    freeaddrinfo(address);
    return result;
}
