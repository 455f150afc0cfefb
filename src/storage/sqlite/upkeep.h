/* SPDX-License-Identifier: MIT */
/* upkeep: the thread that does what would hold up the writer: it sorts full runs of the tail, and
 * copies the write-ahead log into the database file.
 *
 * The log starts anew only when all of it is copied, and under constant writing this thread is never
 * quite there; so when it has caught up to a small rest, the writer copies that rest between two
 * commits. Nothing is waited for: a pass that a reader's snapshot holds back is tried again later. */
#pragma once

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include <telemetry/status.h>

#include "tail.h"

enum {
    LOG_FRAME_BYTES = 4096 + 24,
    LOG_FRAMES_COPY = 4096,     /* 16 MiB: so much not yet copied wakes the thread */
    LOG_FRAMES_RESTART = 8192,  /* 32 MiB: from here on the log is to start anew */
    LOG_FRAMES_REST = 1024,     /* so much the writer copies itself */
    LOG_FRAMES_MAX = 40 * 1024, /* 160 MiB: reads that hold it back and have run a while are ended */
};

struct upkeep {
    struct tail *tail;
    sqlite3 *handle; /* the thread's */
    pthread_t thread;
    sem_t wake;
    atomic_bool stopping;
    atomic_bool copying;                /* the thread was asked to copy and has not finished */
    atomic_uint_fast64_t frames;        /* in the log, as of the newest commit */
    atomic_uint_fast64_t frames_copied; /* of them in the database file */
    bool rest_is_due;                   /* writer's: a pass has ended whose rest nobody has looked at */
};

/* Boot thread. Keeps tail. 0, or -1 with error set. */
MUST_CHECK int upkeep_start(struct upkeep *upkeep, const char *path, struct tail *tail, struct error *error);
void upkeep_stop(struct upkeep *upkeep);

/* Writer thread. After a commit that left the log with so many frames: wakes the thread if there is
 * work, here or in the tail. */
void upkeep_note(struct upkeep *upkeep, uint64_t frames);
/* Writer thread, between transactions: copies the rest of the log if it is small and due. */
void upkeep_finish_log(struct upkeep *upkeep, sqlite3 *writer_handle);

/* Any thread. Whether reads that have run for a while hold back too much log. */
static inline bool upkeep_log_is_long(const struct upkeep *upkeep)
{
    return atomic_load_explicit(&upkeep->frames, memory_order_relaxed) > LOG_FRAMES_MAX;
}
