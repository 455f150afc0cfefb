/* SPDX-License-Identifier: MIT */
/* generations: counters that tell whether a scope was written since.
 *
 * A scope's counter is found by the seeded hash of its text in a table of fixed size. Two scopes that
 * share a counter cost each other a miss, never an old answer. One thread's own. */
#pragma once

#include <stdint.h>

#include <telemetry/slice.h>

struct job;
struct job_cache;

enum { GENERATION_SLOTS = 8192, MOVES_KEPT = 4 };

struct generation {
    uint64_t number;
    uint64_t round;                /* of the newest write that moved it: each moves it once */
    uint64_t moved_ns[MOVES_KEPT]; /* clock_ns() of the newest writes: at n % MOVES_KEPT of the one that made it n */
};

/* When the counter left a number that it had before; 0: that is forgotten. */
static inline uint64_t generation_left_ns(const struct generation *generation, uint64_t number)
{
    return generation->number - number - 1 < MOVES_KEPT ? generation->moved_ns[(number + 1) % MOVES_KEPT] : 0;
}

struct generations {
    uint64_t round;        /* counts the writes */
    struct generation all; /* of SCOPE_ALL */
    struct generation slots[GENERATION_SLOTS];
};

/* All counters start at one number that is random for each process, so that the numbers of an
 * earlier run mean nothing. */
void generations_init(struct generations *generations);

/* Lends the counter of what the job reads; its number is never 0 and moves upwards only. */
const struct generation *generations_of(const struct generations *generations, const struct job_cache *scope);

/* Moves the counters of what the job wrote: SCOPE_ALL, the names of metrics[] and previous, the ids
 * that a client gave, and the id of an update or delete; all of them when previous is not known. It is now_ns. */
void generations_bump(struct generations *generations, const struct job *job, uint64_t now_ns);
