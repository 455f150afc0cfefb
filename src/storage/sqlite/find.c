/* SPDX-License-Identifier: MIT */
#include "find.h"

#include <math.h>
#include <string.h>

#include "database.h"
#include "find_tail.h"
#include "schema.h"

enum {
    SERIES_FEW = 128,      /* asked one by one at once */
    ROWS_FREE = 8 * 1024,  /* what zones may cost before the number of series is looked at */
    ROWS_FOR_A_SERIES = 24 /* asking one series costs as much as reading so many rows */
};

#define ENTRIES_OF_SERIES                                                                                              \
    "SELECT ts, row, value FROM by_series WHERE series = ?1 AND (ts, row) > (?2, ?3) AND (ts, row) < (?4, ?5)"

static const char *const texts[FIND_STATEMENTS] = {
    [FIND_SERIES_NEWEST] = ENTRIES_OF_SERIES " ORDER BY ts DESC, row DESC",
    [FIND_SERIES_OLDEST] = ENTRIES_OF_SERIES " ORDER BY ts, row",
    [FIND_ZONES_NEWEST] = "SELECT block, max_ts FROM zone WHERE max_ts >= ?1 AND min_ts <= ?2 ORDER BY max_ts DESC",
    [FIND_ZONES_OLDEST] = "SELECT block, min_ts FROM zone WHERE min_ts <= ?2 AND max_ts >= ?1 ORDER BY min_ts",
    [FIND_NEWEST_ZONE] = "SELECT max(block) FROM zone",
    [FIND_ROWS] = "SELECT row, ts, value, series FROM metric WHERE row BETWEEN ?1 AND ?2",
};

int finder_open(struct finder *finder, sqlite3 *handle, struct lookup *lookup)
{
    finder->lookup = lookup;
    int code = selector_open(&finder->selector, handle);
    return code != SQLITE_OK ? code : database_prepare(handle, texts, finder->statements, FIND_STATEMENTS);
}

/* Series by series -------------------------------------------------------- */

static int read_series(struct finder *finder, uint32_t series)
{
    const struct filter *filter = finder->filter;
    sqlite3_stmt *statement = finder->statements[filter->ascending ? FIND_SERIES_OLDEST : FIND_SERIES_NEWEST];
    sqlite3_bind_int64(statement, 1, series);
    sqlite3_bind_int64(statement, 2, finder->low.timestamp_ms);
    sqlite3_bind_int64(statement, 3, (sqlite3_int64)finder->low.row);
    sqlite3_bind_int64(statement, 4, finder->high.timestamp_ms);
    sqlite3_bind_int64(statement, 5, (sqlite3_int64)finder->high.row);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        struct place place = { sqlite3_column_int64(statement, 0), (uint64_t)sqlite3_column_int64(statement, 1) };
        double value = sqlite3_column_double(statement, 2);
        if (!page_wants(&finder->stored, place) || !page_wants(&finder->unmerged, place))
            break; /* what follows in this series is farther still */
        if (value >= filter->min && value <= filter->max)
            page_offer(&finder->stored, place);
    }
    return sqlite3_reset(statement);
}

static int read_all_series(struct finder *finder, struct tail_view *view)
{
    int code = find_in_tail(finder, view);
    tail_unpin(view);
    for (uint32_t i = 0; code == SQLITE_OK && i < finder->selection.n_series; i++)
        code = read_series(finder, finder->selection.series[i]);
    return code;
}

/* Zone by zone ------------------------------------------------------------ */

static bool place_in_range(const struct finder *finder, struct place place)
{
    return place_before(finder->low, place, true) && place_before(place, finder->high, true);
}

/* Reads rows first..last of the table; all that stand behind the zones when last is INT64_MAX. */
static int read_rows(struct finder *finder, int64_t first, int64_t last)
{
    const struct filter *filter = finder->filter;
    sqlite3_stmt *statement = finder->statements[FIND_ROWS];
    int code = SQLITE_OK;
    sqlite3_bind_int64(statement, 1, first);
    sqlite3_bind_int64(statement, 2, last);
    while ((code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW) && sqlite3_step(statement) == SQLITE_ROW) {
        struct place place = { sqlite3_column_int64(statement, 1), (uint64_t)sqlite3_column_int64(statement, 0) };
        if (!place_in_range(finder, place) || !page_wants(&finder->stored, place))
            continue;
        double value = sqlite3_column_double(statement, 2);
        if (value < filter->min || value > filter->max)
            continue;
        code = selection_judge(&finder->selection, (uint32_t)sqlite3_column_int64(statement, 3));
        if (code == SQLITE_ROW)
            page_offer(&finder->stored, place);
    }
    int failure = sqlite3_reset(statement);
    return failure != SQLITE_OK ? failure : code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

/* No zone whose nearest timestamp is this one can hold anything for the page. */
static bool page_is_settled(const struct finder *finder, int64_t nearest_ms)
{
    const struct page *page = &finder->stored;
    if (page->n < page->capacity)
        return false;
    return page->ascending ? page->places[0].timestamp_ms < nearest_ms : page->places[0].timestamp_ms > nearest_ms;
}

/* SQLITE_DONE when the page is settled, SQLITE_OK when the budget of rows ran out before. */
static int read_zones(struct finder *finder, uint64_t budget)
{
    bool ascending = finder->filter->ascending;
    sqlite3_stmt *zones = finder->statements[ascending ? FIND_ZONES_OLDEST : FIND_ZONES_NEWEST];
    int64_t newest = -1;
    int code = statement_number(finder->statements[FIND_NEWEST_ZONE], &newest);
    if (code == SQLITE_ROW || code == SQLITE_DONE)
        code = read_rows(finder, (newest + 1) << ZONE_BITS, INT64_MAX);
    if (code != SQLITE_OK)
        return code;
    sqlite3_bind_int64(zones, 1, finder->low.timestamp_ms);
    sqlite3_bind_int64(zones, 2, finder->high.timestamp_ms);
    uint64_t n_read = 0;
    bool settled = true;
    while (code == SQLITE_OK && (code = sqlite3_step(zones)) == SQLITE_ROW) {
        int64_t first = sqlite3_column_int64(zones, 0) << ZONE_BITS;
        code = SQLITE_OK;
        if (page_is_settled(finder, sqlite3_column_int64(zones, 1)))
            break;
        settled = n_read < budget;
        if (!settled)
            break;
        code = read_rows(finder, first, first + ZONE_ROWS - 1);
        n_read += ZONE_ROWS;
    }
    int failure = sqlite3_reset(zones);
    if (failure != SQLITE_OK)
        return failure;
    return code != SQLITE_OK && code != SQLITE_DONE ? code : settled ? SQLITE_DONE : SQLITE_OK;
}

/* The plan ---------------------------------------------------------------- */

static void page_clear(struct finder *finder)
{
    uint32_t capacity = finder->filter->limit + 1;
    page_init(&finder->stored, capacity, finder->filter->ascending);
    page_init(&finder->unmerged, capacity, finder->filter->ascending);
}

static uint64_t row_of_tie(const struct list_position *position)
{
    uint64_t row = 0;
    for (unsigned i = METRIC_ID_BYTES - sizeof(row); i < METRIC_ID_BYTES; i++)
        row = row << 8 | position->tie[i];
    return row > INT64_MAX ? INT64_MAX : row;
}

/* Rows begin with 1, so (from, 0) and (to, 0) exclude no row of `from` and every row of `to`. */
static void set_range(struct finder *finder, int64_t oldest_ms)
{
    const struct filter *filter = finder->filter;
    struct place after = { filter->after.timestamp_ms, row_of_tie(&filter->after) };
    finder->low = (struct place){ filter->from_ms > oldest_ms ? filter->from_ms : oldest_ms, 0 };
    finder->high = (struct place){ filter->to_ms, 0 };
    if (!filter->has_after)
        return;
    if (filter->ascending && place_before(finder->low, after, true))
        finder->low = after;
    if (!filter->ascending && place_before(after, finder->high, true))
        finder->high = after;
}

static int run_plan(struct finder *finder, struct tail_view *view)
{
    struct selection *selection = &finder->selection;
    if (!selection->everything && selection->complete && selection->n_series <= SERIES_FEW)
        return read_all_series(finder, view);
    int code = SQLITE_OK;
    if (selection->everything || selection->complete)
        code = read_zones(finder, ROWS_FREE + (uint64_t)selection->n_series * ROWS_FOR_A_SERIES);
    if (code == SQLITE_OK && selection->everything)
        code = selection_list(selection);
    if (code != SQLITE_OK)
        return code == SQLITE_DONE ? SQLITE_OK : code;
    page_clear(finder);
    if (selection->complete)
        return read_all_series(finder, view);
    tail_unpin(view);
    code = read_zones(finder, UINT64_MAX);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

int finder_run(struct finder *finder, struct job *job, int64_t oldest_ms, struct tail_view *view)
{
    finder->filter = &job->filter;
    set_range(finder, oldest_ms);
    page_clear(finder);
    int code = selection_make(&finder->selection, &finder->selector, &job->filter, &job->arena);
    if (code == SQLITE_OK)
        code = run_plan(finder, view);
    if (code != SQLITE_OK)
        return code;
    page_sort(&finder->stored);
    page_sort(&finder->unmerged);
    page_join(&finder->stored, &finder->unmerged, &finder->page);
    return SQLITE_OK;
}
