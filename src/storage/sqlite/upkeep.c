/* SPDX-License-Identifier: MIT */
/* upkeep: sleeps on a semaphore; each wake may mean several things to do. */
#include "upkeep.h"

#include <errno.h>
#include <string.h>

#include <telemetry/log.h>

#include "database.h"

enum { PASSES_MAX = 4, RESTART_WAIT_MS = 5 };

/* Copies until what the writer adds meanwhile is a small rest. */
static void copy_log(struct upkeep *upkeep)
{
    for (unsigned pass = 0; pass < PASSES_MAX; pass++) {
        int n_frames = 0, n_copied = 0;
        int code = sqlite3_wal_checkpoint_v2(upkeep->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, &n_frames, &n_copied);
        if (code != SQLITE_OK && code != SQLITE_BUSY)
            log_error("the log cannot be copied into the database", "reason", sqlite3_errmsg(upkeep->handle));
        if (code != SQLITE_OK || n_copied < 0)
            return;
        atomic_store_explicit(&upkeep->frames_copied, (uint64_t)n_copied, memory_order_relaxed);
        uint64_t frames = atomic_load_explicit(&upkeep->frames, memory_order_relaxed);
        if (n_copied < n_frames || frames <= (uint64_t)n_copied + LOG_FRAMES_REST / 4)
            return;
    }
}

static void *upkeep_main(void *context)
{
    struct upkeep *upkeep = context;
    pthread_setname_np(pthread_self(), "upkeep");
    for (;;) {
        while (sem_wait(&upkeep->wake) != 0)
            continue;
        if (atomic_load_explicit(&upkeep->stopping, memory_order_acquire))
            return NULL;
        tail_sort(upkeep->tail);
        if (!atomic_load_explicit(&upkeep->copying, memory_order_acquire))
            continue;
        copy_log(upkeep);
        atomic_store_explicit(&upkeep->copying, false, memory_order_release);
    }
}

int upkeep_start(struct upkeep *upkeep, const char *path, struct tail *tail, struct error *error)
{
    *upkeep = (struct upkeep){ .tail = tail };
    if (database_open(path, DATABASE_UPKEEP, &upkeep->handle, error) != 0)
        return -1;
    sem_init(&upkeep->wake, 0, 0);
    int failure = pthread_create(&upkeep->thread, NULL, upkeep_main, upkeep);
    if (failure == 0)
        return 0;
    sem_destroy(&upkeep->wake);
    database_close(&upkeep->handle);
    return error_set(error, 1, "cannot start the store's upkeep thread: %s", strerror(failure));
}

void upkeep_stop(struct upkeep *upkeep)
{
    atomic_store_explicit(&upkeep->stopping, true, memory_order_release);
    sem_post(&upkeep->wake);
    pthread_join(upkeep->thread, NULL);
    sem_destroy(&upkeep->wake);
    database_close(&upkeep->handle);
}

void upkeep_note(struct upkeep *upkeep, uint64_t frames)
{
    if (frames < atomic_load_explicit(&upkeep->frames, memory_order_relaxed)) /* the log started anew */
        atomic_store_explicit(&upkeep->frames_copied, 0, memory_order_relaxed);
    atomic_store_explicit(&upkeep->frames, frames, memory_order_relaxed);
    uint64_t copied = atomic_load_explicit(&upkeep->frames_copied, memory_order_relaxed);
    bool copy = frames > copied + LOG_FRAMES_COPY && !atomic_load_explicit(&upkeep->copying, memory_order_acquire);
    if (copy) {
        atomic_store_explicit(&upkeep->copying, true, memory_order_release);
        upkeep->rest_is_due = true;
    }
    if (copy || tail_unsorted(upkeep->tail))
        sem_post(&upkeep->wake);
}

/* From twice the wanted size on, readers of the old log are waited for a moment: those who begin
 * after the copy no longer need the log. */
void upkeep_finish_log(struct upkeep *upkeep, sqlite3 *writer_handle)
{
    if (!upkeep->rest_is_due || atomic_load_explicit(&upkeep->copying, memory_order_acquire))
        return;
    upkeep->rest_is_due = false;
    uint64_t frames = atomic_load_explicit(&upkeep->frames, memory_order_relaxed);
    uint64_t copied = atomic_load_explicit(&upkeep->frames_copied, memory_order_relaxed);
    if (frames < LOG_FRAMES_RESTART || frames > copied + LOG_FRAMES_REST)
        return;
    int mode = frames < 2 * LOG_FRAMES_RESTART ? SQLITE_CHECKPOINT_PASSIVE : SQLITE_CHECKPOINT_RESTART;
    int n_frames = 0, n_copied = 0;
    sqlite3_busy_timeout(writer_handle, RESTART_WAIT_MS);
    sqlite3_wal_checkpoint_v2(writer_handle, NULL, mode, &n_frames, &n_copied);
    sqlite3_busy_timeout(writer_handle, DATABASE_BUSY_MS);
    if (n_copied > 0)
        atomic_store_explicit(&upkeep->frames_copied, (uint64_t)n_copied, memory_order_relaxed);
}
