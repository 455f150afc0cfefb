/* SPDX-License-Identifier: MIT */
/* cache stage: answers reads from what was answered before, and tells it when that has become old.
 *
 * Happy path of a read: OP_CACHE_GET finds the answer and the job goes home. A miss notes the
 * generation, goes on to storage and leads a flight; identical reads of the same generation wait for
 * it. OP_CACHE_PUT, which must be marked HOP_ALWAYS, brings the leader back: those who wait get a copy
 * of its answer, the backend keeps one. Of a write: OP_CACHE_INVALIDATE moves the generations before
 * the answer goes out; marked HOP_ALWAYS, it does so for a write of unknown outcome as well.
 *
 * When a leader fails of its own account (its deadline, its memory), the first one that waits leads
 * on; other failures are everybody's. That there is no such metric is an answer too, but the insert
 * of a fresh id moves no generation of that id: it holds only for those who waited before the leader
 * left for storage; the others are led by one of them to a second read.
 *
 * An old answer that the reader allows is renewed behind its back: a job of the cache's own (refreshes.h)
 * leads a flight for it, and is taken back when its answer was put.
 *
 * A server has one worker of this stage: reads and bumps meet in its inbox. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <telemetry/cache.h>
#include <telemetry/worker.h>

#include "cache/flights.h"
#include "cache/refreshes.h"

struct cache_stage_settings {
    const struct cache_ops *ops; /* kept; static */
    size_t max_bytes;            /* 0: no caching at all, every read is CACHE_BYPASS */
    uint64_t ttl_ns;
    uint64_t stale_ns;          /* how old an answer may be for any reader; a reader may allow more */
    uint64_t renew_ns;          /* an old answer that is given is read anew when it has been old for so long */
    struct cache_remote remote; /* lent until close */
};

struct cache_worker {
    struct worker worker; /* first: stages are found from their worker */
    struct cache_stage_settings settings;
    struct cache *cache;
    struct flights flights;
    struct refreshes refreshes;
    uint64_t followers_due_ns; /* no follower's deadline is earlier */
    uint64_t backend_due_ns;   /* when the backend wants to be pumped */
};

extern const struct stage cache_stage;

/* Prepares a worker to be started by worker_start(). Borrows settings. */
void cache_worker_init(struct cache_worker *worker, const struct cache_stage_settings *settings);
