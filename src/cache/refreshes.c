/* SPDX-License-Identifier: MIT */
#include "cache/refreshes.h"

#include <string.h>

#include <telemetry/job.h>

#include "flow/job_pool.h"

int refreshes_init(struct refreshes *refreshes)
{
    refreshes->pool = job_pool_new(REFRESHES_MAX, JOB_OF_CACHE);
    return refreshes->pool == NULL ? -1 : 0;
}

void refreshes_fini(struct refreshes *refreshes)
{
    job_pool_free(&refreshes->pool);
}

bool refreshes_own(const struct job *job)
{
    return job->home.loop == JOB_OF_CACHE;
}

unsigned refreshes_out(const struct refreshes *refreshes)
{
    return job_pool_in_use(refreshes->pool);
}

void refreshes_put(struct refreshes *refreshes, struct job **job)
{
    job_pool_put(refreshes->pool, job);
}

/* Copying ------------------------------------------------------------------- */

static bool can_copy(const struct job *reader)
{
    uint8_t op = reader->route->hops[reader->hop + 1].op;
    return (op == OP_FIND || op == OP_GET) && reader->inquiry == NULL && reader->plan == NULL;
}

static bool copy_text(struct arena *arena, struct slice *text)
{
    if (text->len == 0)
        return true;
    *text = arena_copy(arena, *text);
    return text->data != NULL;
}

static bool copy_tags(struct arena *arena, struct slice **tags, unsigned n)
{
    if (n == 0)
        return true;
    struct slice *copies = arena_alloc(arena, n * sizeof(copies[0]));
    if (copies == NULL)
        return false;
    memcpy(copies, *tags, n * sizeof(copies[0]));
    *tags = copies;
    for (unsigned i = 0; i < n; i++)
        if (!copy_text(arena, &copies[i]))
            return false;
    return true;
}

static bool copy_filter(struct arena *arena, struct filter *filter)
{
    return copy_text(arena, &filter->name) && copy_tags(arena, &filter->tags, filter->n_tags) &&
           copy_tags(arena, &filter->any_tags, filter->n_any_tags) &&
           copy_tags(arena, &filter->not_tags, filter->n_not_tags);
}

/* What the hops behind this one read of a job. */
static bool copy(struct job *job, const struct job *reader)
{
    job->route = reader->route;
    job->hop = reader->hop;
    job->deadline_ns = reader->deadline_ns;
    job->worker_hash = reader->worker_hash;
    job->mark_ns = reader->mark_ns;
    job->request.method = reader->request.method;
    job->id = reader->id;
    job->access = reader->access;
    job->filter = reader->filter;
    job->cache = reader->cache;
    job->cache.result = CACHE_MISS;
    return copy_text(&job->arena, &job->access.prefix) && copy_filter(&job->arena, &job->filter) &&
           copy_text(&job->arena, &job->cache.key) && copy_text(&job->arena, &job->cache.scope_text);
}

struct job *refreshes_take(struct refreshes *refreshes, const struct job *reader)
{
    if (!can_copy(reader))
        return NULL;
    struct job *job = job_pool_take(refreshes->pool);
    if (job != NULL && !copy(job, reader))
        job_pool_put(refreshes->pool, &job);
    return job;
}
