/* SPDX-License-Identifier: MIT */
#include "cache_world.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include <telemetry/inbox.h>

#include "job_fixture.h"

enum { LANE_FRONT, LANE_CACHE, LANE_STORAGE, N_LANES };

static void start_cache(struct cache_world *world, const struct cache_stage_settings *settings)
{
    struct error error;
    cache_worker_init(&world->cache, settings);
    struct worker *worker = &world->cache.worker;
    worker->inbox = world->topology.stages[STAGE_CACHE][0];
    worker->stats = world->stats;
    worker->batch_max = WORLD_JOBS;
    worker->batch = world->batch;
    outbox_init(&worker->outbox, &world->topology, LANE_CACHE, world->stats);
    assert_int_equal(worker->stage->open(worker, &error), 0);
}

static struct inbox *make_inbox(void)
{
    struct inbox *inbox = inbox_new(N_LANES, WORLD_JOBS, NULL, NULL);
    assert_non_null(inbox);
    return inbox;
}

int cache_world_setup(void **state)
{
    struct cache_world *world = aligned_alloc(64, (sizeof(*world) + 63) / 64 * 64);
    *world = (struct cache_world){ .home = make_inbox() };
    world->stats = aligned_alloc(64, sizeof(*world->stats));
    memset(world->stats, 0, sizeof(*world->stats));
    for (unsigned stage = STAGE_CACHE; stage < STAGE_COUNT; stage++) {
        world->topology.stages[stage][0] = make_inbox();
        world->topology.n_workers[stage] = 1;
    }
    world->topology.loops[0] = world->home;
    world->topology.n_loops = 1;
    outbox_init(&world->front, &world->topology, LANE_FRONT, world->stats);
    outbox_init(&world->storage, &world->topology, LANE_STORAGE, world->stats);
    struct cache_stage_settings settings = { .ops = &cache_memory, .max_bytes = 1 << 20, .ttl_ns = WORLD_TTL_NS };
    start_cache(world, &settings);
    *state = world;
    return 0;
}

int cache_world_teardown(void **state)
{
    struct cache_world *world = *state;
    if (world->n_home != world->n_sent)
        return -1; /* the test failed midway; closing now would only hide where */
    world->cache.worker.stage->close(&world->cache.worker);
    for (unsigned i = 0; i < world->n_jobs; i++)
        job_fixture_free(&world->jobs[i]);
    for (unsigned stage = STAGE_CACHE; stage < STAGE_COUNT; stage++)
        inbox_free(&world->topology.stages[stage][0]);
    inbox_free(&world->home);
    free(world->stats);
    free(world);
    return 0;
}

void world_restart(struct cache_world *world, const struct cache_stage_settings *settings)
{
    world->cache.worker.stage->close(&world->cache.worker);
    start_cache(world, settings);
}

static struct job *make_job(struct cache_world *world)
{
    struct job *job = job_fixture_new();
    assert_true(world->n_jobs < WORLD_JOBS);
    world->jobs[world->n_jobs++] = job;
    return job;
}

struct job *world_read(struct cache_world *world, const char *name, const char *key)
{
    struct job *job = make_job(world);
    job_fixture_read(job, SCOPE_NAME, name, key);
    return job;
}

struct job *world_insert(struct cache_world *world, const char *name)
{
    struct job *job = make_job(world);
    job_fixture_insert(job, &name, 1);
    return job;
}

void world_send(struct cache_world *world, struct job *job)
{
    world->n_sent++;
    world->front.now_ns = clock_ns();
    job_next(&world->front, &job);
    outbox_flush(&world->front);
}

unsigned world_step(struct cache_world *world)
{
    return worker_step(&world->cache.worker);
}

struct job *world_begin(struct cache_world *world, const char *name, const char *key)
{
    struct job *job = world_read(world, name, key);
    world_send(world, job);
    assert_int_equal(world_step(world), 1);
    return job;
}

static struct job *next_at(struct inbox *inbox)
{
    struct job *job = NULL;
    inbox_drain(inbox, &job, 1);
    return job;
}

struct job *world_at_reader(struct cache_world *world)
{
    return next_at(world->topology.stages[STAGE_READER][0]);
}

struct job *world_at_writer(struct cache_world *world)
{
    return next_at(world->topology.stages[STAGE_WRITER][0]);
}

struct job *world_at_home(struct cache_world *world)
{
    struct job *job = next_at(world->home);
    world->n_home += job != NULL;
    return job;
}

static void storage_lets_go(struct cache_world *world, struct job *job)
{
    world->storage.now_ns = clock_ns();
    job_next(&world->storage, &job);
    outbox_flush(&world->storage);
    world_step(world);
}

void world_answer(struct cache_world *world, struct job *job, const char *body)
{
    job_fixture_answer(job, body);
    storage_lets_go(world, job);
}

void world_fail(struct cache_world *world, struct job *job, enum status status)
{
    job_fail(job, status, SLICE("storage says why"));
    storage_lets_go(world, job);
}

void world_write(struct cache_world *world, const char *name)
{
    struct job *job = world_insert(world, name);
    world_send(world, job);
    assert_ptr_equal(world_at_writer(world), job);
    world_answer(world, job, "");
    assert_ptr_equal(world_at_home(world), job);
}

uint64_t world_counter(const struct cache_world *world, enum stats_counter counter)
{
    return atomic_load(&world->stats->counters[counter]);
}

void assert_home(struct cache_world *world, struct job *job, enum cache_result result, const char *body)
{
    assert_ptr_equal(world_at_home(world), job);
    assert_int_equal(job->status, STATUS_OK);
    assert_int_equal(job->cache.result, result);
    assert_int_equal(job->reply.http, 200);
    assert_int_equal(job->reply.body.len, strlen(body));
    assert_memory_equal(job->reply.body.data, body, strlen(body));
}

void assert_failed_home(struct cache_world *world, struct job *job, enum status status)
{
    assert_ptr_equal(world_at_home(world), job);
    assert_int_equal(job->status, status);
}

void assert_all_home(struct cache_world *world)
{
    assert_null(world_at_home(world));
    assert_null(world_at_reader(world));
    assert_null(world_at_writer(world));
    assert_int_equal(world->n_home, world->n_sent);
    assert_int_equal(world->cache.flights.n, 0);
}
