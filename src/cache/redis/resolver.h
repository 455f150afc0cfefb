/* SPDX-License-Identifier: MIT */
/* resolver: the addresses of a host, without waiting for them.
 *
 * getaddrinfo() may take seconds when a name server is away, and cannot be interrupted: it runs on a
 * thread of its own, which a caller who has lost interest leaves behind. */
#pragma once

#include <sys/socket.h>

#include <telemetry/status.h>

enum { ADDRESSES_MAX = 8 };

struct address {
    struct sockaddr_storage socket;
    socklen_t len;
};

struct addresses {
    struct address list[ADDRESSES_MAX];
    unsigned n;
};

struct resolver; /* one question */

/* Asks for TCP addresses. Gives a resolver, freed by resolver_drop(); NULL without memory or threads. */
MUST_CHECK struct resolver *resolver_start(const char *host, unsigned port);

/* 0: the answer is in *ret_addresses (n may be 0). Above 0: not yet. Below 0: *ret_reason (static) says why not. */
MUST_CHECK int resolver_poll(struct resolver *resolver, struct addresses *ret_addresses, const char **ret_reason);

/* Takes *resolver (NULL is allowed), answered or not. */
void resolver_drop(struct resolver **resolver);
