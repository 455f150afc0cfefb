/* SPDX-License-Identifier: MIT */
#include "list_parameters.h"

#include "list_filters.h"
#include "query/filters.h"
#include "refuse.h"

static const struct list_field *find(struct slice name)
{
    for (const struct list_field *field = list_fields; field < list_fields + LIST_FIELDS; field++)
        if (slice_equal(name, slice_of(field->parameter)))
            return field;
    return NULL;
}

bool list_parameter_is_known(struct slice name)
{
    return slice_equal(name, SLICE("filters")) || find(name) != NULL;
}

static bool read_field(struct list_query *query, const struct list_field *field, struct slice value)
{
    uint32_t bit = 1U << (field - list_fields);
    const char *fault = (query->plain & bit) != 0 && !field->repeats ? "it is given twice" : NULL;
    query->plain |= bit;
    if (fault == NULL)
        fault = field->read(query, value);
    if (fault != NULL)
        job_refuse(query->job, STATUS_BAD_FILTER, "%s: %s", field->parameter, fault);
    return fault == NULL;
}

bool list_parameter_read(struct parser *parser, struct list_query *query, const struct parameter *parameter)
{
    if (!slice_equal(parameter->name, SLICE("filters")))
        return read_field(query, find(parameter->name), parameter->value);
    if (query->has_filters) {
        job_fail(query->job, STATUS_BAD_FILTER, SLICE("filters: it is given twice"));
        return false;
    }
    query->has_filters = true;
    return list_filters_read(parser, query, parameter->value);
}

bool list_parameters_end(struct list_query *query)
{
    uint32_t both = query->plain & query->json;
    if (both != 0) {
        job_refuse(query->job, STATUS_BAD_FILTER, "%s is given both as a parameter and in filters",
                   list_fields[__builtin_ctz(both)].parameter);
        return false;
    }
    const char *fault = filter_normalise(&query->job->filter);
    if (fault != NULL)
        job_fail(query->job, STATUS_BAD_FILTER, slice_of(fault));
    return fault == NULL;
}
