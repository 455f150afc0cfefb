/* SPDX-License-Identifier: MIT */
#include "cache/memory/generations.h"

#include <telemetry/hash.h>

#include "cache/scopes.h"

void generations_init(struct generations *generations)
{
    uint64_t first = (hash_seeded(SLICE("generations")) >> 2) + 1; /* not 0, and far from wrapping */
    generations->round = 0;
    generations->all = (struct generation){ .number = first };
    for (unsigned i = 0; i < GENERATION_SLOTS; i++)
        generations->slots[i] = (struct generation){ .number = first };
}

static unsigned slot_of(struct slice text)
{
    return (unsigned)(hash_seeded(text) % GENERATION_SLOTS);
}

const struct generation *generations_of(const struct generations *generations, const struct job_cache *scope)
{
    struct metric_id room;
    if (scope->scope == SCOPE_ALL)
        return &generations->all;
    return &generations->slots[slot_of(scope_read(scope, &room))];
}

struct bump {
    struct generations *generations;
    uint64_t now_ns;
};

static void move(struct generation *generation, const struct bump *bump)
{
    if (generation->round == bump->generations->round)
        return;
    generation->round = bump->generations->round;
    generation->number++;
    generation->moved_ns[generation->number % MOVES_KEPT] = bump->now_ns;
}

static void bump_one(void *context, enum cache_scope scope, struct slice text)
{
    const struct bump *bump = context;
    struct generations *generations = bump->generations;
    move(scope == SCOPE_ALL ? &generations->all : &generations->slots[slot_of(text)], bump);
}

void generations_bump(struct generations *generations, const struct job *job, uint64_t now_ns)
{
    struct bump bump = { generations, now_ns };
    generations->round++;
    if (scopes_written(job, bump_one, &bump))
        return;
    for (unsigned i = 0; i < GENERATION_SLOTS; i++)
        move(&generations->slots[i], &bump);
}
