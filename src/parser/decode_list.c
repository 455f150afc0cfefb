/* SPDX-License-Identifier: MIT */
/* decode_list: GET /metrics. Parameters and filters={...} become one filter in its canonical form,
 * whose bytes are also the key of the cached answer. */
#include "parser.h"

#include <telemetry/clock.h>

#include "list_fields.h"
#include "list_filters.h"
#include "query/filters.h"
#include "refuse.h"
#include "target.h"

static bool read_plain(struct list_query *query, const struct parameter *parameter)
{
    struct job *job = query->job;
    const struct list_field *field = list_fields;
    const struct list_field *end = list_fields + LIST_FIELDS;
    while (field < end && !slice_equal(parameter->name, slice_of(field->parameter)))
        field++;
    if (field == end) {
        job_refuse(job, STATUS_BAD_FILTER, "GET /metrics has no parameter \"%.*s\"", QUOTE(parameter->name));
        return false;
    }
    uint32_t bit = 1U << (field - list_fields);
    const char *fault = (query->plain & bit) != 0 && !field->repeats ? "it is given twice" : NULL;
    query->plain |= bit;
    if (fault == NULL)
        fault = field->read(query, parameter->value);
    if (fault != NULL)
        job_refuse(job, STATUS_BAD_FILTER, "%s: %s", field->parameter, fault);
    return fault == NULL;
}

static void read_parameters(struct parser *parser, struct list_query *query)
{
    struct slice rest = job_query(query->job);
    struct parameter parameter;
    bool has_filters = false;
    bool good = true;
    while (good && parameter_next(query->job, &rest, &parameter)) {
        if (!slice_equal(parameter.name, SLICE("filters"))) {
            good = read_plain(query, &parameter);
        } else if (has_filters) {
            job_fail(query->job, STATUS_BAD_FILTER, SLICE("filters: it is given twice"));
            good = false;
        } else {
            has_filters = true;
            good = list_filters_read(parser, query, parameter.value);
        }
    }
}

/* Each field has one place. */
static void refuse_doubles(struct list_query *query)
{
    uint32_t both = query->plain & query->json;
    if (query->job->status == STATUS_OK && both != 0)
        job_refuse(query->job, STATUS_BAD_FILTER, "%s is given both as a parameter and in filters",
                   list_fields[__builtin_ctz(both)].parameter);
}

static void finish_filter(struct parser *parser, struct list_query *query)
{
    struct job *job = query->job;
    struct filter *filter = &job->filter;
    const char *fault = filter_normalise(filter);
    if (fault != NULL) {
        job_fail(job, STATUS_BAD_FILTER, slice_of(fault));
        return;
    }
    if (query->cursor.len == 0)
        return;
    arena_reset(&parser->scratch);
    filter->has_after = cursor_parse(query->cursor, filter, &parser->scratch, &filter->after);
    if (!filter->has_after)
        job_fail(job, STATUS_BAD_CURSOR,
                 SLICE("a cursor goes with the filters and the order of the page it came from"));
}

static void set_cache_key(struct job *job)
{
    struct slice canonical = filter_canonical(&job->filter, true, &job->arena);
    struct text key = text_in(&job->arena, canonical.len + 8);
    text_literal(&key, "list:");
    text_append(&key, canonical.data, canonical.len);
    if (canonical.data == NULL || key.failed) {
        job_fail(job, STATUS_OUT_OF_MEMORY, SLICE(""));
        return;
    }
    bool one_name = job->filter.name.len > 0 && !job->filter.name_is_prefix;
    job->cache.key = text_slice(&key);
    job->cache.scope = one_name ? SCOPE_NAME : SCOPE_ALL;
    job->cache.scope_text = one_name ? job->filter.name : (struct slice){ NULL, 0 };
}

void decode_list(struct parser *parser, struct job *job)
{
    struct list_query query = { .job = job, .now_ms = clock_wall_ms() };
    filter_init(&job->filter);
    read_parameters(parser, &query);
    refuse_doubles(&query);
    if (job->status == STATUS_OK)
        finish_filter(parser, &query);
    if (job->status == STATUS_OK)
        set_cache_key(job);
}
