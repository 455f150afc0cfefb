/* SPDX-License-Identifier: MIT */
/* selection: the series that a filter's name and tags select.
 *
 * The dictionary is walked along whichever condition promises the fewest series; each series' bytes
 * tell the rest. Up to SELECTION_MAX series are held; where there are more, a series is judged when
 * it is met. A reader's, inside one snapshot. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include <telemetry/arena.h>
#include <telemetry/filter.h>

enum { SELECT_RANGE, SELECT_TAG, SELECT_ALL, SELECT_ONE, SELECT_RANGE_COUNT, SELECT_TAG_COUNT, SELECT_STATEMENTS };
enum { SELECTION_MAX = 64 * 1024, SELECTION_BITS = 16 };

/* Prepared once for each reader. */
struct selector {
    sqlite3_stmt *statements[SELECT_STATEMENTS];
};

struct selection {
    struct selector *selector;
    const struct filter *filter;
    struct arena *arena;
    bool everything; /* the filter has no condition on the series */
    bool complete;   /* series[] holds all of them, sorted */
    uint32_t n_series;
    uint32_t capacity;
    uint32_t *series;
    uint64_t bits[(1 << SELECTION_BITS) / 64]; /* which numbers, by their low bits, may be selected */
    uint32_t *verdicts;                        /* of series met when not complete: number << 1 | selected */
};

MUST_CHECK int selector_open(struct selector *selector, sqlite3 *handle);

/* Finds the series. Keeps filter and arena while the selection is used. */
MUST_CHECK int selection_make(struct selection *selection, struct selector *selector, const struct filter *filter,
                              struct arena *arena);

/* Lists all series of a selection of everything, as far as SELECTION_MAX reaches. */
MUST_CHECK int selection_list(struct selection *selection);

/* SQLITE_ROW when the series is selected, SQLITE_DONE when not, or a failure. */
MUST_CHECK int selection_judge(struct selection *selection, uint32_t series);

/* The same without asking the store; complete, or everything. */
bool selection_has(const struct selection *selection, uint32_t series);
