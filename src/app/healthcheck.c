/* SPDX-License-Identifier: MIT */
/* healthcheck: connect, ask, read the status line. Each of the two waits, for the connection and for the
 * answer, has half of the time.
 *
 * It asks /healthz and not /readyz. What acts on a failed check ends the container and starts another: that
 * cures a server that hangs, and only disturbs one that waits for its store to come back, drains, or says
 * 503 because it is busy. Whoever spreads load over servers asks /readyz instead. */
#include "app/healthcheck.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { WAIT_S = 1 };

static const char question[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
static const char good[] = "HTTP/1.1 200 ";

/* Where a server that listens on `host` is reached from the same machine. */
static const char *reachable(const char *host)
{
    if (strcmp(host, "0.0.0.0") == 0)
        return "127.0.0.1";
    return strcmp(host, "::") == 0 ? "::1" : host;
}

static int resolve(const struct config *config, struct addrinfo **ret_address, struct error *error)
{
    char port[8];
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
    if (config->port == 0)
        return error_set(error, 1, "PORT is 0: nobody knows from outside where the server listens");
    snprintf(port, sizeof(port), "%u", (unsigned)config->port);
    int result = getaddrinfo(reachable(config->host), port, &hints, ret_address);
    if (result == 0)
        return 0;
    return error_set(error, 1, "HOST: cannot resolve \"%s\": %s", config->host, gai_strerror(result));
}

/* Sends the question and reads the first bytes of the answer. False: errno says why, 0: the answer ends too early. */
static bool ask(int fd, const struct addrinfo *address, char answer[static sizeof(good) - 1])
{
    struct timeval wait = { .tv_sec = WAIT_S };
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) != 0 ||
        connect(fd, address->ai_addr, address->ai_addrlen) != 0 ||
        send(fd, question, sizeof(question) - 1, MSG_NOSIGNAL) != (ssize_t)sizeof(question) - 1)
        return false;
    errno = 0;
    return recv(fd, answer, sizeof(good) - 1, MSG_WAITALL) == (ssize_t)sizeof(good) - 1;
}

static const char *cause_text(int cause)
{
    if (cause == 0)
        return "it gives no whole answer";
    return cause == EAGAIN || cause == EINPROGRESS ? "it does not answer in time" : strerror(cause);
}

int healthcheck(const struct config *config, struct error *error)
{
    struct addrinfo *address = NULL;
    char answer[sizeof(good)] = "";
    int result = 0;
    if (resolve(config, &address, error) != 0)
        return -1;
    assert(address != NULL);
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || !ask(fd, address, answer))
        result = error_set(error, 1, "the server on port %u: %s", (unsigned)config->port, cause_text(errno));
    else if (memcmp(answer, good, sizeof(good) - 1) != 0)
        result = error_set(error, 1, "the server on port %u: /healthz answers \"%s\"", (unsigned)config->port, answer);
    if (fd >= 0)
        close(fd);
    freeaddrinfo(address);
    return result;
}
