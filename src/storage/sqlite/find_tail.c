/* SPDX-License-Identifier: MIT */
/* find_tail: entries are looked at in spans, nearest in list order first, since rows mostly come in the
 * order of their time: the page fills at once, and of what is farther only the spans' ends are read.
 *
 * Of the spans in question most entries are of other series; where one series is asked for, they are
 * passed over by a loop that compilers turn into vector instructions. */
#include "find_tail.h"

#include <telemetry/filter.h>

#include "find.h"

/* Whether any of n entries is of the one series. */
static bool any_of_series(const uint32_t *series, uint32_t n, uint32_t wanted)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < n; i++)
        found |= series[i] == wanted;
    return found != 0;
}

/* What the snapshot holds of a touched row; its index entry is in the table, if it has changed. */
static int look_up_touched(struct finder *finder, uint64_t row, uint32_t series, int64_t timestamp_ms,
                           double *ret_value)
{
    struct record record;
    int code = lookup_row(finder->lookup, row, &record);
    if (code == SQLITE_ROW && (record.series != series || record.timestamp_ms != timestamp_ms))
        code = SQLITE_DONE;
    if (code == SQLITE_ROW)
        *ret_value = record.value;
    return code;
}

static int offer_entry(struct finder *finder, const struct tail_run *run, uint32_t i)
{
    const struct filter *filter = finder->filter;
    struct place place = { run->timestamp_ms[i], run->first_row + i };
    double value = run->value[i];
    if (!place_before(finder->low, place, true) || !place_before(place, finder->high, true) ||
        !page_wants(&finder->unmerged, place))
        return SQLITE_OK;
    if (tail_touched(run, i)) {
        int code = look_up_touched(finder, place.row, run->series[i], place.timestamp_ms, &value);
        if (code != SQLITE_ROW)
            return code == SQLITE_DONE ? SQLITE_OK : code;
    }
    if (value >= filter->min && value <= filter->max)
        page_offer(&finder->unmerged, place);
    return SQLITE_OK;
}

/* Whether a place between the span's ends may come into the page. */
static bool span_matters(const struct finder *finder, const struct tail_span *span)
{
    int64_t min_ms = atomic_load_explicit(&span->min_ms, memory_order_relaxed);
    int64_t max_ms = atomic_load_explicit(&span->max_ms, memory_order_relaxed);
    struct place nearest =
        finder->filter->ascending ? (struct place){ min_ms, 0 } : (struct place){ max_ms, UINT64_MAX };
    return max_ms >= finder->low.timestamp_ms && min_ms <= finder->high.timestamp_ms &&
           page_wants(&finder->unmerged, nearest);
}

static int scan_span(struct finder *finder, const struct tail_run *run, uint32_t first, uint32_t end)
{
    const struct selection *selection = &finder->selection;
    bool one = !selection->everything && selection->n_series == 1;
    if (!span_matters(finder, &run->spans[first / TAIL_SPAN_ROWS]) ||
        (one && !any_of_series(run->series + first, end - first, selection->series[0])))
        return SQLITE_OK;
    for (uint32_t k = 0; k < end - first; k++) {
        uint32_t i = finder->filter->ascending ? first + k : end - 1 - k;
        if (run->series[i] == 0 || !selection_has(selection, run->series[i]))
            continue;
        int code = offer_entry(finder, run, i);
        if (code != SQLITE_OK)
            return code;
    }
    return SQLITE_OK;
}

static int scan_run(struct finder *finder, const struct tail_run *run, uint32_t n_rows)
{
    uint32_t n_spans = (n_rows + TAIL_SPAN_ROWS - 1) / TAIL_SPAN_ROWS;
    for (uint32_t k = 0; k < n_spans; k++) {
        uint32_t first = TAIL_SPAN_ROWS * (finder->filter->ascending ? k : n_spans - 1 - k);
        uint32_t end = n_rows - first > TAIL_SPAN_ROWS ? first + TAIL_SPAN_ROWS : n_rows;
        int code = scan_span(finder, run, first, end);
        if (code != SQLITE_OK)
            return code;
    }
    return SQLITE_OK;
}

int find_in_tail(struct finder *finder, const struct tail_view *view)
{
    if (!finder->selection.everything && finder->selection.n_series == 0)
        return SQLITE_OK;
    for (unsigned k = 0; k < view->n_runs; k++) {
        unsigned at = finder->filter->ascending ? k : view->n_runs - 1 - k;
        int code = scan_run(finder, view->runs[at], view->n_rows[at]);
        if (code != SQLITE_OK)
            return code;
    }
    return SQLITE_OK;
}
