/* SPDX-License-Identifier: MIT */
#include "cache/memory/generations.h"

#include <telemetry/hash.h>
#include <telemetry/job.h>

void generations_init(struct generations *generations)
{
    uint64_t first = (hash_seeded(SLICE("generations")) >> 2) + 1; /* not 0, and far from wrapping */
    generations->all = first;
    for (unsigned i = 0; i < GENERATION_SLOTS; i++)
        generations->slots[i] = first;
}

static unsigned name_slot(struct slice name)
{
    return (unsigned)(hash_seeded(name) % GENERATION_SLOTS);
}

/* The bytes count, not their hex digits: these come in either case. */
static unsigned id_slot(const struct metric_id *id)
{
    return (unsigned)(hash_seeded((struct slice){ (const char *)id->bytes, METRIC_ID_BYTES }) % GENERATION_SLOTS);
}

static unsigned id_text_slot(struct slice hex)
{
    struct metric_id id;
    return metric_id_parse(hex, &id) ? id_slot(&id) : name_slot(hex);
}

uint64_t generations_of(const struct generations *generations, const struct job_cache *scope)
{
    if (scope->scope == SCOPE_ALL)
        return generations->all;
    unsigned slot = scope->scope == SCOPE_ID ? id_text_slot(scope->scope_text) : name_slot(scope->scope_text);
    return generations->slots[slot];
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
static void bump_metrics(struct generations *generations, const struct metric metrics[], uint32_t n_metrics)
{
    struct slice last = { NULL, 0 };
    for (uint32_t i = 0; i < n_metrics; i++) {
        struct slice name = metric_name(&metrics[i]);
        if (i == 0 || !slice_equal(name, last))
            generations->slots[name_slot(name)]++;
        if (metrics[i].client_id)
            generations->slots[id_slot(&metrics[i].id)]++;
        last = name;
    }
}

/* The store did not answer, so nobody knows which name the metric had: it may be any. */
static void bump_every_slot(struct generations *generations)
{
    for (unsigned i = 0; i < GENERATION_SLOTS; i++)
        generations->slots[i]++;
}

static void bump_changed(struct generations *generations, const struct job *job)
{
    if (!job->has_previous) {
        bump_every_slot(generations);
        return;
    }
    generations->slots[name_slot(metric_name(&job->previous))]++;
    generations->slots[id_slot(&job->id)]++;
}

void generations_bump(struct generations *generations, const struct job *job)
{
    generations->all++;
    bump_metrics(generations, job->metrics, job->n_metrics);
    if (changes_one(job->route))
        bump_changed(generations, job);
}
