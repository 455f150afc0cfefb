/* SPDX-License-Identifier: MIT */
#include "flow/job_pool.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <telemetry/job.h>

struct job_slot {
    struct job job;
    _Alignas(64) char block[JOB_BLOCK_BYTES];
};

struct job_pool {
    struct job_slot *slots; /* mapped, so that untouched slots cost no memory */
    struct job *free;       /* newest first */
    unsigned n_jobs;
    unsigned n_touched; /* slots behind this one were never used */
    unsigned n_in_use;
    unsigned loop;
};

static size_t slots_bytes(unsigned n_jobs)
{
    return n_jobs * sizeof(struct job_slot);
}

struct job_pool *job_pool_new(unsigned n_jobs, unsigned loop)
{
    struct job_pool *pool = malloc(sizeof(*pool));
    if (pool == NULL)
        return NULL;
    void *slots =
        mmap(NULL, slots_bytes(n_jobs), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (slots == MAP_FAILED) {
        free(pool);
        return NULL;
    }
    *pool = (struct job_pool){ .slots = slots, .n_jobs = n_jobs, .loop = loop };
    return pool;
}

void job_pool_free(struct job_pool **pool)
{
    if (*pool == NULL)
        return;
    assert((*pool)->n_in_use == 0);
    munmap((*pool)->slots, slots_bytes((*pool)->n_jobs));
    free(*pool);
    *pool = NULL;
}

static struct job *pool_pop(struct job_pool *pool)
{
    struct job *job = pool->free;
    if (job != NULL) {
        pool->free = job->home.next;
        return job;
    }
    if (pool->n_touched == pool->n_jobs)
        return NULL;
    struct job_slot *slot = &pool->slots[pool->n_touched++];
    arena_init(&slot->job.arena, slot->block, sizeof(slot->block));
    return &slot->job;
}

struct job *job_pool_take(struct job_pool *pool)
{
    struct job *job = pool_pop(pool);
    if (job == NULL)
        return NULL;
    pool->n_in_use++;
    struct arena arena = job->arena;
    *job = (struct job){ .arena = arena, .hop = HOP_PARSER, .cache.max_stale_ms = -1, .home.loop = pool->loop };
    return job;
}

void job_pool_put(struct job_pool *pool, struct job **job)
{
    assert(pool->n_in_use > 0 && (*job)->home.loop == pool->loop);
    arena_reset(&(*job)->arena);
    catalogue_release(&(*job)->catalogue);
    free((*job)->home.body_block);
    (*job)->home.body_block = NULL;
    (*job)->home.next = pool->free;
    pool->free = *job;
    pool->n_in_use--;
    *job = NULL;
}

unsigned job_pool_in_use(const struct job_pool *pool)
{
    return pool->n_in_use;
}
