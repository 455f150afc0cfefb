/* SPDX-License-Identifier: MIT */
#include "aggregate.h"

#include "database.h"

enum {
    SERIES_FEW = 128,       /* walked one by one at once */
    ROWS_FOR_A_SERIES = 24, /* asking one series costs as much as reading so many rows */
    KNOWN_MAX = 1 << 16
};

#define OF_SERIES "FROM by_series WHERE series = ?1 AND ts >= ?2 AND ts < ?3"
#define THAT_PASS " AND row < ?4 AND value BETWEEN ?5 AND ?6"

static const char *const texts[AGGREGATE_STATEMENTS] = {
    [AGGREGATE_KEY] = "SELECT key FROM series WHERE id = ?1",
    [AGGREGATE_ENTRIES] = "SELECT ts, row, value " OF_SERIES,
    [AGGREGATE_ENTRIES_N] = "SELECT count(*) " OF_SERIES,
    [AGGREGATE_ENTRIES_OLD] = "SELECT count(*) " OF_SERIES " AND row < ?4",
    [AGGREGATE_FIRST_ENTRY] = "SELECT ts " OF_SERIES THAT_PASS " ORDER BY ts LIMIT 1",
    [AGGREGATE_LAST_ENTRY] = "SELECT ts " OF_SERIES THAT_PASS " ORDER BY ts DESC LIMIT 1",
    [AGGREGATE_ZONES] = "SELECT block FROM zone WHERE max_ts >= ?1 AND min_ts < ?2",
    [AGGREGATE_ZONES_N] = "SELECT count(*) FROM zone WHERE max_ts >= ?1 AND min_ts < ?2",
    [AGGREGATE_ZONES_OF] = "SELECT block FROM zone WHERE block BETWEEN ?3 AND ?4 AND +max_ts >= ?1 AND +min_ts < ?2",
    [AGGREGATE_NEWEST_ZONE] = "SELECT max(block) FROM zone",
    [AGGREGATE_NEWEST_OF] = "SELECT max_ts FROM zone WHERE +block <= ?1 ORDER BY max_ts DESC LIMIT 1",
    [AGGREGATE_ROWS] = "SELECT row, ts, value, series FROM metric WHERE row BETWEEN ?1 AND ?2",
};

int aggregator_open(struct aggregator *aggregator, sqlite3 *handle, struct lookup *lookup, struct selector *selector)
{
    aggregator->lookup = lookup;
    aggregator->selector = selector;
    return database_prepare(handle, texts, aggregator->statements, AGGREGATE_STATEMENTS);
}

/* A table that holds the handles of all series, if it can be. */
static int make_known(struct aggregator *aggregator, struct arena *arena)
{
    uint32_t n = 256;
    while (n < KNOWN_MAX && (n < 2 * aggregator->selection.n_series || !aggregator->selection.complete))
        n *= 2;
    aggregator->n_known = n;
    aggregator->known = arena_alloc(arena, n * sizeof(aggregator->known[0]));
    if (aggregator->known == NULL)
        return SQLITE_NOMEM;
    memset(aggregator->known, 0, n * sizeof(aggregator->known[0]));
    return SQLITE_OK;
}

static int select_series(struct aggregator *aggregator, struct arena *arena)
{
    struct selection *selection = &aggregator->selection;
    int code = selection_make(selection, aggregator->selector, aggregator->filter, arena);
    if (code == SQLITE_OK && selection->everything)
        code = selection_list(selection);
    return code != SQLITE_OK ? code : make_known(aggregator, arena);
}

/* Whether reading the zones of the range costs less than asking each series. */
static int choose(struct aggregator *aggregator)
{
    const struct selection *selection = &aggregator->selection;
    uint64_t n_rows = 0;
    aggregator->by_zones = !selection->complete;
    if (aggregator->by_zones || selection->n_series <= SERIES_FEW)
        return SQLITE_OK;
    int code = aggregate_zone_rows(aggregator, &n_rows);
    aggregator->by_zones = n_rows < (uint64_t)selection->n_series * ROWS_FOR_A_SERIES;
    return code;
}

/* Where the tail's rows and all others lie in time; what the view has of them is in the snapshot. */
static int look_at_tail(struct aggregator *aggregator, const struct tail_view *view)
{
    aggregator->tail_first = UINT64_MAX;
    aggregator->tail_last = 0;
    aggregator->tail_from_ms = INT64_MAX;
    aggregator->index_to_ms = INT64_MAX;
    if (view->n_runs == 0)
        return SQLITE_OK;
    aggregator->tail_first = view->runs[0]->first_row;
    aggregator->tail_last = view->runs[view->n_runs - 1]->first_row + view->n_rows[view->n_runs - 1] - 1;
    aggregate_tail_begin(aggregator, view);
    return aggregate_index_end(aggregator);
}

static int take_tail(struct aggregator *aggregator, struct tail_view *view)
{
    if (view->tail == NULL)
        return aggregate_tail_zones(aggregator);
    view->is_spare = false;
    int code = aggregate_tail(aggregator, view);
    view->is_spare = true;
    return code;
}

/* Takes all of the turn; lets go of the tail when nothing will be read of it again. */
static int take_all(struct aggregator *aggregator, struct tail_view *view, bool last)
{
    int code = aggregator->by_zones ? SQLITE_OK : take_tail(aggregator, view);
    if (last)
        tail_unpin(view);
    if (code != SQLITE_OK)
        return code;
    return aggregator->by_zones ? aggregate_zones(aggregator) : aggregate_all_series(aggregator);
}

static int measure(struct aggregator *aggregator, struct tail_view *view)
{
    aggregator->measuring = true;
    aggregator->first_ms = INT64_MAX;
    aggregator->last_ms = INT64_MIN;
    int code = take_all(aggregator, view, false);
    aggregator->measuring = false;
    if (code != SQLITE_OK)
        return code;
    return tally_extent(aggregator->tally, aggregator->first_ms, aggregator->last_ms) ? SQLITE_OK : SQLITE_DONE;
}

static int run_turns(struct aggregator *aggregator, const struct job *job, int64_t oldest_ms, struct tail_view *view)
{
    int code = SQLITE_OK;
    unsigned n_left = job->plan->compare ? 2 : 1;
    while (code == SQLITE_OK && tally_turn(aggregator->tally, &aggregator->low_ms, &aggregator->high_ms)) {
        n_left--;
        if (aggregator->low_ms < oldest_ms)
            aggregator->low_ms = oldest_ms;
        code = choose(aggregator);
        if (code == SQLITE_OK && tally_wants_extent(aggregator->tally))
            code = measure(aggregator, view);
        if (code == SQLITE_OK)
            code = take_all(aggregator, view, n_left == 0);
    }
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

int aggregator_run(struct aggregator *aggregator, struct job *job, size_t max_bytes, int64_t oldest_ms,
                   struct tail_view *view)
{
    struct slice detail;
    aggregator->filter = &job->plan->filter;
    int code = look_at_tail(aggregator, view);
    view->is_spare = true;
    if (code == SQLITE_OK)
        code = select_series(aggregator, &job->arena);
    if (code != SQLITE_OK)
        return code;
    aggregator->tally = tally_new(job->plan, max_bytes);
    if (aggregator->tally == NULL)
        return SQLITE_NOMEM;
    code = run_turns(aggregator, job, oldest_ms, view);
    if (code == SQLITE_OK) {
        enum status status = tally_finish(aggregator->tally, &job->arena, &job->result, &detail);
        if (status != STATUS_OK)
            job_fail(job, status, detail);
    }
    tally_free(&aggregator->tally);
    return code;
}
