/* SPDX-License-Identifier: MIT */
/* The two stages in front of a store, stepped by hand; the store is played by this file. */
#include "storage/stage.h"

#include <stdlib.h>
#include <string.h>

#include <telemetry/clock.h>
#include <telemetry/inbox.h>
#include <telemetry/job.h>
#include <telemetry/stats.h>

#include "job_fixture.h"
#include "storage_hands.h"
#include "suite.h"

enum { JOBS = 8 };

/* What the store was asked. */
struct storage {
    const struct storage_ops *ops;
    unsigned n_sessions, n_calls, n_jobs, n_ticks;
    enum storage_role role;
    unsigned index;
    struct job *jobs[JOBS];
    struct inbox *home; /* and what had gone home by the last call */
    unsigned n_home;
};

/* The store's one session is the store. */
static int play_attach(struct storage *storage, enum storage_role role, unsigned index, struct stats *stats,
                       struct storage_session **ret_session, struct error *error)
{
    storage->n_sessions++;
    storage->role = role;
    storage->index = index;
    *ret_session = (struct storage_session *)storage;
    return 0;
}

static void play_detach(struct storage_session **session)
{
    ((struct storage *)*session)->n_sessions--;
    *session = NULL;
}

static void play_call(struct storage_session *session, struct job *jobs[], unsigned n)
{
    struct storage *storage = (struct storage *)session;
    struct job *home[JOBS];
    storage->n_home += inbox_drain(storage->home, home, JOBS);
    storage->n_calls++;
    for (unsigned i = 0; i < n; i++)
        storage->jobs[storage->n_jobs++] = jobs[i];
}

static uint64_t play_tick(struct storage_session *session, uint64_t now_ns)
{
    ((struct storage *)session)->n_ticks++;
    return now_ns + 5;
}

static const struct storage_ops play = {
    .name = "play",
    .attach = play_attach,
    .detach = play_detach,
    .write = play_call,
    .read = play_call,
    .tick = play_tick,
};

struct world {
    struct storage storage;
    struct topology topology;
    struct storage_worker worker;
    struct stats stats;
    struct job *jobs[JOBS];
};

static struct world *world_new(const struct stage *stage, enum op op)
{
    struct world *world = aligned_alloc(64, (sizeof(*world) + 63) / 64 * 64);
    struct error error;
    memset(world, 0, sizeof(*world));
    world->storage.ops = &play;
    world->storage.home = inbox_new(1, JOBS, NULL, NULL);
    world->topology.n_loops = 1;
    world->topology.loops[0] = world->storage.home;
    storage_worker_init(&world->worker, stage, &play, &world->storage, 3);
    world->worker.worker.stats = &world->stats;
    outbox_init(&world->worker.worker.outbox, &world->topology, 0, &world->stats);
    assert_int_equal(stage->open(&world->worker.worker, &error), 0);
    for (unsigned i = 0; i < JOBS; i++)
        world->jobs[i] = hands_job(op);
    world->worker.worker.outbox.now_ns = clock_ns();
    return world;
}

/* Steps all jobs and takes them home. */
static void world_step(struct world *world)
{
    struct job *jobs[JOBS], *home[JOBS];
    memcpy(jobs, world->jobs, sizeof(jobs));
    world->worker.worker.stage->step(&world->worker.worker, jobs, JOBS);
    world->storage.n_home += inbox_drain(world->storage.home, home, JOBS);
    assert_int_equal(world->storage.n_home, JOBS);
}

static void world_free(struct world *world)
{
    world->worker.worker.stage->close(&world->worker.worker);
    assert_int_equal(world->storage.n_sessions, 0);
    for (unsigned i = 0; i < JOBS; i++)
        job_fixture_free(&world->jobs[i]);
    inbox_free(&world->storage.home);
    free(world);
}

static void sessions_are_of_the_stage(void **state)
{
    struct world *writer = world_new(&storage_writer_stage, OP_INSERT);
    struct world *reader = world_new(&storage_reader_stage, OP_FIND);
    assert_int_equal(writer->storage.role, STORAGE_WRITER);
    assert_int_equal(reader->storage.role, STORAGE_READER);
    assert_int_equal(reader->storage.index, 3);
    world_free(writer);
    world_free(reader);
}

static void writer_makes_one_call_of_a_batch(void **state)
{
    struct world *world = world_new(&storage_writer_stage, OP_INSERT);
    world_step(world);
    assert_int_equal(world->storage.n_calls, 1);
    assert_memory_equal(world->storage.jobs, world->jobs, sizeof(world->jobs));
    world_free(world);
}

static void writer_ticks_after_a_batch(void **state)
{
    struct world *world = world_new(&storage_writer_stage, OP_INSERT);
    world->worker.worker.tick_ns = UINT64_MAX;
    world_step(world);
    assert_int_equal(world->worker.worker.tick_ns, 0);
    assert_int_equal(storage_writer_stage.tick(&world->worker.worker, 100), 105);
    assert_int_equal(world->storage.n_ticks, 1);
    world_free(world);
}

static void reader_hands_on_one_by_one(void **state)
{
    struct world *world = world_new(&storage_reader_stage, OP_FIND);
    struct job *jobs[JOBS];
    memcpy(jobs, world->jobs, sizeof(jobs));
    world->worker.worker.stage->step(&world->worker.worker, jobs, JOBS);
    assert_int_equal(world->storage.n_calls, JOBS);
    assert_int_equal(world->storage.n_home, JOBS - 1); /* all but the last, when that was asked */
    inbox_drain(world->storage.home, jobs, JOBS);
    world_free(world);
}

/* Jobs 2, 3 and 7 are late: they go home refused, the others keep their order. */
static void late_jobs_are_refused(const struct stage *stage, enum op op)
{
    static const unsigned kept[] = { 0, 1, 4, 5, 6 };
    struct world *world = world_new(stage, op);
    for (unsigned i = 0; i < JOBS; i++)
        world->jobs[i]->deadline_ns = i == 2 || i == 3 || i == 7 ? 1 : UINT64_MAX;
    world_step(world);
    assert_int_equal(world->storage.n_jobs, N_CASES(kept));
    for (unsigned i = 0; i < N_CASES(kept); i++)
        assert_ptr_equal(world->storage.jobs[i], world->jobs[kept[i]]);
    for (unsigned i = 0; i < JOBS; i++)
        assert_int_equal(world->jobs[i]->status, world->jobs[i]->deadline_ns == 1 ? STATUS_EXPIRED : STATUS_OK);
    assert_int_equal(atomic_load(&world->stats.counters[STATS_REFUSED_EXPIRED]), 3);
    world_free(world);
}

static void step_refuses_late_jobs(void **state)
{
    late_jobs_are_refused(&storage_writer_stage, OP_INSERT);
    late_jobs_are_refused(&storage_reader_stage, OP_GET);
}

static void writer_does_not_call_the_store_for_late_jobs_alone(void **state)
{
    struct world *world = world_new(&storage_writer_stage, OP_DELETE);
    for (unsigned i = 0; i < JOBS; i++)
        world->jobs[i]->deadline_ns = 1;
    world_step(world);
    assert_int_equal(world->storage.n_calls, 0);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_are_of_the_stage),
        cmocka_unit_test(writer_makes_one_call_of_a_batch),
        cmocka_unit_test(writer_ticks_after_a_batch),
        cmocka_unit_test(reader_hands_on_one_by_one),
        cmocka_unit_test(step_refuses_late_jobs),
        cmocka_unit_test(writer_does_not_call_the_store_for_late_jobs_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
