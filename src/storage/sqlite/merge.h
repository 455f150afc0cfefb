/* SPDX-License-Identifier: MIT */
/* merge: from the tail into by_series, in sorted order, a bit with each transaction.
 *
 * Sorted, the entries of a run fall on few pages of the index; one by one they would each dirty a
 * page of their own. Each transaction merges in proportion to what it appends, so a run is merged
 * before the next one is full, and no transaction is much longer than another. Writer thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include <telemetry/status.h>

#include "rows.h"
#include "tail.h"

/* What the transaction under way has merged. */
struct merge {
    struct tail_run *run; /* NULL: nothing */
    uint32_t n_merged;    /* what run->n_merged is to be after the commit */
};

/* Merges up to n entries of the oldest run, if that is sorted. */
MUST_CHECK int merge_step(struct rows *rows, struct tail *tail, uint32_t n, struct merge *ret_merge);
/* The transaction is committed: the merged entries need not be in the tail. */
void merge_committed(struct tail *tail, const struct merge *merge);

/* Merges the oldest sealed run to its end in transactions of its own; sorts it if need be. */
MUST_CHECK int merge_oldest(struct rows *rows, struct tail *tail, sqlite3 *handle);
/* Merges all that is in the tail. */
MUST_CHECK int merge_all(struct rows *rows, struct tail *tail, sqlite3 *handle);
