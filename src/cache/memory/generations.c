/* SPDX-License-Identifier: MIT */
#include "cache/memory/generations.h"

#include <telemetry/hash.h>

#include "cache/scopes.h"

void generations_init(struct generations *generations)
{
    uint64_t first = (hash_seeded(SLICE("generations")) >> 2) + 1; /* not 0, and far from wrapping */
    generations->all = first;
    for (unsigned i = 0; i < GENERATION_SLOTS; i++)
        generations->slots[i] = first;
}

static unsigned slot_of(struct slice text)
{
    return (unsigned)(hash_seeded(text) % GENERATION_SLOTS);
}

uint64_t generations_of(const struct generations *generations, const struct job_cache *scope)
{
    struct metric_id room;
    if (scope->scope == SCOPE_ALL)
        return generations->all;
    return generations->slots[slot_of(scope_read(scope, &room))];
}

static void bump_one(void *context, enum cache_scope scope, struct slice text)
{
    struct generations *generations = context;
    if (scope == SCOPE_ALL)
        generations->all++;
    else
        generations->slots[slot_of(text)]++;
}

void generations_bump(struct generations *generations, const struct job *job)
{
    if (scopes_written(job, bump_one, generations))
        return;
    for (unsigned i = 0; i < GENERATION_SLOTS; i++)
        generations->slots[i]++;
}
