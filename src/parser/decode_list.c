/* SPDX-License-Identifier: MIT */
/* decode_list: GET /metrics. Parameters and filters={...} become one filter in its canonical form,
 * whose bytes are also the key of the cached answer. */
#include "parser.h"

#include <telemetry/clock.h>

#include "grant.h"
#include "list_parameters.h"
#include "query/filters.h"
#include "refuse.h"

static bool read_parameters(struct parser *parser, struct list_query *query)
{
    struct slice rest = job_query(query->job);
    struct parameter parameter;
    while (parameter_next(query->job, &rest, &parameter)) {
        if (!list_parameter_is_known(parameter.name)) {
            job_refuse(query->job, STATUS_BAD_FILTER, "GET /metrics has no parameter \"%.*s\"", QUOTE(parameter.name));
            return false;
        }
        if (!list_parameter_read(parser, query, &parameter))
            return false;
    }
    return query->job->status == STATUS_OK;
}

static bool read_cursor(struct parser *parser, struct list_query *query)
{
    struct filter *filter = &query->job->filter;
    if (query->cursor.len == 0)
        return true;
    arena_reset(&parser->scratch);
    filter->has_after = cursor_parse(query->cursor, filter, &parser->scratch, &filter->after);
    if (!filter->has_after)
        job_fail(query->job, STATUS_BAD_CURSOR,
                 SLICE("a cursor goes with the filters and the order of the page it came from"));
    return filter->has_after;
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
    if (read_parameters(parser, &query) && list_parameters_end(&query) && grant_filter(job, &job->filter) &&
        read_cursor(parser, &query))
        set_cache_key(job);
}
