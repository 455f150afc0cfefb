/* SPDX-License-Identifier: MIT */
/* tail: pins are hazard pointers. A reader publishes the first live run and looks whether it still is
 * the first; the writer first moves `first`, then looks at the pins: one of the two sees the other. */
#include "tail.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

#include <telemetry/clock.h>

#define PIN_NONE      UINT64_MAX
#define AWAIT_STEP_NS NS_PER_MS

void tail_init(struct tail *tail, uint32_t run_rows)
{
    *tail = (struct tail){ .run_rows = run_rows };
    for (unsigned i = 0; i < TAIL_READERS_MAX; i++)
        atomic_init(&tail->pins[i], PIN_NONE);
}

static struct tail_run *run_at(struct tail *tail, uint64_t number)
{
    return &tail->runs[number % TAIL_RUNS];
}

static void run_free(struct tail_run *run)
{
    free(run->memory);
    run->memory = NULL;
    run->capacity = 0;
}

void tail_fini(struct tail *tail)
{
    for (unsigned i = 0; i < TAIL_RUNS; i++)
        run_free(&tail->runs[i]);
}

/* Arrays of wide members first, so that each is aligned. */
static bool run_open(struct tail_run *run, uint64_t first_row, uint32_t capacity)
{
    size_t n = capacity, n_spans = (n + TAIL_SPAN_ROWS - 1) / TAIL_SPAN_ROWS;
    char *memory = malloc(n_spans * sizeof(struct tail_span) +
                          n * (sizeof(int64_t) + sizeof(double) + 2 * sizeof(uint32_t) + sizeof(atomic_uint)));
    if (memory == NULL)
        return false;
    run->memory = memory;
    run->spans = (struct tail_span *)memory;
    run->timestamp_ms = (int64_t *)(run->spans + n_spans);
    run->value = (double *)(run->timestamp_ms + n);
    run->series = (uint32_t *)(run->value + n);
    run->order = run->series + n;
    run->touched = (atomic_uint *)(run->order + n);
    run->first_row = first_row;
    run->capacity = capacity;
    run->n_filled = 0;
    run->n_merged = 0;
    atomic_store_explicit(&run->n_published, 0, memory_order_relaxed);
    atomic_store_explicit(&run->state, RUN_OPEN, memory_order_relaxed);
    return true;
}

static uint64_t oldest_pin(struct tail *tail)
{
    uint64_t oldest = PIN_NONE;
    for (unsigned i = 0; i < TAIL_READERS_MAX; i++) {
        uint64_t pin = atomic_load_explicit(&tail->pins[i], memory_order_seq_cst);
        oldest = pin < oldest ? pin : oldest;
    }
    return oldest;
}

/* Gives back the memory of retired runs that nobody looks at any more. */
static void free_retired(struct tail *tail)
{
    uint64_t first = atomic_load_explicit(&tail->first, memory_order_relaxed);
    uint64_t pin = oldest_pin(tail);
    for (; tail->first_kept < first && tail->first_kept < pin; tail->first_kept++)
        run_free(run_at(tail, tail->first_kept));
}

static struct tail_run *open_run(struct tail *tail)
{
    uint64_t end = atomic_load_explicit(&tail->end, memory_order_relaxed);
    if (end == atomic_load_explicit(&tail->first, memory_order_relaxed))
        return NULL;
    struct tail_run *run = run_at(tail, end - 1);
    return atomic_load_explicit(&run->state, memory_order_relaxed) == RUN_OPEN ? run : NULL;
}

static bool run_has_room(const struct tail_run *run, uint64_t first_row, uint32_t n)
{
    assert(first_row >= run->first_row + run->n_filled);
    uint64_t at = first_row - run->first_row;
    return at <= run->capacity && n <= run->capacity - at;
}

bool tail_reserve(struct tail *tail, uint64_t first_row, uint32_t n)
{
    uint32_t capacity = n > tail->run_rows ? n : tail->run_rows;
    uint64_t end = atomic_load_explicit(&tail->end, memory_order_relaxed);
    struct tail_run *run = open_run(tail);
    if (run != NULL && run_has_room(run, first_row, n))
        return true;
    if (run != NULL && run->n_filled == 0) { /* nobody looks at it */
        run_free(run);
        return run_open(run, first_row, capacity);
    }
    tail_seal(tail);
    free_retired(tail);
    if (end - tail->first_kept == TAIL_RUNS || !run_open(run_at(tail, end), first_row, capacity))
        return false;
    atomic_store_explicit(&tail->end, end + 1, memory_order_release);
    return true;
}

/* The writer alone stores; a reader that sees the entry sees a span that holds it. */
static void span_widen(struct tail_span *span, bool first, int64_t timestamp_ms)
{
    if (first || timestamp_ms < atomic_load_explicit(&span->min_ms, memory_order_relaxed))
        atomic_store_explicit(&span->min_ms, timestamp_ms, memory_order_relaxed);
    if (first || timestamp_ms > atomic_load_explicit(&span->max_ms, memory_order_relaxed))
        atomic_store_explicit(&span->max_ms, timestamp_ms, memory_order_relaxed);
}

static void run_append(struct tail_run *run, uint32_t series, int64_t timestamp_ms, double value)
{
    uint32_t i = run->n_filled++;
    run->series[i] = series;
    run->timestamp_ms[i] = timestamp_ms;
    run->value[i] = value;
    atomic_store_explicit(&run->touched[i], 0, memory_order_relaxed);
    span_widen(&run->spans[i / TAIL_SPAN_ROWS], i % TAIL_SPAN_ROWS == 0, timestamp_ms);
}

void tail_append(struct tail *tail, uint64_t row, uint32_t series, int64_t timestamp_ms, double value)
{
    struct tail_run *run = open_run(tail);
    assert(run != NULL && run_has_room(run, row, 1));
    while (run->first_row + run->n_filled < row)
        run_append(run, 0, 0, 0.0);
    run_append(run, series, timestamp_ms, value);
}

void tail_publish(struct tail *tail)
{
    struct tail_run *run = open_run(tail);
    if (run == NULL)
        return;
    atomic_store_explicit(&run->n_published, run->n_filled, memory_order_release);
    if (run->n_filled >= tail->run_rows)
        tail_seal(tail);
}

void tail_rewind(struct tail *tail, uint64_t next_row)
{
    struct tail_run *run = open_run(tail);
    if (run == NULL || run->first_row + run->n_filled <= next_row)
        return;
    uint32_t n_published = atomic_load_explicit(&run->n_published, memory_order_relaxed);
    uint64_t n_kept = next_row > run->first_row ? next_row - run->first_row : 0;
    run->n_filled = n_kept > n_published ? (uint32_t)n_kept : n_published;
}

/* In one snapshot or another the row has its first series, the one noted, or any if there were more. */
static void note_series(atomic_uint *touched, uint32_t series)
{
    uint32_t noted = atomic_load_explicit(touched, memory_order_relaxed);
    uint32_t now = noted == 0 || noted == series ? series : TAIL_ANY_SERIES;
    atomic_store_explicit(touched, now, memory_order_relaxed);
}

void tail_touch(struct tail *tail, uint64_t row, uint32_t series)
{
    uint64_t end = atomic_load_explicit(&tail->end, memory_order_relaxed);
    for (uint64_t i = tail->first_kept; i < end; i++) { /* who pinned a retired run may not have a snapshot yet */
        struct tail_run *run = run_at(tail, i);
        if (row >= run->first_row && row - run->first_row < run->n_filled)
            note_series(&run->touched[row - run->first_row], series);
    }
}

void tail_seal(struct tail *tail)
{
    struct tail_run *run = open_run(tail);
    if (run != NULL && run->n_filled > 0)
        atomic_store_explicit(&run->state, RUN_SEALED, memory_order_release);
}

bool tail_unsorted(const struct tail *tail)
{
    uint64_t end = atomic_load_explicit(&tail->end, memory_order_relaxed);
    for (uint64_t i = atomic_load_explicit(&tail->first, memory_order_relaxed); i < end; i++)
        if (atomic_load_explicit(&tail->runs[i % TAIL_RUNS].state, memory_order_relaxed) == RUN_SEALED)
            return true;
    return false;
}

struct tail_run *tail_oldest_sealed(struct tail *tail)
{
    uint64_t first = atomic_load_explicit(&tail->first, memory_order_relaxed);
    if (first == atomic_load_explicit(&tail->end, memory_order_relaxed))
        return NULL;
    struct tail_run *run = run_at(tail, first);
    return atomic_load_explicit(&run->state, memory_order_acquire) == RUN_OPEN ? NULL : run;
}

void tail_retire(struct tail *tail)
{
    uint64_t first = atomic_load_explicit(&tail->first, memory_order_relaxed);
    atomic_store_explicit(&tail->first, first + 1, memory_order_seq_cst);
    free_retired(tail);
}

bool tail_pinned(const struct tail *tail)
{
    return tail->first_kept < atomic_load_explicit(&tail->first, memory_order_relaxed);
}

void tail_await(struct tail *tail)
{
    const struct timespec step = { .tv_nsec = AWAIT_STEP_NS };
    atomic_store_explicit(&tail->is_awaited, true, memory_order_relaxed);
    nanosleep(&step, NULL);
    atomic_store_explicit(&tail->is_awaited, false, memory_order_relaxed);
    free_retired(tail);
}

unsigned tail_runs(const struct tail *tail)
{
    return (unsigned)(atomic_load_explicit(&tail->end, memory_order_relaxed) -
                      atomic_load_explicit(&tail->first, memory_order_relaxed));
}

uint64_t tail_rows(const struct tail *tail)
{
    uint64_t rows = 0;
    uint64_t end = atomic_load_explicit(&tail->end, memory_order_relaxed);
    for (uint64_t i = atomic_load_explicit(&tail->first, memory_order_relaxed); i < end; i++) {
        const struct tail_run *run = &tail->runs[i % TAIL_RUNS];
        rows += atomic_load_explicit(&run->n_published, memory_order_relaxed) - run->n_merged;
    }
    return rows;
}

void tail_pin(struct tail *tail, unsigned reader, struct tail_view *ret_view)
{
    assert(reader < TAIL_READERS_MAX);
    uint64_t first;
    do {
        first = atomic_load_explicit(&tail->first, memory_order_seq_cst);
        atomic_store_explicit(&tail->pins[reader], first, memory_order_seq_cst);
    } while (atomic_load_explicit(&tail->first, memory_order_seq_cst) != first);
    uint64_t end = atomic_load_explicit(&tail->end, memory_order_acquire);
    *ret_view = (struct tail_view){ .tail = tail, .reader = reader };
    for (uint64_t i = first; i < end; i++) {
        const struct tail_run *run = run_at(tail, i);
        uint32_t n_rows = atomic_load_explicit(&run->n_published, memory_order_acquire);
        if (n_rows == 0) /* nothing else of the run may be looked at */
            continue;
        ret_view->runs[ret_view->n_runs] = run;
        ret_view->n_rows[ret_view->n_runs++] = n_rows;
    }
}

void tail_unpin(struct tail_view *view)
{
    if (view->tail != NULL)
        atomic_store_explicit(&view->tail->pins[view->reader], PIN_NONE, memory_order_release);
    view->tail = NULL;
}

bool tail_view_awaited(const struct tail_view *view)
{
    const struct tail *tail = view->tail;
    return tail != NULL && atomic_load_explicit(&tail->is_awaited, memory_order_relaxed) &&
           atomic_load_explicit(&tail->pins[view->reader], memory_order_relaxed) <
               atomic_load_explicit(&tail->first, memory_order_relaxed);
}
