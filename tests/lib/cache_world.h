/* SPDX-License-Identifier: MIT */
/* cache_world: the cache stage between a front, a storage and a home that the test plays itself, hop
 * by hop, on one thread. */
#pragma once

#include <telemetry/cache.h>
#include <telemetry/clock.h>
#include <telemetry/job.h>
#include <telemetry/stats.h>

#include "cache/stage.h"

struct inbox;

enum { WORLD_JOBS = 64 };

#define WORLD_TTL_NS (60 * NS_PER_S)

struct cache_world {
    struct topology topology;
    struct cache_worker cache;
    struct outbox front, storage;
    struct inbox *home;
    struct stats *stats;
    unsigned n_sent, n_home;
    struct job *jobs[WORLD_JOBS]; /* all that were made */
    unsigned n_jobs;
    struct job *batch[WORLD_JOBS];
};

/* cmocka setup and teardown: *state is the world, its cache in memory and strict. */
int cache_world_setup(void **state);
int cache_world_teardown(void **state);

/* Opens the stage anew with other settings. */
void world_restart(struct cache_world *world, const struct cache_stage_settings *settings);

/* Lends a job, freed with the world; of a read of the name's scope, or of an insert of the name. */
struct job *world_read(struct cache_world *world, const char *name, const char *key);
struct job *world_insert(struct cache_world *world, const char *name);

/* Sends a job from the front on its way. */
void world_send(struct cache_world *world, struct job *job);
/* Steps the stage once; returns how many jobs it took. */
unsigned world_step(struct cache_world *world);
/* Makes a read, sends it and steps the stage. */
struct job *world_begin(struct cache_world *world, const char *name, const char *key);

/* The next job at a place, or NULL. */
struct job *world_at_reader(struct cache_world *world);
struct job *world_at_writer(struct cache_world *world);
struct job *world_at_home(struct cache_world *world);

/* Storage ends with a job: a body, or a failure. Then the stage is stepped. */
void world_answer(struct cache_world *world, struct job *job, const char *body);
void world_fail(struct cache_world *world, struct job *job, enum status status);

/* A write of the name, from the door to its answer. */
void world_write(struct cache_world *world, const char *name);

uint64_t world_counter(const struct cache_world *world, enum stats_counter counter);

/* The next job at home is this one, with this answer or failure. */
void assert_home(struct cache_world *world, struct job *job, enum cache_result result, const char *body);
void assert_failed_home(struct cache_world *world, struct job *job, enum status status);
/* No job is under way. */
void assert_all_home(struct cache_world *world);
