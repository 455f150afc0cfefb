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

/* Two catalogues of one version may be of different moments: then the store was in doubt. */
static bool is_granted(const struct parser *parser, struct slice prefix, const struct catalogue *catalogue)
{
    return parser->granted != NULL && parser->granted->version == catalogue->version &&
           parser->granted_from_ns == catalogue->made_ns && slice_equal(slice_of(parser->granted_prefix), prefix);
}

const struct catalogue *grant_catalogue(struct parser *parser, const struct job *job, struct catalogue *catalogue)
{
    struct slice prefix = job->access.prefix;
    if (prefix.len == 0)
        return catalogue;
    if (is_granted(parser, prefix, catalogue))
        return parser->granted;
    catalogue_release(&parser->granted);
    parser->granted = part_of(catalogue, prefix);
    parser->granted_from_ns = catalogue->made_ns;
    memcpy(parser->granted_prefix, prefix.data, prefix.len);
    parser->granted_prefix[prefix.len] = '\0';
    return parser->granted;
}
