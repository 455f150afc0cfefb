/* SPDX-License-Identifier: MIT */
/* pipeline: the server's own stages, cache, store and routes on the test's thread: the test is the loop,
 * and says which stage takes its next step. */
#pragma once

#include <telemetry/job.h>
#include <telemetry/stats.h>
#include <telemetry/worker.h>

#include "cache/stage.h"
#include "faulty_storage.h"
#include "flow/job_pool.h"
#include "parser/parser.h"
#include "storage/stage.h"

enum { PIPELINE_JOBS = 64, PIPELINE_STAGES = 4 };

struct pipeline {
    struct stats_registry registry;
    struct topology topology;
    struct job_pool *pool;
    struct inbox *home;
    struct outbox door; /* the loop's way to the parser */
    struct parser_settings settings;
    struct parser parser;
    struct cache_worker cache;
    struct storage_worker writer, reader;
    struct worker *workers[PIPELINE_STAGES]; /* of all of the above, by stage */
    struct faulty_storage storage;
    char folder[64];
    unsigned n_sent, n_home;
};

/* cmocka setup and teardown: *state is the pipeline. The teardown asserts that every job came home, that
 * no stage holds one, and that the pool is whole. */
int pipeline_setup(void **state);
int pipeline_teardown(void **state);

/* What is asked; the body is JSON unless the type says otherwise. */
struct ask {
    enum method method;
    const char *target;
    const char *body;          /* NULL: none */
    const char *type;          /* Content-Type; NULL: application/json */
    const char *cache_control; /* NULL: none */
    const char *if_match;      /* NULL: none */
    uint64_t deadline_ns;      /* 0: none */
};

/* Takes a job from the pool and sends it on its way; lends it until pipeline_put(). */
struct job *pipeline_send(struct pipeline *pipeline, const struct ask *ask);
/* One step of one stage; returns how many jobs it took. */
unsigned pipeline_step(struct pipeline *pipeline, enum stage_id stage);
/* Steps all stages until none has anything to do. */
void pipeline_run(struct pipeline *pipeline);
/* The next job that is home, or NULL. */
struct job *pipeline_home(struct pipeline *pipeline);
/* Back into the pool. Takes *job. */
void pipeline_put(struct pipeline *pipeline, struct job **job);

/* Sends, runs, and takes the job home: for when nothing else is under way. */
struct job *pipeline_call(struct pipeline *pipeline, const struct ask *ask);
/* The HTTP status of the answer. */
unsigned pipeline_http(const struct job *job);
