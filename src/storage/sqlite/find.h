/* SPDX-License-Identifier: MIT */
/* find: one list, inside a reader's snapshot.
 *
 * Two plans. Series by series: each selected series is read from the index in list order until the
 * page has no place left for it; entries not yet in the index come from the tail. Zone by zone: where
 * many series are selected, the newest (or oldest) stretches of the table are read until no other can
 * hold anything for the page. The zones go first when there are many series, for as long as that can
 * be cheaper than asking each series. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include <telemetry/job.h>

#include "lookup.h"
#include "page.h"
#include "selection.h"
#include "tail.h"

enum {
    FIND_SERIES_NEWEST,
    FIND_SERIES_OLDEST,
    FIND_ZONES_NEWEST,
    FIND_ZONES_OLDEST,
    FIND_NEWEST_ZONE,
    FIND_ROWS,
    FIND_STATEMENTS
};

/* A reader's own; large, so not on the stack. */
struct finder {
    struct lookup *lookup;
    struct selector selector;
    sqlite3_stmt *statements[FIND_STATEMENTS];
    /* of the list under way */
    const struct filter *filter;
    struct place low, high; /* both exclusive, whatever the order */
    struct selection selection;
    struct page stored, unmerged, page; /* found in the tables, in the tail, in both */
};

/* Prepares on handle. Keeps lookup. */
MUST_CHECK int finder_open(struct finder *finder, sqlite3 *handle, struct lookup *lookup);

/* Fills finder->page, of one more than the filter's limit, sorted. Metrics older than oldest_ms are
 * left out. The tail is pinned as `view` since before the snapshot, and let go as soon as it is read. */
MUST_CHECK int finder_run(struct finder *finder, struct job *job, int64_t oldest_ms, struct tail_view *view);
