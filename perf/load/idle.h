/* SPDX-License-Identifier: MIT */
/* idle: the connections that can send, in the order in which they became idle. */
#pragma once

#include "connection.h"

struct idle {
    struct connection **ring; /* a place for each connection there is */
    unsigned size, first, n;
};

void idle_init(struct idle *idle, unsigned n_connections);
void idle_free(struct idle *idle);

/* Adds one at the end, unless it stands in the queue. Keeps it. */
void idle_push(struct idle *idle, struct connection *connection);

/* The one that is idle longest, or NULL. Those that were closed meanwhile are dropped. */
struct connection *idle_peek(struct idle *idle);

/* The same, taken out. */
struct connection *idle_pop(struct idle *idle);
