/* SPDX-License-Identifier: MIT */
/* refreshes: reads of the cache's own.
 *
 * A reader that allows old answers gets one at once, and the first such reader lets the cache read the store
 * anew, so that those behind it need not wait for it either. The read goes the way of that reader's job, with a
 * job of the cache, which it takes back in place of sending it home. One thread's own. */
#pragma once

#include <stdbool.h>

#include <telemetry/status.h>

struct job;
struct job_pool;

/* At once; who comes when all are under way makes none. Readers of the store take few at a time: more would only stand
 * in front of reads that somebody waits for, most of all when the store stalls. */
enum { REFRESHES_MAX = 4 };

struct refreshes {
    struct job_pool *pool;
};

/* -1 without memory. */
MUST_CHECK int refreshes_init(struct refreshes *refreshes);
/* All refreshes are back. */
void refreshes_fini(struct refreshes *refreshes);

/* Gives a job that stands at the same hop as the reader's and asks the same: of a list or of one metric, as all
 * else is too much to copy. NULL for others, without memory, or when all are under way. */
struct job *refreshes_take(struct refreshes *refreshes, const struct job *reader);
/* Whether the job is one of them. */
bool refreshes_own(const struct job *job);
/* Takes *job back. */
void refreshes_put(struct refreshes *refreshes, struct job **job);

/* How many are under way. */
unsigned refreshes_out(const struct refreshes *refreshes);
