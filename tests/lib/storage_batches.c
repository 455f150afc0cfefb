/* SPDX-License-Identifier: MIT */
#include "storage_batches.h"

#include <stdio.h>

#include "job_fixture.h"
#include "suite.h"

static void name_of_batch(uint32_t number, char ret_name[32])
{
    snprintf(ret_name, 32, "batch.%u", number % BATCH_NAMES);
}

struct metric_id batch_store(struct hands *hands, uint32_t number)
{
    struct spec specs[BATCH_METRICS];
    struct metric_id ids[BATCH_METRICS];
    char name[32];
    name_of_batch(number, name);
    for (unsigned i = 0; i < BATCH_METRICS; i++)
        specs[i] = (struct spec){ name, "", number, i, NULL };
    hands_insert(hands, specs, BATCH_METRICS, ids);
    return ids[0];
}

unsigned batch_count(struct hands *hands, uint32_t number)
{
    struct job *job = hands_job(OP_FIND);
    char name[32];
    name_of_batch(number, name);
    job->filter.name = slice_of(name);
    job->filter.from_ms = number;
    job->filter.to_ms = (int64_t)number + 1;
    assert_int_equal(hands_run(hands, job), STATUS_OK);
    unsigned n = job->n_metrics;
    job_fixture_free(&job);
    return n;
}
