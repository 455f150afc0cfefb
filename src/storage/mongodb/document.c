/* SPDX-License-Identifier: MIT */
#include "document.h"

#include <math.h>
#include <string.h>

#include <telemetry/utf8.h>

/* What a document holds, before it is held to be a metric. */
struct parts {
    struct slice name;
    struct slice tags[METRIC_TAGS_MAX];
    unsigned n_tags;
    bool has_value, has_timestamp, has_tags;
};

/* Writing ------------------------------------------------------------------ */

void document_write_id(bson_t *document, const char *key, const struct metric_id *id)
{
    bson_oid_t oid;
    memcpy(oid.bytes, id->bytes, METRIC_ID_BYTES);
    bson_append_oid(document, key, -1, &oid);
}

static void write_tags(bson_t *document, const struct metric *metric)
{
    bson_t array;
    struct slice tag;
    size_t cursor = 0;
    char digits[16];
    const char *key;
    bson_append_array_begin(document, "tags", 4, &array);
    for (uint32_t i = 0; metric_next_tag(metric, &cursor, &tag); i++) {
        size_t len = bson_uint32_to_string(i, &key, digits, sizeof(digits));
        bson_append_utf8(&array, key, (int)len, tag.data, (int)tag.len);
    }
    bson_append_array_end(document, &array);
}

void document_write(bson_t *document, const struct metric *metric, bool with_id)
{
    if (with_id)
        document_write_id(document, "_id", &metric->id);
    bson_append_utf8(document, "name", 4, metric->series.data, metric->name_bytes);
    write_tags(document, metric);
    bson_append_double(document, "value", 5, metric->value);
    bson_append_date_time(document, "timestamp", 9, metric->timestamp_ms);
}

void document_write_condition(bson_t *condition, const bson_t *document)
{
    static const char *const keys[] = { "_id", "name", "tags", "value", "timestamp" };
    bson_iter_t iter;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (bson_iter_init_find(&iter, document, keys[i]))
            bson_append_iter(condition, keys[i], -1, &iter);
}

/* Reading ------------------------------------------------------------------ */

/* Text that a metric may hold: the series is cut at NULs, and answers are JSON in UTF-8. */
bool document_is_text(struct slice text, size_t max)
{
    if (text.len == 0 || text.len > max)
        return false;
    for (size_t i = 0; i < text.len;) {
        size_t len = utf8_length(text.data + i, text.len - i);
        if (len == 0 || utf8_is_control(text.data + i, len))
            return false;
        i += len;
    }
    return true;
}

static bool read_text(const bson_iter_t *iter, size_t max, struct slice *ret_text)
{
    uint32_t len;
    if (!BSON_ITER_HOLDS_UTF8(iter))
        return false;
    const char *data = bson_iter_utf8(iter, &len);
    *ret_text = (struct slice){ data, len };
    return document_is_text(*ret_text, max);
}

static bool read_tags(const bson_iter_t *iter, struct parts *parts)
{
    bson_iter_t tag;
    if (!BSON_ITER_HOLDS_ARRAY(iter) || !bson_iter_recurse(iter, &tag))
        return false;
    while (bson_iter_next(&tag))
        if (parts->n_tags == METRIC_TAGS_MAX || !read_text(&tag, METRIC_TAG_MAX, &parts->tags[parts->n_tags++]))
            return false;
    return true;
}

static bool read_value(const bson_iter_t *iter, struct metric *metric)
{
    metric->value = bson_iter_as_double(iter);
    return BSON_ITER_HOLDS_NUMBER(iter) && isfinite(metric->value);
}

static bool read_timestamp(const bson_iter_t *iter, struct metric *metric)
{
    if (!BSON_ITER_HOLDS_DATE_TIME(iter))
        return false;
    metric->timestamp_ms = bson_iter_date_time(iter);
    return metric->timestamp_ms >= METRIC_TIMESTAMP_MIN && metric->timestamp_ms <= METRIC_TIMESTAMP_MAX;
}

static bool read_id(const bson_iter_t *iter, struct metric *metric)
{
    if (!BSON_ITER_HOLDS_OID(iter))
        return false;
    memcpy(metric->id.bytes, bson_iter_oid(iter)->bytes, METRIC_ID_BYTES);
    metric->has_id = true;
    return true;
}

/* Reads one member; false when it is not as a metric's. Members of other names are let pass. */
static bool read_member(const bson_iter_t *iter, struct parts *parts, struct metric *metric)
{
    const char *key = bson_iter_key(iter);
    if (strcmp(key, "_id") == 0)
        return read_id(iter, metric);
    if (strcmp(key, "name") == 0)
        return read_text(iter, METRIC_NAME_MAX, &parts->name);
    if (strcmp(key, "tags") == 0)
        return parts->has_tags = read_tags(iter, parts);
    if (strcmp(key, "value") == 0)
        return parts->has_value = read_value(iter, metric);
    if (strcmp(key, "timestamp") == 0)
        return parts->has_timestamp = read_timestamp(iter, metric);
    return true;
}

enum document_result document_read(const bson_t *document, struct arena *arena, struct metric *ret_metric)
{
    struct parts parts = { .n_tags = 0 };
    bson_iter_t iter;
    bool good = bson_iter_init(&iter, document);
    *ret_metric = (struct metric){ .has_id = false };
    while (bson_iter_next(&iter))
        good = read_member(&iter, &parts, ret_metric) && good;
    if (!good || !ret_metric->has_id || parts.name.len == 0 || !parts.has_tags || !parts.has_value ||
        !parts.has_timestamp)
        return DOCUMENT_FOREIGN;
    return metric_set_series(ret_metric, arena, parts.name, parts.tags, parts.n_tags) ? DOCUMENT_OK
                                                                                      : DOCUMENT_NO_MEMORY;
}
