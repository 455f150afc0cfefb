/* SPDX-License-Identifier: MIT */
/* limiter: how often somebody may call, by the generic cell rate algorithm (ITU-T I.371), which is a token bucket
 * with one number for each.
 *
 * The table has a fixed size and takes no lock. Who has not called for as long as the bucket takes to fill is
 * forgotten; where a row of the table is full of callers, newcomers share one place of it, and thereby its limit. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <telemetry/status.h>

struct limiter;

/* Gives a table, freed by limiter_free(); NULL without memory. */
MUST_CHECK struct limiter *limiter_new(void);
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

/* Any thread. Counts a call of `who` (a hash) at now_ns; false when it is one too many, which does not count. */
bool limiter_take(struct limiter *limiter, uint64_t who, const struct limit *limit, uint64_t now_ns,
                  struct limit_left *ret_left);
