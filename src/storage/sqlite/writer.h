/* SPDX-License-Identifier: MIT */
/* writer: the one session that changes the store, and what one group commit carries.
 *
 * All of it is the writer thread's. Functions with an `int` result give a code of SQLite: anything
 * but SQLITE_OK fails the whole group. What is one job's own fault goes to the job's status. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include <telemetry/job.h>

#include "dictionary.h"
#include "merge.h"
#include "retention.h"
#include "rows.h"
#include "store.h"

#define WRITER_PROBE_NS (250 * NS_PER_MS)
#define WRITER_REST_NS  NS_PER_S /* behind the last commit */

enum { WRITER_BEGIN, WRITER_COMMIT, WRITER_SAVE, WRITER_RELEASE, WRITER_UNDO, WRITER_STATEMENTS };

/* How far a transaction has come, in memory: what a rollback goes back to. */
struct mark {
    uint64_t next_row;
    uint64_t inserted, updated, deleted;
};

struct writer {
    struct session session;
    sqlite3 *handle; /* NULL: broken, opened again before the next group */
    sqlite3_stmt *statements[WRITER_STATEMENTS];
    struct rows rows;
    struct dictionary dictionary;
    struct sweeper sweeper;
    struct mark now;       /* of the transaction under way */
    struct mark committed; /* what `now` was at the last commit; with its counts 0 */
    uint32_t seconds;      /* since 1970, when the group began: goes into minted ids */
    uint64_t log_frames;   /* in the log, as of the newest commit */
    uint64_t busy_ns;      /* clock_ns() of the last group's end */
    uint64_t probe_ns;     /* when a store that refuses writes is tried again */
    uint64_t rest_ns;      /* when memory is given back, if nothing is committed before */
};

/* insert.c, change.c: what one job asks for, inside a transaction. */
MUST_CHECK int insert_job(struct writer *writer, struct job *job);
MUST_CHECK int update_job(struct writer *writer, struct job *job);
MUST_CHECK int delete_job(struct writer *writer, struct job *job);
/* Takes back what a job was told of a change that did not happen: ids, existed, previous. */
void job_forget(struct job *job);

/* transaction.c: what surrounds a change of the store. */

/* Steps one of the writer's own statements. */
MUST_CHECK int transaction_do(struct writer *writer, unsigned statement);
/* Begins a transaction that appends up to n_rows rows. */
MUST_CHECK int transaction_begin(struct writer *writer, uint32_t n_rows);
/* Ends it by its code so far: commits with up to n_merge entries merged and shows the changes to
 * readers, or rolls all back, in memory too. The status is what those who asked are to be told. */
enum status transaction_end(struct writer *writer, int code, uint32_t n_merge);
/* Takes back the state in memory to a mark of this transaction. */
void transaction_rewind(struct writer *writer, const struct mark *mark);
/* Removes a row, and sees to it that its number is not given out again. */
MUST_CHECK int transaction_remove(struct writer *writer, const struct record *record);
/* Opens and closes the writer's connection. connect: 0, or -1 with error set. */
MUST_CHECK int transaction_connect(struct writer *writer, struct error *error);
void transaction_disconnect(struct writer *writer);
