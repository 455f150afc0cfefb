/* SPDX-License-Identifier: MIT */
/* cell: the metrics of one group in one bucket, as far as a plan's measures need to know them.
 *
 * A cell is a run of zeroed bytes of the length that its form says; behind the count stand only the parts that
 * the plan needs. Sums are compensated (Neumaier 1974), mean and spread are Welford's (1962) and are merged
 * as Chan, Golub and LeVeque do (1983). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <telemetry/plan.h>
#include <telemetry/status.h>

#include "tally.h"

struct pool;

enum part {
    PART_SUM,
    PART_EXTREMES,
    PART_SPREAD,
    PART_FIRST,
    PART_LATEST,
    PART_QUANTILE,
    PART_DISTINCT,
    PART_NAMES,
    PART_TAGS,
    PART_COUNT
};

/* Where the parts of a plan's cells stand. */
struct form {
    const struct plan *plan;
    unsigned needs;          /* TALLY_ bits */
    uint32_t bytes;          /* of a cell; a multiple of 8 */
    uint16_t at[PART_COUNT]; /* offsets; 0: the plan does not need this part */
};

struct cell {
    uint64_t count;
};

/* Keeps plan. */
void form_init(struct form *form, const struct plan *plan);

/* Memory of sketches and sets is the pool's; all give false when it is exhausted. */
MUST_CHECK bool cell_add(const struct form *form, struct cell *cell, struct pool *pool, const struct sample *sample);
/* Notes the name and tags of a series (its bytes, as in metric.h) by its handle. */
MUST_CHECK bool cell_note(const struct form *form, struct cell *cell, struct pool *pool, uint32_t handle,
                          struct slice series);
void cell_add_moments(const struct form *form, struct cell *cell, const struct moments *moments);
MUST_CHECK bool cell_merge(const struct form *form, struct cell *cell, struct pool *pool, const struct cell *other);
void cell_clear(const struct form *form, struct cell *cell, struct pool *pool);

/* The number of a measure over so many milliseconds. Of a cell without metrics, or NULL: 0 of measures that count, NAN
 * of others. NAN also where the number is beyond a double's range. */
double cell_measure(const struct form *form, struct cell *cell, const struct plan_measure *measure, uint64_t span_ms);
/* Whether a measure of this cell comes from a sketch. */
bool cell_is_approximate(const struct form *form, const struct cell *cell);
