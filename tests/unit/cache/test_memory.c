/* SPDX-License-Identifier: MIT */
/* What the backend in memory promises beyond the contract: its bound in bytes, and whom it drops. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include <telemetry/cache.h>
#include <telemetry/clock.h>
#include <telemetry/stats.h>

#include "job_fixture.h"

enum { MAX_BYTES = 16 * 1024, BODY_BYTES = 1000 };

struct world {
    struct cache *cache;
    struct stats *stats;
    struct job *job;
    char body[MAX_BYTES];
};

static void on_done(void *context, struct job *job)
{
    (void)context;
    (void)job;
}

static void open_cache(struct world *world, size_t max_bytes)
{
    struct cache_settings settings = { .max_bytes = max_bytes, .ttl_ns = NS_PER_S * 60, .stats = world->stats };
    struct error error;
    assert_int_equal(cache_memory.open(&settings, on_done, world, &world->cache, &error), 0);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    world->stats = aligned_alloc(64, sizeof(*world->stats));
    memset(world->stats, 0, sizeof(*world->stats));
    memset(world->body, 'x', sizeof(world->body));
    world->job = job_fixture_new();
    open_cache(world, MAX_BYTES);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    cache_memory.close(&world->cache);
    job_fixture_free(&world->job);
    free(world->stats);
    free(world);
    return 0;
}

static bool is_kept(struct world *world, unsigned number)
{
    char key[16];
    snprintf(key, sizeof(key), "key %05u", number);
    job_fixture_read(world->job, SCOPE_ALL, "", key);
    cache_memory.get(world->cache, world->job, 0);
    return world->job->cache.result == CACHE_HIT;
}

static void put_bytes(struct world *world, unsigned number, size_t body_bytes)
{
    is_kept(world, number);
    world->job->reply = (struct reply){ .http = 200, .body = { world->body, body_bytes } };
    cache_memory.put(world->cache, world->job, 0);
}

static void put_read_at(struct world *world, unsigned number, uint64_t read_ns)
{
    is_kept(world, number);
    world->job->cache.read_ns = read_ns;
    world->job->reply = (struct reply){ .http = 200, .body = { world->body, 1 } };
    cache_memory.put(world->cache, world->job, 0);
}

static int64_t gauge(const struct world *world, enum stats_gauge gauge)
{
    return atomic_load(&world->stats->gauges[gauge]);
}

static uint64_t evictions(const struct world *world)
{
    return atomic_load(&world->stats->counters[STATS_CACHE_EVICTIONS]);
}

static void put_drops_the_least_recently_used(void **state)
{
    struct world *world = *state;
    unsigned n = 0;
    while (evictions(world) == 0)
        put_bytes(world, n++, BODY_BYTES);
    assert_in_range(n, MAX_BYTES / (BODY_BYTES + 200), MAX_BYTES / BODY_BYTES + 1);
    assert_false(is_kept(world, 0));
    assert_true(is_kept(world, 1)); /* and so it is the newest */
    put_bytes(world, n, BODY_BYTES);
    assert_true(is_kept(world, 1));
    assert_false(is_kept(world, 2));
    assert_true(is_kept(world, 3));
    assert_true(is_kept(world, n));
}

/* Small answers of many keys make the table itself a part of the bound. */
static void put_never_exceeds_max_bytes(void **state)
{
    struct world *world = *state;
    for (unsigned n = 0; n < 2000; n++) {
        put_bytes(world, n, (n * 7919) % 1500);
        assert_true(gauge(world, STATS_GAUGE_CACHE_BYTES) <= MAX_BYTES);
        assert_true(is_kept(world, n));
    }
    for (unsigned n = 2000; n < 4000; n++) {
        put_bytes(world, n, 1);
        assert_true(gauge(world, STATS_GAUGE_CACHE_BYTES) <= MAX_BYTES);
    }
    assert_in_range(gauge(world, STATS_GAUGE_CACHE_ENTRIES), MAX_BYTES / 256, MAX_BYTES / 64);
}

static void put_refuses_what_takes_more_than_an_eighth(void **state)
{
    struct world *world = *state;
    put_bytes(world, 0, BODY_BYTES);
    put_bytes(world, 1, MAX_BYTES / 8);
    assert_true(is_kept(world, 0));
    assert_false(is_kept(world, 1));
    assert_int_equal(evictions(world), 0);
}

/* Answers that nobody asks for again do not fill the memory that there is. */
static void put_drops_what_is_past_its_ttl(void **state)
{
    enum { OLD = 10 };
    struct world *world = *state;
    for (unsigned n = 0; n < OLD; n++)
        put_read_at(world, n, clock_ns() - 59 * NS_PER_S);
    assert_int_equal(gauge(world, STATS_GAUGE_CACHE_ENTRIES), OLD);
    for (unsigned n = 1; n <= OLD / 2; n++) {
        put_read_at(world, OLD + n, clock_ns() + 2 * NS_PER_S);
        assert_int_equal(gauge(world, STATS_GAUGE_CACHE_ENTRIES), OLD - n);
    }
    put_read_at(world, 0, clock_ns());
    assert_int_equal(gauge(world, STATS_GAUGE_CACHE_ENTRIES), OLD / 2 + 1);
    assert_int_equal(evictions(world), 0);
}

static void put_past_ttl_takes_no_room(void **state)
{
    struct world *world = *state;
    is_kept(world, 0);
    world->job->cache.read_ns -= 61 * NS_PER_S;
    job_fixture_answer(world->job, "old");
    cache_memory.put(world->cache, world->job, 0);
    assert_int_equal(gauge(world, STATS_GAUGE_CACHE_ENTRIES), 0);
}

static void put_replacing_counts_once(void **state)
{
    struct world *world = *state;
    put_bytes(world, 0, BODY_BYTES);
    int64_t bytes = gauge(world, STATS_GAUGE_CACHE_BYTES);
    for (unsigned i = 0; i < 100; i++)
        put_bytes(world, 0, BODY_BYTES);
    assert_int_equal(gauge(world, STATS_GAUGE_CACHE_BYTES), bytes);
    assert_int_equal(gauge(world, STATS_GAUGE_CACHE_ENTRIES), 1);
    assert_int_equal(evictions(world), 0);
}

static void put_keeps_nothing_in_no_room(void **state)
{
    struct world *world = *state;
    cache_memory.close(&world->cache);
    open_cache(world, 500);
    put_bytes(world, 0, 1);
    assert_false(is_kept(world, 0));
}

int main(void)
{
#define MEMORY_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        MEMORY_TEST(put_drops_the_least_recently_used),
        MEMORY_TEST(put_never_exceeds_max_bytes),
        MEMORY_TEST(put_refuses_what_takes_more_than_an_eighth),
        MEMORY_TEST(put_drops_what_is_past_its_ttl),
        MEMORY_TEST(put_past_ttl_takes_no_room),
        MEMORY_TEST(put_replacing_counts_once),
        MEMORY_TEST(put_keeps_nothing_in_no_room),
    };
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
