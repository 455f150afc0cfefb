/* SPDX-License-Identifier: MIT */
#include "job.h"

#include "parser/json.h"

enum { BLOCK_BYTES = 2048 };

static const struct parser_settings settings = { .single_max_bytes = 4096,
                                                 .batch_max_items = 100,
                                                 .json_depth_max = 32,
                                                 .name_max_bytes = METRIC_NAME_MAX,
                                                 .tags_max = METRIC_TAGS_MAX,
                                                 .tag_max_bytes = METRIC_TAG_MAX };

struct fuzz_job *fuzz_job_open(void)
{
    static struct fuzz_job fuzz;
    static _Alignas(16) char job_block[BLOCK_BYTES], scratch_block[BLOCK_BYTES];
    json_init();
    fuzz.parser = (struct parser){ .settings = &settings };
    arena_init(&fuzz.parser.scratch, scratch_block, sizeof(scratch_block));
    fuzz.job = (struct job){ .hop = HOP_PARSER };
    arena_init(&fuzz.job.arena, job_block, sizeof(job_block));
    return &fuzz;
}

void fuzz_job_close(struct fuzz_job *fuzz)
{
    arena_reset(&fuzz->job.arena);
    arena_reset(&fuzz->parser.scratch);
}
