/* SPDX-License-Identifier: MIT */
#include "cache/redis/wire.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>

#include "cache/redis/tls.h"

void wire_open(struct wire *wire, int fd)
{
    *wire = (struct wire){ .fd = fd, .read_events = POLLIN, .write_events = POLLOUT };
}

void wire_close(struct wire *wire)
{
    if (wire->fd < 0)
        return;
    SSL_free(wire->session);
    close(wire->fd);
    wire->session = NULL;
    wire->fd = -1;
}

int wire_secure(struct wire *wire, SSL_CTX *context, const char *host)
{
    wire->session = tls_session(context, host, wire->fd);
    return wire->session == NULL ? -1 : 0;
}

/* In the clear ------------------------------------------------------------------- */

/* What a call of the system returned, as wire_read() and wire_write() say it. */
static ssize_t plain_result(struct wire *wire, ssize_t result)
{
    if (result > 0)
        return result;
    if (result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return WIRE_NOT_NOW;
    snprintf(wire->failure, sizeof(wire->failure), "%s",
             result == 0 ? "the server closed the connection" : strerror(errno));
    return WIRE_FAILED;
}

/* Through TLS -------------------------------------------------------------------- */

/* OpenSSL tells what went wrong by the thread's queue of errors, and by errno. */
static void begin_call(void)
{
    ERR_clear_error();
    errno = 0;
}

/* The same for a call of OpenSSL, whose own events are *events. */
static ssize_t tls_result(struct wire *wire, int result, short *events, short usual_events)
{
    int saved_errno = errno;
    switch (SSL_get_error(wire->session, result)) {
    case SSL_ERROR_NONE:
        *events = usual_events;
        return result;
    case SSL_ERROR_WANT_READ:
        *events = POLLIN;
        return WIRE_NOT_NOW;
    case SSL_ERROR_WANT_WRITE:
        *events = POLLOUT;
        return WIRE_NOT_NOW;
    default:
        tls_explain(wire->session, saved_errno, wire->failure, sizeof(wire->failure));
        return WIRE_FAILED;
    }
}

int wire_handshake(struct wire *wire)
{
    begin_call();
    return (int)tls_result(wire, SSL_do_handshake(wire->session), &wire->read_events, POLLIN);
}

/* Both --------------------------------------------------------------------------- */

ssize_t wire_read(struct wire *wire, char bytes[WIRE_READ_BYTES])
{
    if (wire->session == NULL)
        return plain_result(wire, read(wire->fd, bytes, WIRE_READ_BYTES));
    begin_call();
    return tls_result(wire, SSL_read(wire->session, bytes, WIRE_READ_BYTES), &wire->read_events, POLLIN);
}

ssize_t wire_write(struct wire *wire, const char *bytes, size_t n)
{
    if (wire->session == NULL)
        return plain_result(wire, write(wire->fd, bytes, n));
    begin_call();
    int at_most = n < INT_MAX ? (int)n : INT_MAX;
    return tls_result(wire, SSL_write(wire->session, bytes, at_most), &wire->write_events, POLLOUT);
}
