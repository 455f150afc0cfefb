/* SPDX-License-Identifier: MIT */
/* Every test ends with all jobs at home. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "cache_world.h"
#include "job_fixture.h"

/* Hits and misses ------------------------------------------------------------- */

static void get_goes_to_storage_once_then_hits(void **state)
{
    struct cache_world *world = *state;
    struct job *first = world_begin(world, "cpu", "key");
    assert_ptr_equal(world_at_reader(world), first);
    world_answer(world, first, "answer");
    assert_home(world, first, CACHE_MISS, "answer");
    struct job *second = world_begin(world, "cpu", "key");
    assert_home(world, second, CACHE_HIT, "answer");
    assert_int_equal(world_counter(world, STATS_CACHE_MISSES), 1);
    assert_int_equal(world_counter(world, STATS_CACHE_HITS), 1);
    assert_all_home(world);
}

static void get_sees_a_bump_earlier_in_the_batch(void **state)
{
    struct cache_world *world = *state;
    struct job *first = world_begin(world, "cpu", "key");
    assert_ptr_equal(world_at_reader(world), first);
    world_answer(world, first, "old");
    assert_home(world, first, CACHE_MISS, "old");
    struct job *writer = world_insert(world, "cpu");
    writer->hop = 0; /* storage is done with it: on to the bump */
    world_send(world, writer);
    world_send(world, world_read(world, "cpu", "key"));
    assert_int_equal(world_step(world), 2);
    assert_ptr_equal(world_at_home(world), writer);
    struct job *second = world_at_reader(world);
    assert_non_null(second);
    world_answer(world, second, "new");
    assert_home(world, second, CACHE_MISS, "new");
    assert_all_home(world);
}

static void get_with_no_cache_asks_storage_and_refreshes(void **state)
{
    struct cache_world *world = *state;
    struct job *first = world_begin(world, "cpu", "key");
    assert_ptr_equal(world_at_reader(world), first);
    world_answer(world, first, "first");
    assert_home(world, first, CACHE_MISS, "first");
    struct job *second = world_read(world, "cpu", "key");
    second->cache.no_cache = true;
    world_send(world, second);
    world_step(world);
    assert_ptr_equal(world_at_reader(world), second);
    world_answer(world, second, "second");
    assert_home(world, second, CACHE_BYPASS, "second");
    assert_home(world, world_begin(world, "cpu", "key"), CACHE_HIT, "second");
    assert_int_equal(world_counter(world, STATS_CACHE_BYPASSES), 1);
    assert_all_home(world);
}

static void get_with_no_store_is_not_kept(void **state)
{
    struct cache_world *world = *state;
    for (unsigned i = 0; i < 2; i++) {
        struct job *job = world_read(world, "cpu", "key");
        job->cache.no_cache = job->cache.no_store = true;
        world_send(world, job);
        world_step(world);
        assert_ptr_equal(world_at_reader(world), job);
        world_answer(world, job, "secret");
        assert_home(world, job, CACHE_BYPASS, "secret");
    }
    struct job *job = world_begin(world, "cpu", "key");
    assert_ptr_equal(world_at_reader(world), job);
    world_answer(world, job, "answer");
    assert_home(world, job, CACHE_MISS, "answer");
    assert_all_home(world);
}

static void get_without_key_is_bypassed(void **state)
{
    struct cache_world *world = *state;
    for (unsigned i = 0; i < 2; i++) {
        struct job *job = world_begin(world, "cpu", "");
        assert_ptr_equal(world_at_reader(world), job);
        world_answer(world, job, "answer");
        assert_home(world, job, CACHE_BYPASS, "answer");
    }
    assert_all_home(world);
}

static void get_is_bypassed_when_disabled(void **state)
{
    struct cache_world *world = *state;
    struct cache_stage_settings settings = { .ops = &cache_memory, .max_bytes = 0, .ttl_ns = WORLD_TTL_NS };
    world_restart(world, &settings);
    for (unsigned i = 0; i < 2; i++) {
        struct job *job = world_begin(world, "cpu", "key");
        assert_ptr_equal(world_at_reader(world), job);
        world_answer(world, job, "answer");
        assert_home(world, job, CACHE_BYPASS, "answer");
    }
    world_write(world, "cpu");
    assert_all_home(world);
}

static void get_past_its_deadline_expires(void **state)
{
    struct cache_world *world = *state;
    struct job *job = world_read(world, "cpu", "key");
    job->deadline_ns = clock_ns();
    world_send(world, job);
    world_step(world);
    assert_failed_home(world, job, STATUS_EXPIRED);
    assert_all_home(world);
}

/* Old answers ------------------------------------------------------------------ */

/* Fills a key, and writes to its name behind it. */
static void fill_and_write(struct cache_world *world)
{
    struct job *job = world_begin(world, "cpu", "key");
    assert_ptr_equal(world_at_reader(world), job);
    world_answer(world, job, "old");
    assert_home(world, job, CACHE_MISS, "old");
    world_write(world, "cpu");
}

static void get_gives_old_answers_to_who_allows_them(void **state)
{
    struct cache_world *world = *state;
    fill_and_write(world);
    struct job *job = world_read(world, "cpu", "key");
    job->cache.max_stale_ms = INT64_MAX;
    world_send(world, job);
    world_step(world);
    assert_home(world, job, CACHE_STALE_HIT, "old");
    struct job *strict = world_begin(world, "cpu", "key"), *refresh = world_at_reader(world);
    assert_non_null(refresh);
    world_answer(world, refresh, "new");
    assert_home(world, strict, CACHE_COLLAPSED, "new");
    assert_int_equal(world_counter(world, STATS_CACHE_STALE_HITS), 1);
    assert_all_home(world);
}

static void get_gives_old_answers_to_all_when_so_set(void **state)
{
    struct cache_world *world = *state;
    struct cache_stage_settings settings = {
        .ops = &cache_memory, .max_bytes = 1 << 20, .ttl_ns = WORLD_TTL_NS, .stale_ns = 30 * NS_PER_S
    };
    world_restart(world, &settings);
    fill_and_write(world);
    assert_home(world, world_begin(world, "cpu", "key"), CACHE_STALE_HIT, "old");
    world_answer(world, world_at_reader(world), "new");
    assert_home(world, world_begin(world, "cpu", "key"), CACHE_HIT, "new");
    assert_all_home(world);
}

/* Writes ---------------------------------------------------------------------------- */

static void write_of_unknown_outcome_makes_answers_old(void **state)
{
    struct cache_world *world = *state;
    struct job *first = world_begin(world, "cpu", "key");
    assert_ptr_equal(world_at_reader(world), first);
    world_answer(world, first, "old");
    assert_home(world, first, CACHE_MISS, "old");
    struct job *writer = world_insert(world, "cpu");
    world_send(world, writer);
    assert_ptr_equal(world_at_writer(world), writer);
    world_fail(world, writer, STATUS_OUTCOME_UNKNOWN);
    assert_failed_home(world, writer, STATUS_OUTCOME_UNKNOWN);
    struct job *second = world_begin(world, "cpu", "key");
    assert_ptr_equal(world_at_reader(world), second);
    world_answer(world, second, "new");
    assert_home(world, second, CACHE_MISS, "new");
    assert_all_home(world);
}

/* The way back of a read that failed before it reached the stage. */
static void read_that_failed_passes_through(void **state)
{
    struct cache_world *world = *state;
    struct job *job = world_read(world, "cpu", "key");
    job_fail(job, STATUS_BAD_FILTER, SLICE("no"));
    world_send(world, job);
    world_step(world);
    assert_failed_home(world, job, STATUS_BAD_FILTER);
    assert_all_home(world);
}

static void write_that_failed_leaves_answers(void **state)
{
    struct cache_world *world = *state;
    struct job *first = world_begin(world, "cpu", "key");
    assert_ptr_equal(world_at_reader(world), first);
    world_answer(world, first, "answer");
    assert_home(world, first, CACHE_MISS, "answer");
    struct job *writer = world_insert(world, "cpu");
    job_fail(writer, STATUS_INVALID_METRIC, SLICE("no"));
    world_send(world, writer);
    world_step(world);
    assert_failed_home(world, writer, STATUS_INVALID_METRIC);
    assert_home(world, world_begin(world, "cpu", "key"), CACHE_HIT, "answer");
    assert_all_home(world);
}

int main(void)
{
#define STAGE_TEST(function) cmocka_unit_test_setup_teardown(function, cache_world_setup, cache_world_teardown)
    const struct CMUnitTest tests[] = {
        STAGE_TEST(get_goes_to_storage_once_then_hits),
        STAGE_TEST(get_sees_a_bump_earlier_in_the_batch),
        STAGE_TEST(get_with_no_cache_asks_storage_and_refreshes),
        STAGE_TEST(get_with_no_store_is_not_kept),
        STAGE_TEST(get_without_key_is_bypassed),
        STAGE_TEST(get_is_bypassed_when_disabled),
        STAGE_TEST(get_past_its_deadline_expires),
        STAGE_TEST(get_gives_old_answers_to_who_allows_them),
        STAGE_TEST(get_gives_old_answers_to_all_when_so_set),
        STAGE_TEST(write_of_unknown_outcome_makes_answers_old),
        STAGE_TEST(read_that_failed_passes_through),
        STAGE_TEST(write_that_failed_leaves_answers),
    };
    return cmocka_run_group_tests_name("cache stage", tests, NULL, NULL);
}
