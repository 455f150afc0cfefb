/* SPDX-License-Identifier: MIT */
/* tail: the index entries of the newest rows, in memory, until they are merged into by_series.
 *
 * Rows come in runs. The writer appends to the open run and publishes after each commit; a run that
 * is full is sealed, sorted off the writer's thread, merged by the writer a bit with each commit
 * (merge.h), and retired. What is published never changes; a row that is changed or removed later
 * is touched, and from then on only the tables tell what has become of it.
 *
 * A reader pins the tail, begins its snapshot, scans, and unpins; the order matters: each entry it
 * sees is of a row in its snapshot, and each row in its snapshot that was answered before the pin is
 * seen here, in by_series, or in both. Pins are short: they delay the reuse of memory. When the writer
 * has no room left and waits for a pin, the reader that holds it is told. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <telemetry/status.h>

enum { TAIL_RUNS = 4, TAIL_READERS_MAX = 16, TAIL_SPAN_ROWS = 256 };

#define TAIL_ANY_SERIES UINT32_MAX

enum tail_state { RUN_OPEN, RUN_SEALED, RUN_SORTING, RUN_SORTED };

/* No timestamp of the entries lies outside; a span may be wider than its entries. */
struct tail_span {
    atomic_int_fast64_t min_ms, max_ms;
};

struct tail_run {
    uint64_t first_row; /* entry i is of row first_row + i */
    uint32_t capacity;
    uint32_t n_filled; /* writer's: published entries and those of the transaction under way */
    uint32_t n_merged; /* writer's: entries of `order` that are in by_series, committed */
    atomic_uint n_published;
    atomic_int state; /* enum tail_state: the writer seals, whoever comes first sorts */
    void *memory;     /* one block for the arrays */
    uint32_t *series; /* 0: there is no such row */
    int64_t *timestamp_ms;
    double *value;
    uint32_t *order;         /* when sorted: entries by series, timestamp, row */
    atomic_uint *touched;    /* 0: no; the series that the row may have in place of series[i], or TAIL_ANY_SERIES */
    struct tail_span *spans; /* of each TAIL_SPAN_ROWS entries */
};

/* Runs are numbered for ever; run n stands at runs[n % TAIL_RUNS]. */
struct tail {
    uint32_t run_rows;
    atomic_uint_fast64_t first, end; /* live runs are first..end-1; only the last may be open */
    uint64_t first_kept;             /* writer's: retired runs from here on may still be pinned */
    atomic_bool is_awaited;          /* the writer waits until those are let go */
    struct tail_run runs[TAIL_RUNS];
    atomic_uint_fast64_t pins[TAIL_READERS_MAX]; /* the first run a reader may look at, or none */
};

void tail_init(struct tail *tail, uint32_t run_rows);
void tail_fini(struct tail *tail);

/* Writer thread ----------------------------------------------------------- */
/* Makes room for n rows from first_row on, in one run. False when there is no memory, or no run free:
 * the oldest must be merged first, or a reader is about to let go of one (tail_pinned). */
MUST_CHECK bool tail_reserve(struct tail *tail, uint64_t first_row, uint32_t n);
/* Adds the entry of a row, not yet published. There is room. */
void tail_append(struct tail *tail, uint64_t row, uint32_t series, int64_t timestamp_ms, double value);
/* Shows all appended entries to readers: the transaction is committed. */
void tail_publish(struct tail *tail);
/* Drops entries from this row on, none of them published: the transaction is rolled back. */
void tail_rewind(struct tail *tail, uint64_t next_row);
/* Marks the entry of a row, if a reader may see one, as no longer to be trusted: the row gets this series, or is
 * removed while it has it. Before the commit. */
void tail_touch(struct tail *tail, uint64_t row, uint32_t series);
/* Seals the open run, if it has entries. All are published. */
void tail_seal(struct tail *tail);
/* Whether a sealed run waits for somebody to sort it. */
bool tail_unsorted(const struct tail *tail);
/* Lends the oldest run if it is sealed, else NULL. */
struct tail_run *tail_oldest_sealed(struct tail *tail);
/* The oldest run, wholly merged, goes. */
void tail_retire(struct tail *tail);
/* Whether a retired run is still looked at by a reader. */
bool tail_pinned(const struct tail *tail);
/* Waits a moment for readers to let go of a retired run, and tells them so. */
void tail_await(struct tail *tail);
/* Live runs. */
unsigned tail_runs(const struct tail *tail);
/* Rows that wait to be merged. */
uint64_t tail_rows(const struct tail *tail);

/* Upkeep thread (tail_sort.c) --------------------------------------------- */
/* Sorts each sealed run. */
void tail_sort(struct tail *tail);
/* Sorts one sealed run in the caller's thread, or waits for the thread that is at it. */
void tail_sort_run(struct tail_run *run);

/* Reader threads ---------------------------------------------------------- */
struct tail_view {
    struct tail *tail; /* NULL: let go */
    bool is_spare;     /* the reader's own: it does not look at the runs now, and can do without them */
    unsigned reader;
    unsigned n_runs;
    const struct tail_run *runs[TAIL_RUNS]; /* oldest first */
    uint32_t n_rows[TAIL_RUNS];
};

/* Lends what is published, until tail_unpin(). `reader` is the caller's own number. */
void tail_pin(struct tail *tail, unsigned reader, struct tail_view *ret_view);
/* Lets go, once. */
void tail_unpin(struct tail_view *view);
/* Whether the writer waits for this view. */
bool tail_view_awaited(const struct tail_view *view);

/* Whether entry i was changed or removed since, so that the snapshot must be asked. */
static inline bool tail_touched(const struct tail_run *run, uint32_t i)
{
    return atomic_load_explicit(&run->touched[i], memory_order_relaxed) != 0;
}
