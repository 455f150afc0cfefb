/* SPDX-License-Identifier: MIT */
/* reader: a session that reads the store, and what its reads share. All of it is the reader thread's.
 *
 * Reads go to the primary with read concern "local": whatever was answered was confirmed by a majority,
 * and a new primary has all of that, while "majority" may lag behind there for a moment. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <telemetry/job.h>

#include "store.h"

struct reader {
    struct session session;
    uint64_t end_ns; /* of the read under way */
};

/* Notes a failed call and sets the job's status. Returns false. */
bool reader_fail(struct reader *reader, struct job *job, const bson_error_t *error);
/* Milliseconds that are left; false, with the job's status set, when none is. */
bool reader_time_left(const struct reader *reader, struct job *job, int64_t *ret_ms);

/* catalogue.c: OP_CATALOGUE. */
void reader_catalogue(struct reader *reader, struct job *job);
/* aggregate.c: OP_AGGREGATE. */
void reader_aggregate(struct reader *reader, struct job *job);
