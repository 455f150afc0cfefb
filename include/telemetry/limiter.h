/* SPDX-License-Identifier: MIT */
/* limiter: how often somebody may call, by the generic cell rate algorithm (ITU-T I.371), which is a token bucket
 * with one number for each.
 *
 * The table has a fixed size and takes no lock. Who has not called for as long as the bucket takes to fill is
 * forgotten; where a row of the table is full of callers, newcomers share one place of it, and thereby its limit.
 *
 * Servers that tell each other what was taken count together: one thread collects what callers took here, for
 * others, and charges here what they took there. A charge is never refused: who has taken too much elsewhere waits
 * here until it is paid off. Calls that were refused are not told. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <telemetry/status.h>

struct limiter;

/* Gives a table, freed by limiter_free(); NULL without memory. `shared`: what is taken waits for limiter_collect(). */
MUST_CHECK struct limiter *limiter_new(bool shared);
void limiter_free(struct limiter **limiter);

struct limit {
    uint32_t rate;  /* calls a second, at least 1 */
    uint32_t burst; /* calls at once, at least 1 */
};

/* What is left, as the RateLimit field says it (draft-ietf-httpapi-ratelimit-headers). */
struct limit_left {
    uint32_t calls;
    uint32_t reset_s; /* until all of the burst is there again; of a refused caller: until the next call */
};

/* What an answer tells of it; a rate of 0: nothing. */
struct limit_note {
    struct limit limit;
    struct limit_left left;
};

/* Calls of one caller, by the time that its rate needs to pay for them: so whoever hears of them need not know it. */
struct limit_use {
    uint64_t who, ns;
};

/* Any thread. Counts a call of `who` (a hash, the same on all servers that share) at now_ns; false when it is one too
 * many, which does not count. */
bool limiter_take(struct limiter *limiter, uint64_t who, const struct limit *limit, uint64_t now_ns,
                  struct limit_left *ret_left);

/* One thread, of a shared table -------------------------------------------- */
/* Gives what callers took since they were collected last, of at most `max` of them, each row of the table in turn.
 * Returns how many; no more than half of `max`: that is all. `max` is 16 or more. */
unsigned limiter_collect(struct limiter *limiter, struct limit_use uses[], unsigned max);
/* Charges what a caller took elsewhere. No debt becomes longer than an hour by that, so no burst may be near that. */
void limiter_charge(struct limiter *limiter, const struct limit_use *use, uint64_t now_ns);
