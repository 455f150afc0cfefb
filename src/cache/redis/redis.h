/* SPDX-License-Identifier: MIT */
/* redis: what the files of this folder share: one open backend.
 *
 * A generation is the epoch XOR the number of the scope, both random numbers of 64 bits that Redis keeps.
 * A bump writes a new random number: numbers are never counted, so they never come again, whatever Redis
 * loses (a restart, FLUSHALL, eviction, an expiry). A number that is not there is made by the reader that
 * misses it, before its storage query; what was kept under the number before is a miss from then on.
 *
 * Each connection begins with a new epoch: what happened while there was none (a bump that was not
 * acknowledged, a Redis that came back with numbers of before, a fail-over) makes all answers old. A write
 * that was answered meanwhile, unannounced, calls for one more epoch. So a link that is ready has announced
 * every write that this server answered. */
#pragma once

#include <telemetry/cache.h>

#include "cache/redis/bumps.h"
#include "cache/redis/link.h"
#include "cache/redis/rates.h"

enum { RANDOMS = 32, PUTS = 4096, NUMBER_BYTES = 8, SIGHTINGS = 5 };

/* The last put of a key by this server: an older answer does not replace a newer one. */
struct last_put {
    uint64_t key_hash, read_ns;
};

/* The newest generations of a scope that this server saw, in a ring, and the clock_ns() at which a call began that saw
 * each last. */
struct seen {
    uint32_t newest; /* number in sightings[] */
    bool in_passing; /* the newest was met by glances alone: the next takes its place, so that writes without readers
                      * between them do not push out what readers saw */
    struct sighting {
        uint64_t generation, seen_ns; /* 0: none */
    } sightings[SIGHTINGS];
};

/* The numbers that this server saw or wrote last: what it can tell of a generation without asking. */
struct known {
    uint64_t epoch;
    uint64_t slots[N_SLOTS];
    struct seen seen[N_SLOTS];
};

struct redis_cache {
    struct cache_head head;
    struct cache_settings settings;
    cache_done_fn *done;
    void *context;
    struct redis_uri uri;
    SSL_CTX *tls; /* NULL: in the clear */
    struct slice prefix;
    uint64_t randoms[RANDOMS]; /* from the system, in stock */
    unsigned n_randoms;
    char *scratch; /* a value on its way */
    size_t scratch_bytes;
    struct last_put puts[PUTS];
    struct bumps bumps;
    struct known known;
    bool is_behind;       /* a write went on unannounced since the last epoch was sent */
    uint64_t gave_old_ns; /* when a reader last allowed old answers; 0: never */
    struct rates rates;
    struct link link;
};

static inline bool redis_is_array_of(const redisReply *reply, size_t n)
{
    return reply->type == REDIS_REPLY_ARRAY && reply->elements == n;
}

/* redis.c ---------------------------------------------------------------------- */
/* The job's call has ended. */
void redis_done(struct redis_cache *redis, struct job *job);
/* A number that nobody had. */
uint64_t redis_random(struct redis_cache *redis);
/* An empty call of n commands that ends in time. */
struct call redis_call(struct redis_cache *redis, call_fn *answered, unsigned n);
/* The generation that an epoch and a scope's number make; never 0. */
static inline uint64_t redis_generation(uint64_t epoch, uint64_t number)
{
    return epoch == number ? 1 : epoch ^ number;
}
/* SET key number, with a life far longer than any answer's; with NX where it must not be there yet. */
void redis_set_number(struct redis_cache *redis, struct slice key, uint64_t number, bool if_missing);

/* look_up.c: get and peek ------------------------------------------------------- */
void redis_get(struct cache *cache, struct job *job, uint64_t stale_ns);
void redis_peek(struct cache *cache, struct job *job);
/* Notes the generation that a slot has, before this server moves it: so long were its answers the newest. */
void redis_glance(struct redis_cache *redis, unsigned slot);

/* keep.c: put ------------------------------------------------------------------- */
void redis_put(struct cache *cache, struct job *job, uint64_t stale_ns);

/* announce.c: bump ---------------------------------------------------------------- */
void redis_bump(struct cache *cache, struct job *job);
/* Sends what was gathered, or ends it when the link is not ready, and will not be soon. */
void redis_announce(struct redis_cache *redis);
/* The owner's part of the greeting: a new epoch. */
void redis_greet(void *context);
/* Another, where a write may have come behind that. */
bool redis_renew(void *context);
