/* SPDX-License-Identifier: MIT */
/* bumps: the scopes that the writes of a batch made old, gathered to be told to Redis at once. One thread's
 * own. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cache/redis/keys.h"

struct job;
struct job_cache;

enum { BUMPS_MAX = 2048 }; /* scopes of a batch; when there are more, all scopes are made old */

struct bumps {
    struct job *first, *last; /* the writes, by cache.waiting_next */
    unsigned n;               /* of slots[] */
    uint32_t slots[BUMPS_MAX];
    bool all;                /* all scopes in place of slots[] */
    uint64_t round;          /* counts the batches */
    uint64_t noted[N_SLOTS]; /* the round in which each slot was gathered last */
};

/* The slot of what a job reads. */
unsigned bumps_slot(const struct job_cache *scope);

/* Adds a write and its scopes. Takes *job. */
void bumps_add(struct bumps *bumps, struct job **job);
/* Gives the chain of writes, or NULL; the scopes are as they were until bumps_empty(). */
struct job *bumps_take(struct bumps *bumps);
void bumps_empty(struct bumps *bumps);
