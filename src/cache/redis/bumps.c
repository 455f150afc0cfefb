/* SPDX-License-Identifier: MIT */
#include "cache/redis/bumps.h"

#include <telemetry/hash.h>
#include <telemetry/job.h>

#include "cache/scopes.h"

static unsigned slot_of(enum cache_scope scope, struct slice text)
{
    return scope == SCOPE_ALL ? SLOT_ALL : (unsigned)(hash_stable(text) % SCOPE_SLOTS);
}

unsigned bumps_slot(const struct job_cache *scope)
{
    struct metric_id room;
    return slot_of((enum cache_scope)scope->scope, scope_read(scope, &room));
}

static void add_scope(void *context, enum cache_scope scope, struct slice text)
{
    struct bumps *bumps = context;
    unsigned slot = slot_of(scope, text);
    if (bumps->noted[slot] == bumps->round)
        return;
    bumps->noted[slot] = bumps->round;
    if (bumps->n < BUMPS_MAX)
        bumps->slots[bumps->n++] = slot;
    else
        bumps->all = true;
}

void bumps_add(struct bumps *bumps, struct job **job_place)
{
    struct job *job = *job_place;
    *job_place = NULL;
    job->cache.waiting_next = NULL;
    if (bumps->first == NULL) {
        bumps->round++;
        bumps->first = job;
    } else {
        bumps->last->cache.waiting_next = job;
    }
    bumps->last = job;
    if (!scopes_written(job, add_scope, bumps))
        bumps->all = true;
}

struct job *bumps_take(struct bumps *bumps)
{
    struct job *first = bumps->first;
    bumps->first = bumps->last = NULL;
    return first;
}

void bumps_empty(struct bumps *bumps)
{
    bumps->n = 0;
    bumps->all = false;
}
