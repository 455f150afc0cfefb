/* SPDX-License-Identifier: MIT */
/* moments: a row of the server's answer to a pipeline of moments (pipeline.h). Pure: any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <bson/bson.h>

#include <telemetry/plan.h>

#include "aggregate/tally.h"

struct moments_row {
    bool is_of_all;     /* grouped by tags: all metrics of the bucket, whatever their tags */
    struct slice group; /* in the document; empty without grouping */
    uint32_t bucket;    /* 0 without buckets */
    int64_t first_ms, last_ms;
    struct moments moments;
};

/* Reads a row. False when no metric can be of its group, or it is no such row. */
bool moments_read(const bson_t *document, const struct plan *plan, struct moments_row *ret_row);
