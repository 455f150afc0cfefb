/* SPDX-License-Identifier: MIT */
/* tail_sort: by series in passes over its digits, which keep the order of rows; then, within each
 * series, by timestamp. Rows mostly come in the order of their time, so that is mostly done. */
#include "tail.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS, SERIES_BITS = 32 };

static int entry_compare(const void *left, const void *right, void *context)
{
    const struct tail_run *run = context;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    if (run->series[a] != run->series[b])
        return run->series[a] < run->series[b] ? -1 : 1;
    if (run->timestamp_ms[a] != run->timestamp_ms[b])
        return run->timestamp_ms[a] < run->timestamp_ms[b] ? -1 : 1;
    return a < b ? -1 : a > b;
}

/* Orders `from` by one digit of the series into `to`. */
static void sort_by_digit(const struct tail_run *run, uint32_t n, unsigned shift, const uint32_t *from, uint32_t *to)
{
    uint32_t places[DIGITS] = { 0 };
    for (uint32_t i = 0; i < n; i++)
        places[run->series[i] >> shift & (DIGITS - 1)]++;
    uint32_t place = 0;
    for (unsigned digit = 0; digit < DIGITS; digit++) {
        uint32_t count = places[digit];
        places[digit] = place;
        place += count;
    }
    for (uint32_t i = 0; i < n; i++)
        to[places[run->series[from[i]] >> shift & (DIGITS - 1)]++] = from[i];
}

static void sort_by_series(struct tail_run *run, uint32_t n, uint32_t *scratch)
{
    uint32_t highest = 0, *from = run->order, *to = scratch;
    for (uint32_t i = 0; i < n; i++)
        highest |= run->series[i];
    for (unsigned shift = 0; shift < SERIES_BITS && highest >> shift != 0; shift += DIGIT_BITS) {
        sort_by_digit(run, n, shift, from, to);
        uint32_t *sorted = to;
        to = from;
        from = sorted;
    }
    if (from != run->order)
        memcpy(run->order, from, n * sizeof(from[0]));
}

/* Sorts the entries of each series that are not yet in the order of their time. */
static void sort_by_time(struct tail_run *run, uint32_t n)
{
    for (uint32_t first = 0, end; first < n; first = end) {
        bool sorted = true;
        uint32_t series = run->series[run->order[first]];
        for (end = first + 1; end < n && run->series[run->order[end]] == series; end++)
            sorted &= run->timestamp_ms[run->order[end - 1]] <= run->timestamp_ms[run->order[end]];
        if (!sorted)
            qsort_r(run->order + first, end - first, sizeof(run->order[0]), entry_compare, run);
    }
}

static void sort_entries(struct tail_run *run, uint32_t n)
{
    uint32_t *scratch = malloc(n * sizeof(scratch[0]));
    for (uint32_t i = 0; i < n; i++)
        run->order[i] = i;
    if (scratch == NULL) {
        qsort_r(run->order, n, sizeof(run->order[0]), entry_compare, run);
        return;
    }
    sort_by_series(run, n, scratch);
    sort_by_time(run, n);
    free(scratch);
}

void tail_sort_run(struct tail_run *run)
{
    int state = RUN_SEALED;
    if (atomic_compare_exchange_strong(&run->state, &state, RUN_SORTING)) {
        sort_entries(run, atomic_load_explicit(&run->n_published, memory_order_acquire));
        atomic_store_explicit(&run->state, RUN_SORTED, memory_order_release);
    }
    while (atomic_load_explicit(&run->state, memory_order_acquire) == RUN_SORTING)
        sched_yield();
}

void tail_sort(struct tail *tail)
{
    for (unsigned i = 0; i < TAIL_RUNS; i++)
        if (atomic_load_explicit(&tail->runs[i].state, memory_order_acquire) == RUN_SEALED)
            tail_sort_run(&tail->runs[i]);
}
