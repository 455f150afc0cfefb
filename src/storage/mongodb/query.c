/* SPDX-License-Identifier: MIT */
#include "query.h"

#include <math.h>
#include <string.h>

#include "document.h"

/* Conditions ------------------------------------------------------------------- */

bool query_is_of_one_name(const struct filter *filter)
{
    return filter->name.len > 0 && !filter->name_is_prefix;
}

static uint32_t decode_character(const char *text, size_t len)
{
    static const unsigned char masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    uint32_t character = (unsigned char)text[0] & masks[len];
    for (size_t i = 1; i < len; i++)
        character = character << 6 | ((unsigned char)text[i] & 0x3f);
    return character;
}

static size_t encode_character(uint32_t character, char ret_text[4])
{
    size_t len = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    static const unsigned char marks[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    for (size_t i = len - 1; i > 0; i--, character >>= 6)
        ret_text[i] = (char)(0x80 | (character & 0x3f));
    ret_text[0] = (char)(marks[len] | character);
    return len;
}

bool query_end_of_prefix(struct slice prefix, char *ret_text, size_t *ret_len)
{
    static const uint32_t last = 0x10ffff, before_surrogates = 0xd7ff, behind_surrogates = 0xe000;
    size_t start = prefix.len;
    while (start > 0) {
        size_t end = start--;
        while (start > 0 && ((unsigned char)prefix.data[start] & 0xc0) == 0x80)
            start--;
        uint32_t character = decode_character(prefix.data + start, end - start);
        char next[4];
        if (character == last)
            continue;
        size_t len = encode_character(character == before_surrogates ? behind_surrogates : character + 1, next);
        memmove(ret_text, prefix.data, start);
        memcpy(ret_text + start, next, len);
        *ret_len = start + len;
        return true;
    }
    return false;
}

static void write_name(bson_t *document, const struct filter *filter)
{
    bson_t range;
    char end[METRIC_NAME_MAX + 4];
    size_t len;
    if (filter->name.len == 0)
        return;
    if (!filter->name_is_prefix) {
        bson_append_utf8(document, "name", -1, filter->name.data, (int)filter->name.len);
        return;
    }
    BSON_APPEND_DOCUMENT_BEGIN(document, "name", &range);
    bson_append_utf8(&range, "$gte", -1, filter->name.data, (int)filter->name.len);
    if (query_end_of_prefix(filter->name, end, &len))
        bson_append_utf8(&range, "$lt", -1, end, (int)len);
    bson_append_document_end(document, &range);
}

static void write_set(bson_t *tags, const char *operator, const struct slice slices[], unsigned n)
{
    bson_t array;
    char digits[16];
    const char *key;
    if (n == 0)
        return;
    bson_append_array_begin(tags, operator, - 1, &array);
    for (uint32_t i = 0; i < n; i++) {
        bson_uint32_to_string(i, &key, digits, sizeof(digits));
        bson_append_utf8(&array, key, -1, slices[i].data, (int)slices[i].len);
    }
    bson_append_array_end(tags, &array);
}

static void write_tags(bson_t *document, const struct filter *filter)
{
    bson_t tags;
    int n_others = filter->n_any_tags + filter->n_not_tags;
    if (n_others == 0 && filter->n_tags == 1) /* the plain form of $all of one */
        bson_append_utf8(document, "tags", -1, filter->tags[0].data, (int)filter->tags[0].len);
    if (n_others == 0 && filter->n_tags < 2)
        return;
    BSON_APPEND_DOCUMENT_BEGIN(document, "tags", &tags);
    write_set(&tags, "$all", filter->tags, filter->n_tags);
    write_set(&tags, "$in", filter->any_tags, filter->n_any_tags);
    write_set(&tags, "$nin", filter->not_tags, filter->n_not_tags);
    bson_append_document_end(document, &tags);
}

static void write_values(bson_t *document, const struct filter *filter)
{
    bson_t range;
    if (filter->min == -INFINITY && filter->max == INFINITY)
        return;
    BSON_APPEND_DOCUMENT_BEGIN(document, "value", &range);
    if (filter->min > -INFINITY)
        BSON_APPEND_DOUBLE(&range, "$gte", filter->min);
    if (filter->max < INFINITY)
        BSON_APPEND_DOUBLE(&range, "$lte", filter->max);
    bson_append_document_end(document, &range);
}

/* The times of the filter, from the place on; always a range of dates, so that whatever is no date stays
 * out. Both ends belong to it, so that none is a date that no calendar has. */
static void write_times(bson_t *document, const struct query *query)
{
    bson_t range;
    int64_t step = query->kind == QUERY_ALONG, after_ms = query->after.timestamp_ms;
    int64_t first_ms = query->from_ms, last_ms = query->filter->to_ms;
    first_ms = first_ms < METRIC_TIMESTAMP_MIN ? METRIC_TIMESTAMP_MIN : first_ms;
    last_ms = last_ms > METRIC_TIMESTAMP_MAX ? METRIC_TIMESTAMP_MAX : last_ms == INT64_MIN ? INT64_MIN : last_ms - 1;
    if (query->has_after && query->filter->ascending && after_ms + step > first_ms)
        first_ms = after_ms + step;
    if (query->has_after && !query->filter->ascending && after_ms - step < last_ms)
        last_ms = after_ms - step;
    if (first_ms > METRIC_TIMESTAMP_MAX || last_ms < METRIC_TIMESTAMP_MIN) { /* nothing is there */
        first_ms = METRIC_TIMESTAMP_MAX;
        last_ms = METRIC_TIMESTAMP_MIN;
    }
    BSON_APPEND_DOCUMENT_BEGIN(document, "timestamp", &range);
    if (first_ms > METRIC_TIMESTAMP_MIN) /* not $gte: the stand-in for MongoDB that tests run on loses the equal ones */
        BSON_APPEND_DATE_TIME(&range, "$gt", first_ms - 1);
    else
        BSON_APPEND_DATE_TIME(&range, "$gte", first_ms);
    BSON_APPEND_DATE_TIME(&range, "$lte", last_ms);
    bson_append_document_end(document, &range);
}

static void write_behind(bson_t *document, const char *operator, const struct list_position * after)
{
    bson_t range;
    struct metric_id id;
    memcpy(id.bytes, after->tie, METRIC_ID_BYTES);
    BSON_APPEND_DOCUMENT_BEGIN(document, "_id", &range);
    document_write_id(&range, operator, & id);
    bson_append_document_end(document, &range);
}

/* Behind a place in the order of (timestamp, _id): the time range above begins at its timestamp already. */
static void write_place(bson_t *document, const struct query *query)
{
    const char *operator= query->filter->ascending ? "$gt" : "$lt";
    bson_t either, branch, range;
    BSON_APPEND_ARRAY_BEGIN(document, "$or", &either);
    BSON_APPEND_DOCUMENT_BEGIN(&either, "0", &branch);
    BSON_APPEND_DOCUMENT_BEGIN(&branch, "timestamp", &range);
    BSON_APPEND_DATE_TIME(&range, operator, query->after.timestamp_ms);
    bson_append_document_end(&branch, &range);
    bson_append_document_end(&either, &branch);
    BSON_APPEND_DOCUMENT_BEGIN(&either, "1", &branch);
    BSON_APPEND_DATE_TIME(&branch, "timestamp", query->after.timestamp_ms);
    write_behind(&branch, operator, & query->after);
    bson_append_document_end(&either, &branch);
    bson_append_array_end(document, &either);
}

void query_write_conditions(bson_t *document, const struct query *query)
{
    write_name(document, query->filter);
    write_tags(document, query->filter);
    write_values(document, query->filter);
    if (query->kind == QUERY_WITHIN)
        BSON_APPEND_DATE_TIME(document, "timestamp", query->after.timestamp_ms);
    else
        write_times(document, query);
    if (query->has_after && query->kind == QUERY_WITHIN)
        write_behind(document, query->filter->ascending ? "$gt" : "$lt", &query->after);
    if (query->has_after && query->kind == QUERY_PAGE)
        write_place(document, query);
}

/* Options ---------------------------------------------------------------------- */

static void write_order(bson_t *document, const struct query *query)
{
    bson_t sort;
    int32_t order = query->filter->ascending ? 1 : -1;
    BSON_APPEND_DOCUMENT_BEGIN(document, "sort", &sort);
    if (query->kind != QUERY_WITHIN)
        BSON_APPEND_INT32(&sort, "timestamp", order);
    if (query->kind != QUERY_ALONG)
        BSON_APPEND_INT32(&sort, "_id", order);
    bson_append_document_end(document, &sort);
}

/* All in one batch, which fits a message: a metric is of some 5 KiB at most. So no cursor is left open. */
void query_write_options(bson_t *document, const struct query *query)
{
    write_order(document, query);
    BSON_APPEND_INT64(document, "limit", query->limit);
    BSON_APPEND_INT64(document, "batchSize", query->limit);
    BSON_APPEND_BOOL(document, "singleBatch", true);
    BSON_APPEND_INT64(document, "maxTimeMS", query->max_ms);
}
