/* SPDX-License-Identifier: MIT */
/* The stage over a backend whose calls end later: in the tick, or when the stage closes. */
#include "suite.h"

#include <stdlib.h>

#include "cache_world.h"
#include "job_fixture.h"

/* The backend in memory, with every call held back until it is let go. */
enum { CALLS_MAX = 64 };

struct late {
    struct cache_head head;
    struct cache *memory;
    bool lets_go;
    unsigned n;
    struct {
        void (*call)(struct late *late, struct job *job, uint64_t stale_ns);
        struct job *job;
        uint64_t stale_ns;
    } calls[CALLS_MAX];
};

static struct late *late_now; /* the one of the test under way */

static void do_get(struct late *late, struct job *job, uint64_t stale_ns)
{
    cache_memory.get(late->memory, job, stale_ns);
}

static void do_peek(struct late *late, struct job *job, uint64_t stale_ns)
{
    (void)stale_ns;
    cache_memory.peek(late->memory, job);
}

static void do_put(struct late *late, struct job *job, uint64_t stale_ns)
{
    cache_memory.put(late->memory, job, stale_ns);
}

static void do_bump(struct late *late, struct job *job, uint64_t stale_ns)
{
    (void)stale_ns;
    cache_memory.bump(late->memory, job);
}

static void hold(struct cache *cache, void (*call)(struct late *, struct job *, uint64_t), struct job *job,
                 uint64_t stale_ns)
{
    struct late *late = (struct late *)cache;
    assert_true(late->n < CALLS_MAX);
    late->calls[late->n].call = call;
    late->calls[late->n].job = job;
    late->calls[late->n++].stale_ns = stale_ns;
}

static void late_get(struct cache *cache, struct job *job, uint64_t stale_ns)
{
    hold(cache, do_get, job, stale_ns);
}

static void late_peek(struct cache *cache, struct job *job)
{
    hold(cache, do_peek, job, 0);
}

static void late_put(struct cache *cache, struct job *job, uint64_t stale_ns)
{
    hold(cache, do_put, job, stale_ns);
}

static void late_bump(struct cache *cache, struct job *job)
{
    hold(cache, do_bump, job, 0);
}

static void let_go(struct late *late)
{
    unsigned n = late->n;
    late->n = 0;
    for (unsigned i = 0; i < n; i++)
        late->calls[i].call(late, late->calls[i].job, late->calls[i].stale_ns);
}

static uint64_t late_pump(struct cache *cache)
{
    struct late *late = (struct late *)cache;
    if (late->lets_go)
        let_go(late);
    return late->n > 0 ? 12345 : UINT64_MAX;
}

static const struct cache_ops cache_late;

static int late_open(const struct cache_settings *settings, cache_done_fn *done, void *context,
                     struct cache **ret_cache, struct error *error)
{
    late_now = calloc(1, sizeof(*late_now));
    late_now->head.ops = &cache_late;
    *ret_cache = (struct cache *)late_now;
    return cache_memory.open(settings, done, context, &late_now->memory, error);
}

static void late_close(struct cache **cache)
{
    let_go(late_now);
    cache_memory.close(&late_now->memory);
    free(late_now);
    *cache = NULL;
}

static const struct cache_ops cache_late = {
    .name = "late",
    .open = late_open,
    .close = late_close,
    .get = late_get,
    .peek = late_peek,
    .put = late_put,
    .bump = late_bump,
    .pump = late_pump,
};

static int setup(void **state)
{
    struct cache_stage_settings settings = { .ops = &cache_late, .max_bytes = 1 << 20, .ttl_ns = WORLD_TTL_NS };
    if (cache_world_setup(state) != 0)
        return -1;
    world_restart(*state, &settings);
    return 0;
}

static void tick(struct cache_world *world)
{
    struct worker *worker = &world->cache.worker;
    late_now->lets_go = true;
    worker->tick_ns = worker->stage->tick(worker, clock_ns());
    outbox_flush(&worker->outbox);
    late_now->lets_go = false;
}

static void calls_end_in_the_tick(void **state)
{
    struct cache_world *world = *state;
    struct job *first = world_begin(world, "cpu", "key");
    assert_int_equal(world->cache.worker.tick_ns, 12345); /* as the backend asked */
    assert_null(world_at_reader(world));
    tick(world);
    assert_int_equal(world->cache.worker.tick_ns, UINT64_MAX);
    assert_ptr_equal(world_at_reader(world), first);
    world_answer(world, first, "answer");
    assert_null(world_at_home(world)); /* its put is under way */
    tick(world);
    assert_home(world, first, CACHE_MISS, "answer");
    struct job *second = world_begin(world, "cpu", "key");
    tick(world);
    assert_home(world, second, CACHE_HIT, "answer");
    assert_all_home(world);
}

/* Two look-ups under way at once: the first to end leads, the other one follows. */
static void look_ups_under_way_share_a_flight(void **state)
{
    struct cache_world *world = *state;
    struct job *first = world_begin(world, "cpu", "key");
    struct job *second = world_begin(world, "cpu", "key");
    tick(world);
    assert_ptr_equal(world_at_reader(world), first);
    assert_null(world_at_reader(world));
    world_answer(world, first, "answer");
    assert_home(world, second, CACHE_COLLAPSED, "answer"); /* before the backend has put it */
    tick(world);
    assert_home(world, first, CACHE_MISS, "answer");
    assert_all_home(world);
}

static void write_waits_for_its_bump(void **state)
{
    struct cache_world *world = *state;
    struct job *writer = world_insert(world, "cpu");
    writer->hop = 0; /* storage is done with it: on to the bump */
    world_send(world, writer);
    world_step(world);
    assert_null(world_at_home(world));
    tick(world);
    assert_ptr_equal(world_at_home(world), writer);
    assert_all_home(world);
}

static void follower_is_ended_at_its_deadline_beside_the_backend(void **state)
{
    struct cache_world *world = *state;
    struct job *leader = world_begin(world, "cpu", "key");
    struct job *follower = world_read(world, "cpu", "key");
    follower->deadline_ns = clock_ns() + 20 * NS_PER_MS;
    world_send(world, follower);
    world_step(world);
    tick(world);
    assert_ptr_equal(world_at_reader(world), leader);
    assert_int_equal(world->cache.worker.tick_ns, follower->deadline_ns);
    while (clock_ns() < follower->deadline_ns)
        continue;
    tick(world);
    assert_failed_home(world, follower, STATUS_EXPIRED);
    world_answer(world, leader, "answer");
    tick(world);
    assert_home(world, leader, CACHE_MISS, "answer");
    assert_all_home(world);
}

static void close_ends_what_is_under_way(void **state)
{
    struct cache_world *world = *state;
    struct job *writer = world_insert(world, "cpu");
    writer->hop = 0;
    world_send(world, writer);
    struct job *reader = world_read(world, "cpu", "key");
    reader->cache.no_cache = true; /* a peek: no flight is left behind */
    world_send(world, reader);
    world_step(world);
    assert_null(world_at_home(world));
    struct cache_stage_settings settings = { .ops = &cache_memory, .max_bytes = 1 << 20, .ttl_ns = WORLD_TTL_NS };
    world_restart(world, &settings);
    assert_ptr_equal(world_at_home(world), writer);
    assert_ptr_equal(world_at_reader(world), reader);
    world_answer(world, reader, "answer");
    assert_home(world, reader, CACHE_BYPASS, "answer");
    assert_all_home(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(calls_end_in_the_tick, setup, cache_world_teardown),
        cmocka_unit_test_setup_teardown(look_ups_under_way_share_a_flight, setup, cache_world_teardown),
        cmocka_unit_test_setup_teardown(write_waits_for_its_bump, setup, cache_world_teardown),
        cmocka_unit_test_setup_teardown(follower_is_ended_at_its_deadline_beside_the_backend, setup,
                                        cache_world_teardown),
        cmocka_unit_test_setup_teardown(close_ends_what_is_under_way, setup, cache_world_teardown),
    };
    return cmocka_run_group_tests_name("cache stage, late", tests, NULL, NULL);
}
