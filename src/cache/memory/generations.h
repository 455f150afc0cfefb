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

enum { GENERATION_SLOTS = 8192 };

struct generations {
    uint64_t all; /* of SCOPE_ALL */
    uint64_t slots[GENERATION_SLOTS];
};

/* All counters start at one number that is random for each process, so that the numbers of an
 * earlier run mean nothing. */
void generations_init(struct generations *generations);

/* The counter of what the job reads; never 0, moves upwards only. */
uint64_t generations_of(const struct generations *generations, const struct job_cache *scope);

/* Moves the counters of what the job wrote: SCOPE_ALL, the names of metrics[] and previous, the ids
 * that a client gave, and the id of an update or delete; all of them when previous is not known. */
void generations_bump(struct generations *generations, const struct job *job);
