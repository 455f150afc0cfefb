/* SPDX-License-Identifier: MIT */
/* writer: a session that changes the store, and what it does for a batch of jobs.
 *
 * Inserts are gathered (inserts.h) as long as they do not depend on each other, and go out together;
 * an update or a delete waits for the inserts before it. Without transactions nothing can be taken
 * back, so ids are the whole of it: each metric has its own before the first attempt, an attempt
 * without an answer is repeated with the same, and a duplicate says that it had come in.
 *
 * All of it is the writer thread's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <telemetry/job.h>

#include "inserts.h"
#include "minter.h"
#include "store.h"

enum { SEND_MAX = 1024 }; /* documents in one call */

struct writer {
    struct session session;
    struct minter minter;
    struct inserts inserts;
    struct insert *picked[SEND_MAX]; /* of the call under way */
    bson_t *documents[SEND_MAX];     /* their documents; memory that is used again */
    bson_t send_options, read_options;
};

/* insert.c: stores what inserts holds, sets the jobs' status and forgets them. */
void insert_all(struct writer *writer);

/* send.c: one call with writer->picked[0..n), which sets their states. A failure is of the whole call, or
 * of its confirmation: what is PENDING then was not answered for. */
enum failure send_picked(struct writer *writer, uint32_t n);
/* Reads what stands under the ids of picked[0..n), which clients gave, and compares: FOUND, CONFLICT, or
 * unchanged where nothing does. */
enum failure send_compare(struct writer *writer, uint32_t n);
/* Waits until picked[0..n), which are FOUND, are confirmed: STORED if this job sent them, else EXISTED. */
enum failure send_confirm(struct writer *writer, uint32_t n);

/* change.c: OP_UPDATE and OP_DELETE. */
void change_job(struct writer *writer, struct job *job);

/* Waits before another attempt, longer each time. */
void writer_pause(unsigned attempt);
/* Takes back what a job that failed was told: ids, existed, previous. */
void writer_forget(struct job *job);
