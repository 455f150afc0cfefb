/* SPDX-License-Identifier: MIT */
#include "cache/scopes.h"

static struct slice id_text(const struct metric_id *id)
{
    return (struct slice){ (const char *)id->bytes, METRIC_ID_BYTES };
}

struct slice scope_read(const struct job_cache *cache, struct metric_id *room)
{
    if (cache->scope == SCOPE_ID && metric_id_parse(cache->scope_text, room))
        return id_text(room);
    return cache->scope_text;
}

static bool changes_one(const struct route *route)
{
    for (unsigned i = 0; i < HOPS_MAX; i++) {
        if (route->hops[i].op == OP_UPDATE || route->hops[i].op == OP_DELETE)
            return true;
    }
    return false;
}

/* A batch is often of one name, or sorted by it: a run of equal names counts once. */
static void each_metric(const struct job *job, scope_fn *each, void *context)
{
    struct slice last = { NULL, 0 };
    for (uint32_t i = 0; i < job->n_metrics; i++) {
        struct slice name = metric_name(&job->metrics[i]);
        if (i == 0 || !slice_equal(name, last))
            each(context, SCOPE_NAME, name);
        if (job->metrics[i].client_id)
            each(context, SCOPE_ID, id_text(&job->metrics[i].id));
        last = name;
    }
}

bool scopes_written(const struct job *job, scope_fn *each, void *context)
{
    each(context, SCOPE_ALL, (struct slice){ NULL, 0 });
    each_metric(job, each, context);
    if (!changes_one(job->route))
        return true;
    if (!job->has_previous) /* the store did not answer, so nobody knows which name the metric had */
        return false;
    each(context, SCOPE_NAME, metric_name(&job->previous));
    each(context, SCOPE_ID, id_text(&job->id));
    return true;
}
