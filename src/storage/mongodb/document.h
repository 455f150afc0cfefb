/* SPDX-License-Identifier: MIT */
/* document: a metric as MongoDB keeps it:
 *
 *     { _id: ObjectId, name: string, tags: [string], value: double, timestamp: Date }
 *
 * Pure: any thread. */
#pragma once

#include <stdbool.h>

#include <bson/bson.h>

#include <telemetry/arena.h>
#include <telemetry/metric.h>

enum document_result {
    DOCUMENT_OK,
    DOCUMENT_FOREIGN, /* not a metric: something else wrote it */
    DOCUMENT_NO_MEMORY
};

/* Appends a metric's members to a document; `with_id` says whether _id is one of them. */
void document_write(bson_t *document, const struct metric *metric, bool with_id);

/* Appends { key: ObjectId }. */
void document_write_id(bson_t *document, const char *key, const struct metric_id *id);

/* Appends what document_read() reads of a document, as it stands there: a condition that it is still the same. A metric
 * that another tool wrote has its tags in an order of its own, or a number that no double is. */
void document_write_condition(bson_t *condition, const bson_t *document);

/* Whether a metric may have this name or tag, of at most `max` bytes: text in UTF-8 without control characters. */
bool document_is_text(struct slice text, size_t max);

/* Reads a metric, its series into the arena. Of a foreign document the id and the timestamp are set where
 * it has them, and name_bytes is 0. A value may be any kind of number. */
enum document_result document_read(const bson_t *document, struct arena *arena, struct metric *ret_metric);
