/* SPDX-License-Identifier: MIT */
/* link: the connection to Redis, made anew whenever it is lost.
 *
 *   WAITING -> RESOLVING -> CONNECTING (-> SECURING) -> GREETING (-> RENEWING) -> READY
 *
 * Every failure leads back to WAITING. Only a link that is READY takes calls, so while Redis is away nobody
 * waits for it. Attempts follow each other at 100 ms, doubling to 2 s, each a little early at random; an
 * attempt is limited in time. The greeting is AUTH, SELECT and what the owner adds: when Redis has answered
 * all of it, within the limit that holds for every call, the owner may have more to say (RENEWING), and
 * then the link is READY. One thread's own. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cache/redis/pipeline.h"
#include "cache/redis/resolver.h"
#include "cache/redis/uri.h"

struct stats;

enum link_state {
    LINK_WAITING,
    LINK_RESOLVING,
    LINK_CONNECTING,
    LINK_SECURING,
    LINK_GREETING,
    LINK_RENEWING,
    LINK_READY
};

struct link_settings {
    const struct redis_uri *uri; /* lent */
    SSL_CTX *tls;                /* lent; NULL: in the clear */
    struct stats *stats;
    uint64_t timeout_ns;
    void (*watch)(void *context, int fd, short events); /* of cache.h */
    /* Adds the owner's one call to the greeting, whose reply the owner checks. */
    void (*greet)(void *context);
    /* Behind the greeting: makes one call more, or returns false when there is no need. */
    bool (*renew)(void *context);
    void *context;
};

struct link {
    struct link_settings settings;
    enum link_state state;
    struct resolver *resolver;
    struct addresses addresses;
    unsigned next_address; /* addresses.n: all were tried */
    uint64_t due_ns;       /* of the state: when to try again, or until when */
    uint64_t delay_ns;     /* before the next attempt */
    uint64_t ready_ns;     /* clock_ns() when it became READY */
    uint64_t logged_ns;    /* 0: the last line said that all is well, or there was none */
    char logged[PIPELINE_REASON_BYTES];
    struct pipeline pipeline;
};

/* Begins at once, at the next pump. */
void link_init(struct link *link, const struct link_settings *settings);
/* Ends all calls. */
void link_fini(struct link *link);

static inline bool link_is_ready(const struct link *link)
{
    return link->state == LINK_READY && link->pipeline.broken[0] == '\0';
}

/* Soon it is ready or lost. */
static inline bool link_is_renewing(const struct link *link)
{
    return link->state == LINK_RENEWING && link->pipeline.broken[0] == '\0';
}

/* Reads, writes, keeps time and reconnects. Returns the clock_ns() at which it wants to be called again;
 * before that, when what it watches has an event. */
uint64_t link_pump(struct link *link);
