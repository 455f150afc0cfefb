/* SPDX-License-Identifier: MIT */
/* What the tests of the cache contract share: one open backend, and calls from start to done. */
#pragma once

#include <telemetry/cache.h>
#include <telemetry/clock.h>
#include <telemetry/job.h>

#include "cache_contract.h"

#define CONTRACT_TTL_NS (60 * NS_PER_S)

struct contract {
    const struct contract_backend *backend;
    const struct cache_ops *ops; /* the backend's */
    struct inbox *inbox;
    uint64_t timeout_ns;
    char prefix[64]; /* of keys that nobody else has */
    struct cache *cache;
    struct stats *stats;
    struct job *reader, *writer, *other;
    struct job *ended; /* by the call under way */
};

/* cmocka setup and teardown: *state is the backend before, and the open contract behind it. */
int contract_setup(void **state);
int contract_teardown(void **state);
/* The same by hand; without waiting for the backend to be there. */
struct contract *contract_new(const struct contract_backend *backend);
void contract_free(struct contract **contract);
/* Closes the backend before that. */
void contract_close(struct contract *contract);
/* Waits until the backend can be used. */
void contract_await(struct contract *contract);
/* Opens the backend anew, with another TTL. */
void contract_reopen(struct contract *contract, uint64_t ttl_ns);

/* Lets the backend work, for 5 ms at most. */
void contract_pump(struct contract *contract);
/* Behind a call of the backend for the job: it is done. */
void contract_finish(struct contract *contract, struct job *job);
/* The calls, from start to done. */
enum cache_result contract_get(struct contract *contract, struct job *job, uint64_t stale_ns);
void contract_put(struct contract *contract, struct job *job, const char *body, uint64_t stale_ns);
void contract_bump(struct contract *contract, struct job *job);

/* An insert of one metric of this name was committed. */
void contract_bump_name(struct contract *contract, const char *name);
/* The reader looks for the answer of a key in a scope, without leave to see an old one. */
enum cache_result contract_look(struct contract *contract, enum cache_scope scope, const char *text, const char *key);
/* The reader misses and fills, as one that went to storage: with the key as body. */
void contract_fill(struct contract *contract, enum cache_scope scope, const char *text, const char *key);

void assert_slice(struct slice slice, const char *expected);

/* Random reads and writes in all orders, against a model. */
void get_never_misses_an_answered_write(void **state);
