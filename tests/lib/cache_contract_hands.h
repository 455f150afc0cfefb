/* SPDX-License-Identifier: MIT */
/* What the tests of the cache contract share: one open backend, and calls from start to done. */
#pragma once

#include <telemetry/cache.h>
#include <telemetry/clock.h>
#include <telemetry/job.h>

#define CONTRACT_TTL_NS (60 * NS_PER_S)

struct contract {
    const struct cache_ops *ops;
    struct cache *cache;
    struct stats *stats;
    struct job *reader, *writer, *other;
    struct job *ended; /* by the call under way */
};

/* The call of the backend for the job, ended. */
enum cache_result contract_get(struct contract *contract, struct job *job, uint64_t stale_ns);
void contract_put(struct contract *contract, struct job *job, const char *body, uint64_t stale_ns);

/* An insert of one metric of this name was committed. */
void contract_bump_name(struct contract *contract, const char *name);

/* Random reads and writes in all orders, against a model. */
void get_never_misses_an_answered_write(void **state);
