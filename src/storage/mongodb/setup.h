/* SPDX-License-Identifier: MIT */
/* setup: what the collection needs before it is used: its indexes, and on a sharded cluster its shards.
 *
 *     { name: 1, timestamp: -1, _id: -1 }   lists of one name, or of a prefix
 *     { tags: 1, timestamp: -1 }            lists of tags
 *     { timestamp: 1 }                      all others; it deletes what is too old when RETENTION_DAYS is set
 *
 * All of it can be done again and again, by several servers at once. */
#pragma once

#include "failure.h"
#include "probe.h"

struct link;
struct store;

/* The indexes by their keys. */
enum setup_index { INDEX_NAME, INDEX_TAGS, INDEX_TIMESTAMP, INDEX_COUNT };

/* Appends the keys of an index to a document. */
void setup_index_keys(bson_t *document, enum setup_index index);

/* Makes what is missing. An index of much data takes longer than a call may: then FAILURE_SETTING_UP, and
 * a later call finds it further on. The thread of the link. On failure error holds its text. */
enum failure setup_run(struct store *store, struct link *link, enum server_kind kind, bson_error_t *error);

/* Seconds behind the timestamp at which the store deletes a metric; -1: never. MongoDB counts them in 31
 * bits: metrics of a longer retention stay, but are not shown. */
int64_t setup_expiry_s(const struct store *store);
