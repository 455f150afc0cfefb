/* SPDX-License-Identifier: MIT */
/* store: what the sessions of one MongoDB database share, and what each of them has. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <mongoc/mongoc.h>

#include <telemetry/clock.h>
#include <telemetry/storage.h>

#include "failure.h"
#include "shelf.h"

struct job;
struct stats;
struct watch;

struct store {
    struct storage_head head; /* first: struct storage is found from it */
    struct storage_health health;
    atomic_int failure; /* enum failure: why the store cannot be used; FAILURE_NONE when it can */
    mongoc_client_pool_t *pool;
    mongoc_uri_t *uri;
    char *servers; /* for the log */
    char *database;
    bool shard;
    atomic_bool is_router; /* what answers is a router, which tells of a document what befell its shard's call */
    int64_t retention_ms;  /* 0: metrics are kept for ever */
    uint64_t read_limit_ns;
    size_t aggregate_max_bytes;
    struct shelf shelf;
    struct watch *watch;
};

/* A connection of one thread: a client of the pool, and the collection. */
struct link {
    mongoc_client_t *client;
    mongoc_collection_t *collection;
};

/* What the sessions of both roles begin with. */
struct session {
    struct storage_session_head head;
    enum storage_role role;
    struct store *store;
    struct stats *stats;
    struct link link;
};

/* Metrics with an older timestamp are as good as deleted; INT64_MIN when all are kept. */
static inline int64_t mongo_oldest_ms(const struct store *store)
{
    return store->retention_ms == 0 ? INT64_MIN : clock_wall_ms() - store->retention_ms;
}

static inline enum failure mongo_failure(const struct store *store)
{
    return (enum failure)atomic_load_explicit(&store->failure, memory_order_relaxed);
}

/* Any thread. Takes a client from the pool, which has one for each session; -1 with error set. */
MUST_CHECK int mongo_link(struct store *store, struct link *ret_link, struct error *error);
void mongo_unlink(struct store *store, struct link *link);

/* Any thread. Notes whether the store can be used; a change of reason is logged once, with `detail`
 * (NULL: none) of the driver, its password masked. */
void mongo_note(struct store *store, enum failure failure, const char *detail);

/* Any thread. What a failed call says of the store: the class of the failure is returned; it is noted
 * unless it may concern one call or one connection only, and then the watch looks at once. */
enum failure mongo_fail(struct store *store, const struct link *link, const bson_error_t *error);

/* writer.c and reader.c */
MUST_CHECK int mongo_writer_attach(struct store *store, struct stats *stats, struct storage_session **ret_session,
                                   struct error *error);
void mongo_writer_detach(struct storage_session **session);
void mongo_writer_write(struct storage_session *session, struct job *jobs[], unsigned n);

MUST_CHECK int mongo_reader_attach(struct store *store, struct stats *stats, struct storage_session **ret_session,
                                   struct error *error);
void mongo_reader_detach(struct storage_session **session);
void mongo_reader_read(struct storage_session *session, struct job *jobs[], unsigned n);
