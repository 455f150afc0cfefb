/* SPDX-License-Identifier: MIT */
/* storage: the contract of a store of metrics.
 *
 * A storage is opened once at boot. Each worker thread attaches a session of its own, as writer or
 * as reader; a session is used on the thread that attached it. The two calls take batches of jobs,
 * read what to do from each job's hop, and set each job's status: when write() returns, every job
 * whose status is STATUS_OK is durable (it survives power loss), and no other left a trace, except
 * that STATUS_OUTCOME_UNKNOWN makes no promise. The jobs stay the caller's. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <telemetry/status.h>

struct job;
struct stats;
struct storage;         /* a backend's own; begins with struct storage_head */
struct storage_session; /* a backend's own; begins with struct storage_session_head */

#define CATALOGUE_AGE_NS UINT64_C(2000000000)

enum storage_role { STORAGE_WRITER, STORAGE_READER };

struct storage_settings {
    const char *data_dir;    /* embedded: where the files are; made when missing */
    unsigned retention_days; /* 0: metrics are kept for ever */
    unsigned n_writers, n_readers;
    uint64_t query_limit_ns;     /* how long one read may take */
    size_t aggregate_max_bytes;  /* memory for the groups and buckets of one read */
    unsigned run_rows;           /* embedded: how many rows wait for their place in the index; 0: its own choice */
    const char *uri;             /* of a server: where it is, with its password */
    const char *database;        /* of a server: the name of the database */
    bool shard;                  /* of a server: spread the metrics over its shards, if it has any */
    uint64_t selection_limit_ns; /* of a server: how long one may be looked for */
    uint64_t socket_limit_ns;    /* and how long its answer may take */
};

/* Whether the store can serve, for /readyz: written by workers, read by any thread. */
struct storage_health {
    atomic_int status;            /* enum status: STATUS_OK or why writes are refused */
    _Atomic(const char *) reason; /* static text; NULL: the status says it all */
};

struct storage_ops {
    const char *name; /* "sqlite" */

    /* Boot thread. Gives *ret_storage, or -1 with error set. Borrows settings. */
    int (*open)(const struct storage_settings *settings, struct storage **ret_storage, struct error *error);
    /* Boot thread, when no session is left. Takes *storage; leaves the files clean. */
    void (*close)(struct storage **storage);
    /* Any thread. */
    const struct storage_health *(*health)(const struct storage *storage);

    /* Worker thread. Gives *ret_session, or -1 with error set. `index` counts sessions of a role. */
    int (*attach)(struct storage *storage, enum storage_role role, unsigned index, struct stats *stats,
                  struct storage_session **ret_session, struct error *error);
    void (*detach)(struct storage_session **session);

    /* OP_INSERT, OP_UPDATE, OP_DELETE in the order given, as one group commit.
     *  insert: mints ids for metrics without one (has_id becomes true). An id that exists:
     *    one that is the same sent again (metric_resent) sets job->existed (single) or counts as stored (batch);
     *    another one fails the
     *    whole job with STATUS_CONFLICT, and reply.errors[] names the items.
     *  update: STATUS_NOT_FOUND, or STATUS_PRECONDITION_FAILED when if_match does not hold against
     *    metric_etag() of what is stored; else previous is set (in the job's arena).
     *  delete: the same, without a new value.
     *  Of metrics that job_may_touch() denies, update, delete and OP_GET know nothing: STATUS_NOT_FOUND.
     *  Failures of the store: STORAGE_UNAVAILABLE, STORAGE_FULL, OUTCOME_UNKNOWN. */
    void (*write)(struct storage_session *session, struct job *jobs[], unsigned n);

    /* OP_GET: metrics[0] in the job's arena, or STATUS_NOT_FOUND.
     * OP_FIND: metrics[0..n_metrics) in order; has_next and next when more follow.
     * OP_AGGREGATE: result for plan, in the job's arena. STATUS_QUERY_TOO_LARGE when it has more groups or
     * buckets than there is memory for; the detail says what to narrow.
     * OP_CATALOGUE: catalogue, a reference for the job; not one that was made before catalogue_after_ns.
     * Every write answered before the call is seen; a catalogue may be up to CATALOGUE_AGE_NS old where
     * the store has no cheap way to tell that it changed. STATUS_QUERY_TOO_SLOW past query_limit_ns or the
     * job's deadline; STORAGE_UNAVAILABLE. */
    void (*read)(struct storage_session *session, struct job *jobs[], unsigned n);

    /* Any thread. A number that is another one when a name or tag has come since that an answered write
     * brought; a store that cannot tell moves it each CATALOGUE_AGE_NS. */
    uint64_t (*catalogue_version)(const struct storage *storage);

    /* Writer thread, between batches: upkeep in slices short beside a commit (merging, retention,
     * probing a store that failed). Returns the clock_ns() at which it wants to run again, if nothing
     * is written before; after a write it wants to run at once. */
    uint64_t (*tick)(struct storage_session *session, uint64_t now_ns);
};

struct storage_head {
    const struct storage_ops *ops;
};

struct storage_session_head {
    const struct storage_ops *ops;
};

extern const struct storage_ops storage_sqlite;
extern const struct storage_ops storage_mongodb;
