/* SPDX-License-Identifier: MIT */
/* find_tail: all entries are looked at, nearest in list order first, since rows mostly come in the
 * order of their time: the page fills at once and little of the rest comes into it.
 *
 * Most blocks of entries hold nothing of the list; they are passed over by a loop that compilers turn
 * into vector instructions. */
#include "find_tail.h"

#include <telemetry/filter.h>

#include "find.h"

enum { BLOCK = 64 };

/* Whether any of n entries is of the one series. */
static bool block_has(const uint32_t *series, uint32_t n, uint32_t wanted)
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

static int scan_block(struct finder *finder, const struct tail_run *run, uint32_t first, uint32_t end)
{
    const struct selection *selection = &finder->selection;
    bool one = !selection->everything && selection->n_series == 1;
    if (one && !block_has(run->series + first, end - first, selection->series[0]))
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
    uint32_t n_blocks = (n_rows + BLOCK - 1) / BLOCK;
    for (uint32_t k = 0; k < n_blocks; k++) {
        uint32_t first = BLOCK * (finder->filter->ascending ? k : n_blocks - 1 - k);
        uint32_t end = n_rows - first > BLOCK ? first + BLOCK : n_rows;
        int code = scan_block(finder, run, first, end);
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
