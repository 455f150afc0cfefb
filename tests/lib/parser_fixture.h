/* SPDX-License-Identifier: MIT */
/* parser_fixture: what the parser's suites share: exact heap copies, and a job with a parser to decode it. */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <telemetry/job.h>
#include <telemetry/zone.h>

#include "parser/json.h"
#include "parser/parser.h"

/* A copy in a heap block of just its size, so that the sanitizer sees a byte read beyond it. */
static inline char *exact_copy(struct slice text)
{
    char *copy = malloc(text.len == 0 ? 1 : text.len);
    assert_non_null(copy);
    memcpy(copy, text.data, text.len);
    return copy;
}

enum { FIXTURE_BLOCK_BYTES = 4096 };

struct fixture {
    struct parser_settings settings;
    struct parser parser;
    struct job job;
    char *body;                 /* heap copy of the request's body */
    uint64_t catalogue_version; /* of the store that is not there */
    _Alignas(16) char job_block[FIXTURE_BLOCK_BYTES];
    _Alignas(16) char scratch_block[FIXTURE_BLOCK_BYTES];
};

/* A job as the loop hands it to the parser: method, target and body of type JSON. */
static inline struct job *fixture_job(struct fixture *fixture, enum method method, const char *target,
                                      struct slice body)
{
    struct job *job = &fixture->job;
    free(fixture->body);
    arena_reset(&job->arena);
    fixture->body = exact_copy(body);
    *job = (struct job){ .hop = HOP_PARSER };
    arena_init(&job->arena, fixture->job_block, sizeof(fixture->job_block));
    job->request = (struct request){ .method = method,
                                     .target = slice_of(target),
                                     .body = { fixture->body, body.len },
                                     .content_type = SLICE("application/json") };
    return job;
}

static inline uint64_t fixture_catalogue_version(void *context)
{
    return *(const uint64_t *)context;
}

static inline int fixture_setup(void **state)
{
    struct fixture *fixture = aligned_alloc(64, (sizeof(*fixture) + 63) / 64 * 64);
    assert_non_null(fixture);
    memset(fixture, 0, sizeof(*fixture));
    fixture->settings = (struct parser_settings){ .single_max_bytes = 1024 * 1024,
                                                  .batch_max_items = 50000,
                                                  .json_depth_max = 32,
                                                  .name_max_bytes = 256,
                                                  .tags_max = 32,
                                                  .tag_max_bytes = 128,
                                                  .zone = "UTC",
                                                  .takes_now = true,
                                                  .catalogue_version = fixture_catalogue_version,
                                                  .ready_context = &fixture->catalogue_version,
                                                  .catalogue_trust_ns = UINT64_MAX };
    parser_init(&fixture->parser, &fixture->settings);
    fixture->parser.zones = zones_new(NULL);
    fixture->parser.zone = zones_find(fixture->parser.zones, SLICE("UTC"));
    assert_non_null(fixture->parser.zone);
    arena_init(&fixture->parser.scratch, fixture->scratch_block, sizeof(fixture->scratch_block));
    arena_init(&fixture->job.arena, fixture->job_block, sizeof(fixture->job_block));
    json_init();
    *state = fixture;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    arena_reset(&fixture->job.arena);
    arena_reset(&fixture->parser.scratch);
    catalogue_release(&fixture->job.catalogue);
    catalogue_release(&fixture->parser.catalogue);
    zones_free(&fixture->parser.zones);
    free(fixture->body);
    free(fixture);
    return 0;
}

static inline void assert_slice(struct slice actual, const char *expected)
{
    char *copy = calloc(1, actual.len + 1);
    assert_non_null(copy);
    if (actual.len > 0)
        memcpy(copy, actual.data, actual.len);
    assert_string_equal(copy, expected);
    assert_int_equal(actual.len, strlen(expected));
    free(copy);
}

static inline void assert_contains(struct slice actual, const char *part)
{
    if (memmem(actual.data, actual.len, part, strlen(part)) == NULL)
        fail_msg("\"%.*s\" does not hold \"%s\"", (int)actual.len, actual.data, part);
}
