/* SPDX-License-Identifier: MIT */
/* job_pool: the jobs of one loop, and the only place where a request is refused for want of room.
 *
 * All functions run on the loop's thread, but for new and free, which run at boot and behind the
 * last stage. Jobs are taken newest-first, so a quiet server touches little memory. */
#pragma once

#include <stdbool.h>

#include <telemetry/status.h>

struct job;
struct job_pool;

/* The arena of each job starts with a block of this size; most requests need no more. */
enum { JOB_BLOCK_BYTES = 32 * 1024 };

/* Gives a pool of n_jobs jobs, freed by job_pool_free(); NULL without memory. */
MUST_CHECK struct job_pool *job_pool_new(unsigned n_jobs, unsigned loop);
/* Takes *pool, which must be whole (asserted: a job that is not home by then is a bug). */
void job_pool_free(struct job_pool **pool);

/* Gives a job with empty cargo, or NULL when all are under way. */
struct job *job_pool_take(struct job_pool *pool);
/* Takes *job back home: its arena is reset, its body block freed, its catalogue let go. */
void job_pool_put(struct job_pool *pool, struct job **job);

unsigned job_pool_in_use(const struct job_pool *pool);
