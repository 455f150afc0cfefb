/* SPDX-License-Identifier: MIT */
/* stage: the two stages in front of the store, one for writes and one for reads, so that a slow query
 * never delays ingestion. Each worker has a session of its own. */
#pragma once

#include <telemetry/storage.h>
#include <telemetry/worker.h>

struct storage_worker {
    struct worker worker; /* first: stages are found from their worker */
    const struct storage_ops *ops;
    struct storage *storage;
    unsigned index; /* among the workers of its stage */
    struct storage_session *session;
};

/* A batch of writes is one call of the store. The tick is the store's. */
extern const struct stage storage_writer_stage;
/* Reads are handed on one by one: none waits for the one behind it. */
extern const struct stage storage_reader_stage;

/* Prepares a worker to be started by worker_start(). Keeps storage, until the worker has stopped. */
void storage_worker_init(struct storage_worker *worker, const struct stage *stage, const struct storage_ops *ops,
                         struct storage *storage, unsigned index);
