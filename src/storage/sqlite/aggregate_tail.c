/* SPDX-License-Identifier: MIT */
/* aggregate_tail: the rows of the tail, each once. An entry that nobody touched is as the snapshot has it; of one that
 * was touched the table tells what it is now, which may be of another series and time. */
#include "aggregate.h"

/* Whether a touched entry, or any whose time may be in the range, is among first..end - 1. */
static bool span_matters(const struct aggregator *aggregator, const struct tail_run *run, uint32_t first, uint32_t end)
{
    const struct tail_span *span = &run->spans[first / TAIL_SPAN_ROWS];
    unsigned touched = 0;
    if (atomic_load_explicit(&span->max_ms, memory_order_relaxed) >= aggregator->low_ms &&
        atomic_load_explicit(&span->min_ms, memory_order_relaxed) < aggregator->high_ms)
        return true;
    for (uint32_t i = first; i < end; i++)
        touched |= tail_touched(run, i);
    return touched != 0;
}

/* Whether the row of a touched entry may have a selected series, in whichever snapshot. */
static bool may_be_selected(const struct aggregator *aggregator, const struct tail_run *run, uint32_t i)
{
    uint32_t later = atomic_load_explicit(&run->touched[i], memory_order_relaxed);
    return later == TAIL_ANY_SERIES || selection_has(&aggregator->selection, later) ||
           selection_has(&aggregator->selection, run->series[i]);
}

static int take_touched(struct aggregator *aggregator, const struct tail_run *run, uint32_t i)
{
    uint64_t row = run->first_row + i;
    struct record record;
    if (!may_be_selected(aggregator, run, i))
        return SQLITE_OK;
    int code = lookup_row(aggregator->lookup, row, &record);
    if (code != SQLITE_ROW)
        return code == SQLITE_DONE ? SQLITE_OK : code;
    if (!aggregate_passes(aggregator, record.timestamp_ms, record.value) ||
        !selection_has(&aggregator->selection, record.series))
        return SQLITE_OK;
    struct sample sample = { record.timestamp_ms, record.value, row, 0 };
    return aggregate_take(aggregator, record.series, &sample);
}

static int take_entry(struct aggregator *aggregator, const struct tail_run *run, uint32_t i)
{
    struct sample sample = { run->timestamp_ms[i], run->value[i], run->first_row + i, 0 };
    if (run->series[i] == 0)
        return SQLITE_OK;
    if (tail_touched(run, i))
        return take_touched(aggregator, run, i);
    if (!aggregate_passes(aggregator, sample.timestamp_ms, sample.value) ||
        !selection_has(&aggregator->selection, run->series[i]))
        return SQLITE_OK;
    return aggregate_take(aggregator, run->series[i], &sample);
}

static int take_run(struct aggregator *aggregator, const struct tail_run *run, uint32_t n_rows)
{
    for (uint32_t first = 0; first < n_rows; first += TAIL_SPAN_ROWS) {
        uint32_t end = n_rows - first > TAIL_SPAN_ROWS ? first + TAIL_SPAN_ROWS : n_rows;
        if (!span_matters(aggregator, run, first, end))
            continue;
        for (uint32_t i = first; i < end; i++) {
            int code = take_entry(aggregator, run, i);
            if (code != SQLITE_OK)
                return code;
        }
    }
    return SQLITE_OK;
}

/* What became of a touched row may stand anywhere in the index. */
static bool run_touched(const struct tail_run *run, uint32_t n_rows)
{
    unsigned touched = 0;
    for (uint32_t i = 0; i < n_rows; i++)
        touched |= tail_touched(run, i);
    return touched != 0;
}

void aggregate_tail_begin(struct aggregator *aggregator, const struct tail_view *view)
{
    for (unsigned i = 0; i < view->n_runs; i++) {
        const struct tail_run *run = view->runs[i];
        for (uint32_t first = 0; first < view->n_rows[i]; first += TAIL_SPAN_ROWS) {
            int64_t min_ms = atomic_load_explicit(&run->spans[first / TAIL_SPAN_ROWS].min_ms, memory_order_relaxed);
            aggregator->tail_from_ms = min_ms < aggregator->tail_from_ms ? min_ms : aggregator->tail_from_ms;
        }
        if (run_touched(run, view->n_rows[i]))
            aggregator->tail_from_ms = INT64_MIN;
    }
}

int aggregate_tail(struct aggregator *aggregator, const struct tail_view *view)
{
    for (unsigned i = 0; i < view->n_runs; i++) {
        int code = take_run(aggregator, view->runs[i], view->n_rows[i]);
        if (code != SQLITE_OK)
            return code;
    }
    return SQLITE_OK;
}
