/* SPDX-License-Identifier: MIT */
/* merge: the watermark moves in the transaction that merges the last entry of a run. After a crash
 * the rows behind it are loaded into the tail anew and merged again; entries that a half-merged run
 * left in the index are met and stay. */
#include "merge.h"

#include "database.h"

enum { ENTRIES_PER_COMMIT = 64 * 1024 };

/* A touched entry is replaced by what the row holds now: whoever changed the row has seen to the
 * index, but may have been rolled back. */
static int merge_entry(struct rows *rows, const struct tail_run *run, uint32_t i)
{
    struct record record = { .row = run->first_row + i,
                             .series = run->series[i],
                             .timestamp_ms = run->timestamp_ms[i],
                             .value = run->value[i] };
    if (record.series == 0)
        return SQLITE_OK;
    if (tail_touched(run, i)) {
        int code = lookup_row(&rows->lookup, record.row, &record);
        if (code != SQLITE_ROW)
            return code == SQLITE_DONE ? SQLITE_OK : code;
    }
    return rows_index(rows, &record);
}

/* The oldest run, if it can be merged. When the upkeep thread is late, and another full run waits, the
 * writer sorts: that costs milliseconds, a tail without room costs a whole merge. */
static struct tail_run *sorted_run(struct tail *tail)
{
    struct tail_run *run = tail_oldest_sealed(tail);
    if (run == NULL)
        return NULL;
    if (tail_runs(tail) > 2 && atomic_load_explicit(&run->state, memory_order_relaxed) == RUN_SEALED)
        tail_sort_run(run);
    return atomic_load_explicit(&run->state, memory_order_acquire) == RUN_SORTED ? run : NULL;
}

int merge_step(struct rows *rows, struct tail *tail, uint32_t n, struct merge *ret_merge)
{
    ret_merge->run = NULL;
    struct tail_run *run = sorted_run(tail);
    if (run == NULL)
        return SQLITE_OK;
    uint32_t end = run->n_filled - run->n_merged > n ? run->n_merged + n : run->n_filled;
    for (uint32_t at = run->n_merged; at < end; at++) {
        int code = merge_entry(rows, run, run->order[at]);
        if (code != SQLITE_OK)
            return code;
    }
    *ret_merge = (struct merge){ .run = run, .n_merged = end };
    if (end < run->n_filled)
        return SQLITE_OK;
    return rows_meta(rows, META_WATERMARK, (int64_t)(run->first_row + run->n_filled - 1));
}

void merge_committed(struct tail *tail, const struct merge *merge)
{
    if (merge->run == NULL)
        return;
    merge->run->n_merged = merge->n_merged;
    if (merge->n_merged == merge->run->n_filled)
        tail_retire(tail);
}

int merge_oldest(struct rows *rows, struct tail *tail, sqlite3 *handle)
{
    struct tail_run *run = tail_oldest_sealed(tail);
    if (run == NULL)
        return SQLITE_OK;
    tail_sort_run(run);
    for (bool merged = false; !merged;) {
        struct merge merge = { .run = NULL };
        int code = database_run(handle, "BEGIN IMMEDIATE");
        if (code == SQLITE_OK)
            code = merge_step(rows, tail, ENTRIES_PER_COMMIT, &merge);
        if (code == SQLITE_OK)
            code = database_run(handle, "COMMIT");
        if (code != SQLITE_OK)
            return code;
        merged = merge.n_merged == run->n_filled;
        merge_committed(tail, &merge);
    }
    return SQLITE_OK;
}

int merge_all(struct rows *rows, struct tail *tail, sqlite3 *handle)
{
    int code = SQLITE_OK;
    tail_seal(tail);
    while (code == SQLITE_OK && tail_oldest_sealed(tail) != NULL)
        code = merge_oldest(rows, tail, handle);
    return code;
}
