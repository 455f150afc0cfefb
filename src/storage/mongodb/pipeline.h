/* SPDX-License-Identifier: MIT */
/* pipeline: a plan as pipelines of MongoDB: typed BSON of our own making, of stages that every server has
 * from 4.4 on.
 *
 * Texts of a plan stand where a server takes values, or under $literal, so none is read as a path or an
 * operator. First come the conditions of the filter (query.h), which an index serves; then what makes a
 * document a metric, as far as a server can tell: its members are of the right kinds, numbers are finite, texts
 * not empty. A document that is foreign for another reason (document.h) is known by its group, or counted.
 *
 * Moments: { _id: { g: group, b: number of the bucket }, n, f, l: first and last timestamp, s: sum, lo, hi: least and
 * greatest value, m: mean, d: deviation }. `g` is missing without grouping, `b` without buckets. With tags, a
 * row whose g is null has all metrics of the bucket, each once.
 * Samples: { _id, name, tags, value, timestamp }, the tags empty where nobody needs them.
 * End: { timestamp }, of the first or the last metric. Pure: any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <bson/bson.h>

#include <telemetry/plan.h>

struct pipeline {
    const struct plan *plan;
    int64_t from_ms, to_ms; /* in place of the filter's */
    const int64_t *edges;   /* n_buckets + 1; of no use without buckets */
    uint32_t n_buckets;     /* 0: none */
    unsigned needs;         /* of tally.h */
};

/* Whether moments answer all that is needed. */
bool pipeline_has_moments(unsigned needs);

/* Append { pipeline: [...] } to an empty document. False without memory. */
bool pipeline_write_moments(bson_t *document, const struct pipeline *pipeline);
void pipeline_write_samples(bson_t *document, const struct pipeline *pipeline);
void pipeline_write_end(bson_t *document, const struct pipeline *pipeline, bool is_last);
