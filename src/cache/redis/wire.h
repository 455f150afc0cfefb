/* SPDX-License-Identifier: MIT */
/* wire: bytes to and from an open socket that does not block, in the clear or through TLS. One thread's own. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <openssl/ssl.h>

#include <telemetry/status.h>

/* The largest record of TLS. A read of so many bytes leaves none of them in OpenSSL, where poll(2) would not
 * see them. */
enum { WIRE_READ_BYTES = 16 * 1024, WIRE_FAILURE_BYTES = 128 };

struct wire {
    int fd;                           /* -1: closed */
    SSL *session;                     /* NULL: in the clear */
    short read_events;                /* of poll(2), what the next read and */
    short write_events;               /* the next write wait for: TLS may have to write in order to read */
    char failure[WIRE_FAILURE_BYTES]; /* why the last call returned -1 */
};

/* What wire_read() and wire_write() return, besides how many bytes. */
enum { WIRE_NOT_NOW = 0, WIRE_FAILED = -1 };

/* Takes fd; in the clear at first. */
void wire_open(struct wire *wire, int fd);
void wire_close(struct wire *wire);

/* Puts TLS on a connected wire, towards a server of that name or address; -1 without memory. */
MUST_CHECK int wire_secure(struct wire *wire, SSL_CTX *context, const char *host);
/* Goes on with the handshake: 1 when it is done. */
int wire_handshake(struct wire *wire);

/* Up to WIRE_READ_BYTES. */
ssize_t wire_read(struct wire *wire, char bytes[WIRE_READ_BYTES]);
ssize_t wire_write(struct wire *wire, const char *bytes, size_t n);

/* What to wait for; has_unsent: there is something to write. */
static inline short wire_events(const struct wire *wire, bool has_unsent)
{
    return (short)(wire->read_events | (has_unsent ? wire->write_events : 0));
}
