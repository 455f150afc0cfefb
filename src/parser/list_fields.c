/* SPDX-License-Identifier: MIT */
#include "list_fields.h"

#include <stdlib.h>

#include <telemetry/zone.h>

#include "json_gate.h"
#include "query/filters.h"

static const char *read_name(struct list_query *query, struct slice text)
{
    struct filter *filter = &query->job->filter;
    if (text.len == 0)
        return "name must not be empty";
    filter->name_is_prefix = text.data[text.len - 1] == '*';
    filter->name = (struct slice){ text.data, text.len - filter->name_is_prefix };
    return NULL;
}

static const char *add_tag(struct list_query *query, struct slice **tags, uint8_t *n_tags, struct slice text)
{
    if (text.len == 0)
        return "a tag must not be empty";
    if (text.len > METRIC_TAG_MAX)
        return "a tag has at most 128 bytes";
    if (*n_tags == FILTER_TAGS_MAX)
        return "a filter takes at most 32 tags of a kind";
    if (*tags == NULL)
        *tags = arena_alloc(&query->job->arena, FILTER_TAGS_MAX * sizeof((*tags)[0]));
    if (*tags == NULL)
        return "there is no memory for it";
    (*tags)[(*n_tags)++] = text;
    return NULL;
}
_Static_assert(METRIC_TAG_MAX == 128 && FILTER_TAGS_MAX == 32, "sentences name them");

static const char *read_tag(struct list_query *query, struct slice text)
{
    return add_tag(query, &query->job->filter.tags, &query->job->filter.n_tags, text);
}

static const char *read_any_tag(struct list_query *query, struct slice text)
{
    return add_tag(query, &query->job->filter.any_tags, &query->job->filter.n_any_tags, text);
}

static const char *read_not_tag(struct list_query *query, struct slice text)
{
    return add_tag(query, &query->job->filter.not_tags, &query->job->filter.n_not_tags, text);
}

static const char *read_time(struct list_query *query, struct slice text, int64_t *ret_ms)
{
    const char *fault = time_point_parse(text, query->now_ms, ret_ms);
    if (fault == NULL && query->zone != NULL && time_point_is_date(text))
        *ret_ms = zone_to_utc(query->zone, *ret_ms);
    return fault;
}

static const char *read_from(struct list_query *query, struct slice text)
{
    query->job->filter.from_moves = slice_starts_with(text, SLICE("now"));
    return read_time(query, text, &query->job->filter.from_ms);
}

static const char *read_to(struct list_query *query, struct slice text)
{
    query->job->filter.to_moves = slice_starts_with(text, SLICE("now"));
    return read_time(query, text, &query->job->filter.to_ms);
}

/* A number as JSON writes it. */
static const char *read_number(struct slice text, double *ret_number)
{
    struct json_gate gate;
    struct json_value value;
    char copy[GATE_NUMBER_BYTES_MAX + 1];
    gate_open(&gate, text, 1);
    if (!gate_value(&gate, &value) || !gate_end(&gate) || value.kind != JSON_NUMBER)
        return "it must be a number";
    memcpy(copy, value.text.data, value.text.len);
    copy[value.text.len] = '\0';
    *ret_number = strtod(copy, NULL);
    return NULL;
}

static const char *read_min(struct list_query *query, struct slice text)
{
    return read_number(text, &query->job->filter.min);
}

static const char *read_max(struct list_query *query, struct slice text)
{
    return read_number(text, &query->job->filter.max);
}

const char *count_parse(struct slice text, uint32_t *ret_count)
{
    uint32_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return "it must be a whole number";
        if (count <= FILTER_LIMIT_MAX)
            count = 10 * count + (uint32_t)(text.data[i] - '0');
    }
    if (count < 1 || count > FILTER_LIMIT_MAX)
        return "it must be 1 to 1000";
    *ret_count = count;
    return NULL;
}
_Static_assert(FILTER_LIMIT_MAX == 1000 && PLAN_K_MAX == 1000, "a sentence names it");

static const char *read_limit(struct list_query *query, struct slice text)
{
    return count_parse(text, &query->job->filter.limit);
}

static const char *read_order(struct list_query *query, struct slice text)
{
    query->job->filter.ascending = slice_equal(text, SLICE("asc"));
    return query->job->filter.ascending || slice_equal(text, SLICE("desc")) ? NULL : "it must be asc or desc";
}

static const char *read_cursor(struct list_query *query, struct slice text)
{
    query->cursor = text;
    return text.len == 0 ? "it must not be empty; leave it out for the first page" : NULL;
}

const struct list_field list_fields[LIST_FIELDS] = {
    { "name", "name", FORM_STRING, false, read_name },
    { "tag", "tags", FORM_STRINGS, true, read_tag },
    { "any_tag", "any_tags", FORM_STRINGS, true, read_any_tag },
    { "not_tag", "not_tags", FORM_STRINGS, true, read_not_tag },
    { "from", "from", FORM_TIME, false, read_from },
    { "to", "to", FORM_TIME, false, read_to },
    { "min", "min", FORM_NUMBER, false, read_min },
    { "max", "max", FORM_NUMBER, false, read_max },
    { "limit", NULL, FORM_NONE, false, read_limit },
    { "order", NULL, FORM_NONE, false, read_order },
    { "cursor", NULL, FORM_NONE, false, read_cursor },
};
