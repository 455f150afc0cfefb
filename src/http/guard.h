/* SPDX-License-Identifier: MIT */
/* guard: at the door, before a body is read: whose key a request shows, and whether its sender calls too often.
 *
 * Keys come as `Authorization: Bearer KEY` (RFC 6750) or `X-API-Key: KEY`. A key that nobody has is refused; a request
 * without one may go on only when it has no body, and the parser lets it pass where a route needs no key.
 *
 * Calls are counted for each key, else for each client. Requests that are refused for their key are counted for each
 * client too, at the same limit and apart from its calls: past it a wrong key costs its sender the connection, while
 * good keys of that client, and its calls that need none, are not touched by it. Loop thread. */
#pragma once

#include <stdbool.h>

#include <telemetry/access.h>
#include <telemetry/address.h>
#include <telemetry/limiter.h>
#include <telemetry/status.h>

struct head;
struct loop;

/* Const after boot, shared by all loops. */
struct guard_settings {
    struct limiter *limiter; /* NULL: nobody is counted */
    struct limit limit;      /* of everybody whose key has no rate of its own; rate 0: none */
    struct networks trusted; /* proxies whose X-Forwarded-For counts */
};

/* How a request may come in. */
struct pass {
    const struct access_key *key; /* NULL: none; lent until the loop's turn ends */
    uint8_t role;                 /* enum role; ROLE_ADMIN where no keys are asked for */
    bool is_stranger;             /* it may not: the key is none, or one is missing */
    struct limit_note note;
};

/* STATUS_OK with the key and role of *ret_pass set, or STATUS_UNAUTHORIZED. */
MUST_CHECK enum status guard_identify(const struct loop *loop, const struct head *head, struct pass *ret_pass);

/* Counts the call of one who was identified and sets the note of *pass. False when it is one too many. */
MUST_CHECK bool guard_count(const struct loop *loop, const struct head *head, struct address peer, struct pass *pass);
/* The same for one who was not. */
MUST_CHECK bool guard_count_stranger(const struct loop *loop, const struct head *head, struct address peer,
                                     struct pass *pass);
