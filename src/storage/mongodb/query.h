/* SPDX-License-Identifier: MIT */
/* query: a filter as a find of MongoDB: typed BSON of our own making.
 *
 * Each has a range of the timestamp, so an index always serves; which one is the server's choice, without
 * a hint: whether a name or a tag is rare, it can try out, and we cannot.
 *
 * A list is ordered by (timestamp, _id). With one name, its index has that order, and one find makes a
 * page. The indexes of tags and of the timestamp end at the timestamp, and an index that deletes by age
 * can have no further key, so there a page is put together (reader.c) of finds of two kinds: along
 * the index by timestamp alone, and within one timestamp by _id. Pure: any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <bson/bson.h>

#include <telemetry/filter.h>

enum query_kind {
    QUERY_PAGE,  /* by timestamp and _id: only with one name */
    QUERY_ALONG, /* by timestamp: in no order among equal ones */
    QUERY_WITHIN /* by _id, within the one timestamp after.timestamp_ms */
};

/* One find of a list. */
struct query {
    const struct filter *filter;
    enum query_kind kind;
    bool has_after; /* PAGE, WITHIN: behind this place; ALONG: behind its timestamp */
    struct list_position after;
    int64_t from_ms; /* of filter, or later where older metrics do not count */
    uint32_t limit;
    int64_t max_ms; /* how long the server may take */
};

/* Whether one find makes a page of this filter. */
bool query_is_of_one_name(const struct filter *filter);

/* Appends the conditions, and the options, to empty documents. */
void query_write_conditions(bson_t *document, const struct query *query);
void query_write_options(bson_t *document, const struct query *query);

/* The least text that is above all that begin with prefix, as bytes and as UTF-8, in `ret_text`, which has
 * room for the prefix; false when there is none. */
bool query_end_of_prefix(struct slice prefix, char *ret_text, size_t *ret_len);
