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
    struct job *strict = world_begin(world, "cpu", "key");
    assert_ptr_equal(world_at_reader(world), strict);
    world_answer(world, strict, "new");
    assert_home(world, strict, CACHE_MISS, "new");
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
    assert_all_home(world);
}

/* Flights ------------------------------------------------------------------------ */

static void identical_reads_share_one_storage_read(void **state)
{
    struct cache_world *world = *state;
    struct job *leader = world_begin(world, "cpu", "key");
    struct job *second = world_begin(world, "cpu", "key");
    struct job *other = world_begin(world, "cpu", "another key");
    struct job *third = world_begin(world, "cpu", "key");
    assert_ptr_equal(world_at_reader(world), leader);
    assert_ptr_equal(world_at_reader(world), other);
    assert_null(world_at_reader(world));
    assert_true(leader->cache.leads);
    world_answer(world, leader, "answer");
    assert_home(world, second, CACHE_COLLAPSED, "answer");
    assert_home(world, third, CACHE_COLLAPSED, "answer");
    assert_home(world, leader, CACHE_MISS, "answer");
    assert_ptr_not_equal(second->reply.body.data, leader->reply.body.data);
    world_answer(world, other, "another");
    assert_home(world, other, CACHE_MISS, "another");
    assert_int_equal(world_counter(world, STATS_CACHE_COLLAPSED_HITS), 2);
    assert_int_equal(world_counter(world, STATS_CACHE_MISSES), 2);
    assert_all_home(world);
}

static void read_behind_a_write_joins_no_older_flight(void **state)
{
    struct cache_world *world = *state;
    struct job *older = world_begin(world, "cpu", "key");
    world_write(world, "cpu");
    struct job *newer = world_begin(world, "cpu", "key");
    struct job *joins = world_begin(world, "cpu", "key");
    assert_ptr_equal(world_at_reader(world), older);
    assert_ptr_equal(world_at_reader(world), newer);
    assert_null(world_at_reader(world));
    world_answer(world, older, "old");
    assert_home(world, older, CACHE_MISS, "old");
    assert_null(world_at_home(world));
    world_answer(world, newer, "new");
    assert_home(world, joins, CACHE_COLLAPSED, "new");
    assert_home(world, newer, CACHE_MISS, "new");
    assert_home(world, world_begin(world, "cpu", "key"), CACHE_HIT, "new");
    assert_all_home(world);
}

static void leader_that_fails_alone_is_followed_by_the_next(void **state)
{
    static const enum status own[] = { STATUS_EXPIRED, STATUS_OUT_OF_MEMORY };
    struct cache_world *world = *state;
    for (unsigned i = 0; i < 2; i++) {
        struct job *leader = world_begin(world, "cpu", i == 0 ? "key" : "key 2");
        struct job *second = world_begin(world, "cpu", i == 0 ? "key" : "key 2");
        struct job *third = world_begin(world, "cpu", i == 0 ? "key" : "key 2");
        assert_ptr_equal(world_at_reader(world), leader);
        world_fail(world, leader, own[i]);
        assert_failed_home(world, leader, own[i]);
        assert_ptr_equal(world_at_reader(world), second);
        assert_null(world_at_reader(world));
        world_answer(world, second, "answer");
        assert_home(world, third, CACHE_COLLAPSED, "answer");
        assert_home(world, second, CACHE_MISS, "answer");
    }
    assert_all_home(world);
}

static void query_too_slow_by_the_leaders_deadline_is_its_own(void **state)
{
    struct cache_world *world = *state;
    struct job *leader = world_begin(world, "cpu", "key");
    struct job *second = world_begin(world, "cpu", "key");
    assert_ptr_equal(world_at_reader(world), leader);
    leader->deadline_ns = clock_ns();
    world_fail(world, leader, STATUS_QUERY_TOO_SLOW);
    assert_failed_home(world, leader, STATUS_QUERY_TOO_SLOW);
    assert_ptr_equal(world_at_reader(world), second);
    world_answer(world, second, "answer");
    assert_home(world, second, CACHE_MISS, "answer");
    assert_all_home(world);
}

static void failure_of_the_store_is_everybodys(void **state)
{
    static const enum status shared[] = { STATUS_STORAGE_UNAVAILABLE, STATUS_QUERY_TOO_SLOW };
    struct cache_world *world = *state;
    for (unsigned i = 0; i < 2; i++) {
        struct job *leader = world_begin(world, "cpu", "key");
        struct job *second = world_begin(world, "cpu", "key");
        assert_ptr_equal(world_at_reader(world), leader);
        world_fail(world, leader, shared[i]);
        assert_failed_home(world, second, shared[i]);
        assert_int_equal(second->reply.detail.len, strlen("storage says why"));
        assert_failed_home(world, leader, shared[i]);
    }
    assert_all_home(world);
}

/* Who joined behind the leader may have seen the insert of that very id answered meanwhile. */
static void not_found_holds_only_for_those_before_the_read(void **state)
{
    struct cache_world *world = *state;
    struct job *leader = world_begin(world, "id", "key");
    struct job *second = world_begin(world, "id", "key");
    struct job *third = world_begin(world, "id", "key");
    assert_ptr_equal(world_at_reader(world), leader);
    world_fail(world, leader, STATUS_NOT_FOUND);
    assert_failed_home(world, leader, STATUS_NOT_FOUND);
    assert_ptr_equal(world_at_reader(world), second);
    struct job *fourth = world_begin(world, "id", "key");
    world_fail(world, second, STATUS_NOT_FOUND);
    assert_failed_home(world, third, STATUS_NOT_FOUND);
    assert_int_equal(third->cache.result, CACHE_COLLAPSED);
    assert_failed_home(world, second, STATUS_NOT_FOUND);
    assert_ptr_equal(world_at_reader(world), fourth);
    world_answer(world, fourth, "inserted meanwhile");
    assert_home(world, fourth, CACHE_MISS, "inserted meanwhile");
    assert_all_home(world);
}

static void partial_answer_is_neither_kept_nor_shared(void **state)
{
    struct cache_world *world = *state;
    struct job *leader = world_begin(world, "cpu", "key");
    struct job *second = world_begin(world, "cpu", "key");
    assert_ptr_equal(world_at_reader(world), leader);
    job_fixture_answer(leader, "");
    leader->reply.http = 304;
    struct job *sent = leader;
    job_next(&world->storage, &sent);
    world_step(world);
    assert_ptr_equal(world_at_home(world), leader);
    assert_ptr_equal(world_at_reader(world), second);
    world_answer(world, second, "answer");
    assert_home(world, second, CACHE_MISS, "answer");
    assert_all_home(world);
}

/* Deadlines ------------------------------------------------------------------------ */

static void tick_expires_followers_past_their_deadline(void **state)
{
    struct cache_world *world = *state;
    struct worker *worker = &world->cache.worker;
    uint64_t now_ns = clock_ns();
    struct job *leader = world_begin(world, "cpu", "key");
    assert_int_equal(worker->tick_ns, UINT64_MAX);
    struct job *followers[3];
    for (unsigned i = 0; i < 3; i++) {
        followers[i] = world_read(world, "cpu", "key");
        followers[i]->deadline_ns = now_ns + (3 - i) * 100 * NS_PER_S; /* the last one is due first */
        world_send(world, followers[i]);
        world_step(world);
    }
    assert_int_equal(worker->tick_ns, followers[2]->deadline_ns);
    uint64_t next_ns = worker->stage->tick(worker, followers[2]->deadline_ns);
    assert_int_equal(next_ns, followers[1]->deadline_ns);
    assert_failed_home(world, followers[2], STATUS_EXPIRED);
    assert_null(world_at_home(world));
    assert_ptr_equal(world_at_reader(world), leader);
    world_answer(world, leader, "answer");
    assert_home(world, followers[0], CACHE_COLLAPSED, "answer");
    assert_home(world, followers[1], CACHE_COLLAPSED, "answer");
    assert_home(world, leader, CACHE_MISS, "answer");
    assert_int_equal(worker->stage->tick(worker, next_ns), UINT64_MAX);
    assert_all_home(world);
}

static void promotion_passes_over_the_expired(void **state)
{
    struct cache_world *world = *state;
    struct job *leader = world_begin(world, "cpu", "key");
    struct job *late = world_begin(world, "cpu", "key");
    struct job *live = world_begin(world, "cpu", "key");
    late->deadline_ns = clock_ns();
    assert_ptr_equal(world_at_reader(world), leader);
    world_fail(world, leader, STATUS_EXPIRED);
    assert_failed_home(world, late, STATUS_EXPIRED);
    assert_failed_home(world, leader, STATUS_EXPIRED);
    assert_ptr_equal(world_at_reader(world), live);
    world_answer(world, live, "answer");
    assert_home(world, live, CACHE_MISS, "answer");
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
        STAGE_TEST(get_without_key_is_bypassed),
        STAGE_TEST(get_is_bypassed_when_disabled),
        STAGE_TEST(get_past_its_deadline_expires),
        STAGE_TEST(get_gives_old_answers_to_who_allows_them),
        STAGE_TEST(get_gives_old_answers_to_all_when_so_set),
        STAGE_TEST(identical_reads_share_one_storage_read),
        STAGE_TEST(read_behind_a_write_joins_no_older_flight),
        STAGE_TEST(leader_that_fails_alone_is_followed_by_the_next),
        STAGE_TEST(query_too_slow_by_the_leaders_deadline_is_its_own),
        STAGE_TEST(failure_of_the_store_is_everybodys),
        STAGE_TEST(not_found_holds_only_for_those_before_the_read),
        STAGE_TEST(partial_answer_is_neither_kept_nor_shared),
        STAGE_TEST(tick_expires_followers_past_their_deadline),
        STAGE_TEST(promotion_passes_over_the_expired),
        STAGE_TEST(write_of_unknown_outcome_makes_answers_old),
        STAGE_TEST(read_that_failed_passes_through),
        STAGE_TEST(write_that_failed_leaves_answers),
    };
    return cmocka_run_group_tests_name("cache stage", tests, NULL, NULL);
}
