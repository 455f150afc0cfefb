/* SPDX-License-Identifier: MIT */
#include "grant.h"

#include <stdlib.h>

#include <telemetry/access.h>

#include "parser.h"

static bool forbid(struct job *job)
{
    job_fail(job, STATUS_FORBIDDEN, SLICE(""));
    return false;
}

bool grant_route(struct job *job)
{
    if (job->access.role >= job->route->role)
        return true;
    if (job->access.role != ROLE_NONE)
        return forbid(job);
    job_fail(job, STATUS_UNAUTHORIZED, SLICE(""));
    return false;
}

bool grant_filter(struct job *job, struct filter *filter)
{
    struct slice prefix = job->access.prefix;
    if (slice_starts_with(filter->name, prefix))
        return true;
    bool is_wider = filter->name.len == 0 || (filter->name_is_prefix && slice_starts_with(prefix, filter->name));
    if (!is_wider)
        return forbid(job);
    filter->name = prefix;
    filter->name_is_prefix = true;
    return true;
}

bool grant_metrics(struct job *job)
{
    for (uint32_t i = 0; i < job->n_metrics; i++)
        if (!job_may_touch(job, &job->metrics[i]))
            return forbid(job);
    return true;
}

/* Names that begin with prefix stand together. */
static struct catalogue *part_of(const struct catalogue *catalogue, struct slice prefix)
{
    uint32_t first = 0, n = 0;
    while (first < catalogue->n_names && slice_compare(catalogue->names[first], prefix) < 0)
        first++;
    while (first + n < catalogue->n_names && slice_starts_with(catalogue->names[first + n], prefix))
        n++;
    struct slice *names = malloc((n + 1) * sizeof(names[0]));
    if (names == NULL)
        return NULL;
    memcpy(names, catalogue->names + first, n * sizeof(names[0]));
    struct catalogue *part = catalogue_new(names, n, NULL, 0, true, catalogue->version);
    free(names);
    return part;
}

const struct catalogue *grant_catalogue(struct parser *parser, const struct job *job, struct catalogue *catalogue)
{
    if (job->access.prefix.len == 0)
        return catalogue;
    catalogue_release(&parser->granted);
    parser->granted = part_of(catalogue, job->access.prefix);
    return parser->granted;
}
