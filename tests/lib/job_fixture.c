/* SPDX-License-Identifier: MIT */
#include "job_fixture.h"

#include <stdlib.h>

enum { BLOCK_BYTES = 32 * 1024 };

struct job_and_block {
    struct job job;
    _Alignas(64) char block[BLOCK_BYTES];
};

static void encode_nothing(struct job *job)
{
    (void)job;
}

const struct route job_fixture_read_route = {
    .method = METHOD_GET,
    .path = "/metrics",
    .encode = encode_nothing,
    .hops = { { STAGE_CACHE, OP_CACHE_GET, 0 },
              { STAGE_READER, OP_FIND, HOP_ENCODE },
              { STAGE_CACHE, OP_CACHE_PUT, HOP_ALWAYS } },
};

const struct route job_fixture_insert_route = {
    .method = METHOD_POST,
    .path = "/metrics",
    .encode = encode_nothing,
    .hops = { { STAGE_WRITER, OP_INSERT, HOP_ENCODE }, { STAGE_CACHE, OP_CACHE_INVALIDATE, HOP_ALWAYS } },
};

const struct route job_fixture_update_route = {
    .method = METHOD_PUT,
    .path = "/metrics/{id}",
    .encode = encode_nothing,
    .hops = { { STAGE_WRITER, OP_UPDATE, HOP_ENCODE }, { STAGE_CACHE, OP_CACHE_INVALIDATE, HOP_ALWAYS } },
};

struct job *job_fixture_new(void)
{
    struct job_and_block *made = aligned_alloc(64, sizeof(*made));
    if (made == NULL)
        abort();
    made->job = (struct job){ .deadline_ns = UINT64_MAX, .hop = HOP_PARSER, .cache.max_stale_ms = -1 };
    arena_init(&made->job.arena, made->block, sizeof(made->block));
    return &made->job;
}

void job_fixture_free(struct job **job)
{
    if (*job == NULL)
        return;
    catalogue_release(&(*job)->catalogue);
    arena_reset(&(*job)->arena);
    free(*job);
    *job = NULL;
}

void job_fixture_read(struct job *job, enum cache_scope scope, const char *scope_text, const char *key)
{
    arena_reset(&job->arena);
    job->route = &job_fixture_read_route;
    job->status = STATUS_OK;
    job->reply = (struct reply){ 0 };
    job->cache = (struct job_cache){ .scope = (uint8_t)scope, .max_stale_ms = -1 };
    job->cache.scope_text = arena_copy(&job->arena, slice_of(scope_text));
    job->cache.key = arena_copy(&job->arena, slice_of(key));
}

void job_fixture_answer(struct job *job, const char *body)
{
    job->reply = (struct reply){ .http = 200, .media = MEDIA_JSON, .lead = job->reply.lead };
    job->reply.body = arena_copy(&job->arena, slice_of(body));
}

void job_fixture_insert(struct job *job, const char *const names[], unsigned n)
{
    arena_reset(&job->arena);
    job->route = &job_fixture_insert_route;
    job->status = STATUS_OK;
    job->has_previous = false;
    job->n_metrics = n;
    job->metrics = arena_alloc(&job->arena, n * sizeof(job->metrics[0]));
    for (unsigned i = 0; i < n; i++) {
        struct slice name = arena_copy(&job->arena, slice_of(names[i]));
        job->metrics[i] = (struct metric){ .series = name, .name_bytes = (uint16_t)name.len };
    }
}

unsigned job_fixture_number(const struct job *job)
{
    unsigned number = 0;
    for (size_t i = 0; i < job->reply.body.len; i++)
        number = number * 10 + (unsigned)(job->reply.body.data[i] - '0');
    return number;
}
