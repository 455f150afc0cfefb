/* SPDX-License-Identifier: MIT */
/* uri: where a Redis is, as people write it.
 *
 *   redis://[user][:password]@host[:port][/db]      host: a name, an IPv4 address, or [IPv6]
 *   rediss://...                                     the same, through TLS
 *   unix://[user][:password]@/path/of/socket[?db=n]  (redis+unix: is the same)
 *
 * User and password are percent-decoded. Pure: no I/O. */
#pragma once

#include <stdbool.h>

#include <telemetry/status.h>

enum { REDIS_PORT = 6379 };

struct redis_uri {
    char *user;     /* NULL: the default user */
    char *password; /* NULL: none */
    char *host;     /* NULL: a unix socket */
    char *path;     /* of the unix socket, or NULL */
    unsigned port;
    unsigned db;
    bool is_tls;
    char *shown; /* the whole without user and password: for the log */
};

/* On failure -1, error->exit_code 78, nothing to free; the line never shows user or password. */
MUST_CHECK int redis_uri_parse(const char *text, struct redis_uri *ret_uri, struct error *error);
void redis_uri_fini(struct redis_uri *uri);
