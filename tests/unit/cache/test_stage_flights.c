/* SPDX-License-Identifier: MIT */
/* Identical reads in flight: who joins, who leads on, who gives up. Every test ends with all jobs at home. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "cache_world.h"
#include "job_fixture.h"

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

static void shared_answers_keep_the_lead_of_each(void **state)
{
    struct cache_world *world = *state;
    struct job *leader = world_begin(world, "cpu", "key");
    struct job *second = world_begin(world, "cpu", "key");
    assert_ptr_equal(world_at_reader(world), leader);
    leader->reply.lead = SLICE("first");
    second->reply.lead = SLICE("second");
    world_answer(world, leader, "answer");
    assert_true(slice_equal(second->reply.lead, SLICE("second")));
    assert_true(slice_equal(leader->reply.lead, SLICE("first")));
    assert_home(world, second, CACHE_COLLAPSED, "answer");
    assert_home(world, leader, CACHE_MISS, "answer");
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

int main(void)
{
#define STAGE_TEST(function) cmocka_unit_test_setup_teardown(function, cache_world_setup, cache_world_teardown)
    const struct CMUnitTest tests[] = {
        STAGE_TEST(identical_reads_share_one_storage_read),
        STAGE_TEST(shared_answers_keep_the_lead_of_each),
        STAGE_TEST(read_behind_a_write_joins_no_older_flight),
        STAGE_TEST(leader_that_fails_alone_is_followed_by_the_next),
        STAGE_TEST(query_too_slow_by_the_leaders_deadline_is_its_own),
        STAGE_TEST(failure_of_the_store_is_everybodys),
        STAGE_TEST(not_found_holds_only_for_those_before_the_read),
        STAGE_TEST(partial_answer_is_neither_kept_nor_shared),
        STAGE_TEST(tick_expires_followers_past_their_deadline),
        STAGE_TEST(promotion_passes_over_the_expired),
    };
    return cmocka_run_group_tests_name("cache stage flights", tests, NULL, NULL);
}
