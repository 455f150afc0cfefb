/* SPDX-License-Identifier: MIT */
/* aggregate: one plan worked out, inside a reader's snapshot.
 *
 * Two ways. Series by series: each selected series is walked in by_series over the range; where nothing but the
 * number of metrics matters, SQLite counts them. Rows from the first one of the tail on are not taken from the
 * index but from the tail, each once, and those that were touched from the table. As time mostly goes with the rows,
 * the index is read only up to where the rows before the tail end, and rows are told apart only from where the tail
 * begins. Zone by zone: where a few rows of many series are wanted, the stretches of the table that may hold them are
 * read, which needs no tail. While the index is walked the view of the tail can be spared: if the writer has taken it,
 * the next turn reads the same rows in the table.
 *
 * Functions with an `int` result give a code of SQLite; SQLITE_DONE says that the tally has failed and there is no
 * point in going on. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include <telemetry/job.h>

#include "aggregate/tally.h"
#include "lookup.h"
#include "selection.h"
#include "tail.h"

enum {
    AGGREGATE_KEY,         /* the bytes of a series */
    AGGREGATE_ENTRIES,     /* of a series in the range */
    AGGREGATE_ENTRIES_N,   /* how many */
    AGGREGATE_ENTRIES_OLD, /* how many before the tail's first row */
    AGGREGATE_FIRST_ENTRY, /* the earliest that passes */
    AGGREGATE_LAST_ENTRY,  /* the newest that passes */
    AGGREGATE_ZONES,       /* that may hold rows of the range */
    AGGREGATE_ZONES_N,     /* how many */
    AGGREGATE_ZONES_OF,    /* of some blocks, that may hold rows of the range */
    AGGREGATE_NEWEST_ZONE,
    AGGREGATE_NEWEST_OF, /* the newest timestamp in the zones up to a block */
    AGGREGATE_ROWS,
    AGGREGATE_STATEMENTS
};

/* The handle of a series met last, by the low bits of its number. */
struct known_handle {
    uint32_t series; /* 0: none */
    uint32_t handle;
    uint32_t epoch;
};

/* A reader's own; large, so not on the stack. */
struct aggregator {
    struct lookup *lookup;
    struct selector *selector;
    sqlite3_stmt *statements[AGGREGATE_STATEMENTS];
    /* of the plan under way */
    const struct filter *filter;
    struct tally *tally;
    struct selection selection;
    struct known_handle *known; /* in the job's arena */
    uint32_t n_known;           /* a power of two */
    uint64_t tail_first;        /* rows from this one on are the tail's; UINT64_MAX without a tail */
    uint64_t tail_last;         /* and up to this one in the view */
    int64_t tail_from_ms;       /* no entry of a tail's row in by_series is earlier */
    int64_t index_to_ms;        /* all entries of other rows are earlier */
    bool by_zones;
    /* of the turn under way */
    int64_t low_ms, high_ms; /* [low, high), what has expired left out */
    bool measuring;          /* only the extent is wanted */
    int64_t first_ms, last_ms;
};

/* Prepares on handle. Keeps lookup and selector. */
MUST_CHECK int aggregator_open(struct aggregator *aggregator, sqlite3 *handle, struct lookup *lookup,
                               struct selector *selector);

/* Works out job->plan into job->result, or sets the job's status; metrics older than oldest_ms are left out. The
 * tail is pinned as `view` since before the snapshot, and let go as soon as it is read. Whoever steps in while the view
 * is spare may let it go before. */
MUST_CHECK int aggregator_run(struct aggregator *aggregator, struct job *job, size_t max_bytes, int64_t oldest_ms,
                              struct tail_view *view);

/* aggregate_take.c: what a metric that was found means to the turn. */
/* Whether a metric lies in the range and passes the filter's bounds of values. */
bool aggregate_passes(const struct aggregator *aggregator, int64_t timestamp_ms, double value);
/* The handle of a series in the tally. */
MUST_CHECK int aggregate_handle(struct aggregator *aggregator, uint32_t series, uint32_t *ret_handle);
/* Takes a metric of a selected series that passes. */
MUST_CHECK int aggregate_take(struct aggregator *aggregator, uint32_t series, const struct sample *sample);

/* aggregate_series.c, aggregate_tail.c, aggregate_zones.c: take what there is of the turn. */
MUST_CHECK int aggregate_all_series(struct aggregator *aggregator);
MUST_CHECK int aggregate_tail(struct aggregator *aggregator, const struct tail_view *view);
MUST_CHECK int aggregate_zones(struct aggregator *aggregator);
/* The same rows as aggregate_tail(), from the table. */
MUST_CHECK int aggregate_tail_zones(struct aggregator *aggregator);
/* How many rows the zones of the range may hold. */
MUST_CHECK int aggregate_zone_rows(struct aggregator *aggregator, uint64_t *ret_n_rows);
/* Set tail_from_ms and index_to_ms. */
void aggregate_tail_begin(struct aggregator *aggregator, const struct tail_view *view);
MUST_CHECK int aggregate_index_end(struct aggregator *aggregator);
