/* SPDX-License-Identifier: MIT */
/* Old answers that are allowed are renewed by a read of the cache's own. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "cache_world.h"

static int setup(void **state)
{
    struct cache_stage_settings settings = {
        .ops = &cache_memory, .max_bytes = 1 << 20, .ttl_ns = WORLD_TTL_NS, .stale_ns = 30 * NS_PER_S
    };
    cache_world_setup(state);
    world_restart(*state, &settings);
    return 0;
}

static void fill(struct cache_world *world, const char *name, const char *key)
{
    struct job *job = world_begin(world, name, key);
    assert_ptr_equal(world_at_reader(world), job);
    world_answer(world, job, "old");
    assert_home(world, job, CACHE_MISS, "old");
}

/* An old answer is given, and the store is read for it. */
static struct job *begin_refresh(struct cache_world *world)
{
    fill(world, "cpu", "key");
    world_write(world, "cpu");
    struct job *job = world_begin(world, "cpu", "key"), *refresh = world_at_reader(world);
    assert_home(world, job, CACHE_STALE_HIT, "old");
    assert_non_null(refresh);
    assert_ptr_not_equal(refresh, job);
    return refresh;
}

static uint64_t refreshes(const struct cache_world *world)
{
    return world_counter(world, STATS_CACHE_REFRESHES);
}

static void refresh_renews_the_answer(void **state)
{
    struct cache_world *world = *state;
    world_answer(world, begin_refresh(world), "new");
    assert_home(world, world_begin(world, "cpu", "key"), CACHE_HIT, "new");
    assert_int_equal(refreshes(world), 1);
    assert_int_equal(world_counter(world, STATS_CACHE_MISSES), 1); /* of the fill */
    assert_all_home(world);
}

static void refresh_is_one_for_all_who_get_the_old_answer(void **state)
{
    struct cache_world *world = *state;
    struct job *refresh = begin_refresh(world);
    for (unsigned i = 0; i < 5; i++)
        assert_home(world, world_begin(world, "cpu", "key"), CACHE_STALE_HIT, "old");
    assert_null(world_at_reader(world));
    world_answer(world, refresh, "new");
    assert_int_equal(refreshes(world), 1);
    assert_all_home(world);
}

/* What was read before the second write is not the newest behind it. */
static void refresh_that_a_write_overtakes_is_an_old_answer(void **state)
{
    struct cache_world *world = *state;
    struct job *refresh = begin_refresh(world);
    world_write(world, "cpu");
    world_answer(world, refresh, "between");
    struct job *job = world_begin(world, "cpu", "key"), *second = world_at_reader(world);
    assert_home(world, job, CACHE_STALE_HIT, "between");
    world_answer(world, second, "new");
    assert_home(world, world_begin(world, "cpu", "key"), CACHE_HIT, "new");
    assert_all_home(world);
}

static void refresh_that_fails_leaves_the_old_answer(void **state)
{
    struct cache_world *world = *state;
    world_fail(world, begin_refresh(world), STATUS_STORAGE_UNAVAILABLE);
    struct job *job = world_begin(world, "cpu", "key");
    assert_home(world, job, CACHE_STALE_HIT, "old");
    world_answer(world, world_at_reader(world), "new");
    assert_int_equal(refreshes(world), 2);
    assert_all_home(world);
}

/* A reader that does without old answers waits for the refresh, and reads for itself when that was too late. */
static void refresh_that_expires_is_led_on_by_who_waits(void **state)
{
    struct cache_world *world = *state;
    struct job *refresh = begin_refresh(world);
    world->cache.settings.stale_ns = 0;
    struct job *strict = world_begin(world, "cpu", "key");
    assert_null(world_at_reader(world));
    world_fail(world, refresh, STATUS_EXPIRED);
    assert_ptr_equal(world_at_reader(world), strict);
    world_answer(world, strict, "new");
    assert_home(world, strict, CACHE_MISS, "new");
    assert_all_home(world);
}

/* All that the store looks at is the reader's, and lives in memory of the refresh's own. */
static void refresh_asks_what_the_reader_asked(void **state)
{
    struct cache_world *world = *state;
    struct slice tags[] = { SLICE("a"), SLICE("b:c") }, any_tags[] = { SLICE("d") }, not_tags[] = { SLICE("e") };
    fill(world, "cpu", "key");
    world_write(world, "cpu");
    struct job *job = world_read(world, "cpu", "key");
    job->filter = (struct filter){ .name = SLICE("cpu"),
                                   .n_tags = 2,
                                   .tags = tags,
                                   .n_any_tags = 1,
                                   .any_tags = any_tags,
                                   .n_not_tags = 1,
                                   .not_tags = not_tags,
                                   .limit = 7,
                                   .from_ms = 3,
                                   .min = -1 };
    world_send(world, job);
    world_step(world);
    struct job *refresh = world_at_reader(world);
    const struct filter *filter = &refresh->filter;
    assert_home(world, job, CACHE_STALE_HIT, "old");
    assert_true(filter->name.data != job->filter.name.data && filter->tags != tags &&
                filter->tags[1].data != tags[1].data);
    assert_true(slice_equal(filter->name, SLICE("cpu")) && slice_equal(filter->tags[1], SLICE("b:c")));
    assert_true(slice_equal(filter->any_tags[0], SLICE("d")) && slice_equal(filter->not_tags[0], SLICE("e")));
    assert_true(filter->n_tags == 2 && filter->limit == 7 && filter->from_ms == 3 && filter->min < 0);
    assert_true(slice_equal(refresh->cache.key, SLICE("key")) && refresh->cache.key.data != job->cache.key.data);
    assert_true(refresh->deadline_ns == job->deadline_ns && refresh->worker_hash == job->worker_hash);
    world_answer(world, refresh, "new");
    assert_all_home(world);
}

/* What cannot be copied gets its old answer all the same. */
static void refresh_is_not_made_of_a_question_in_words(void **state)
{
    struct cache_world *world = *state;
    struct inquiry *inquiry = (struct inquiry *)world;
    fill(world, "cpu", "key");
    world_write(world, "cpu");
    struct job *job = world_read(world, "cpu", "key");
    job->inquiry = inquiry;
    world_send(world, job);
    world_step(world);
    assert_home(world, job, CACHE_STALE_HIT, "old");
    assert_int_equal(refreshes(world), 0);
    assert_all_home(world);
}

/* Reads of an answer that has become old just now do not wear out the store. */
static void refresh_waits_until_the_answer_has_been_old_for_a_time(void **state)
{
    struct cache_world *world = *state;
    world->cache.settings.renew_ns = 30 * NS_PER_S;
    fill(world, "cpu", "key");
    world_write(world, "cpu");
    uint64_t begun_ns = clock_ns();
    assert_home(world, world_begin(world, "cpu", "key"), CACHE_STALE_HIT, "old");
    assert_null(world_at_reader(world));
    while (clock_ns() - begun_ns < NS_PER_MS)
        continue;
    world->cache.settings.renew_ns = NS_PER_MS;
    struct job *job = world_begin(world, "cpu", "key");
    assert_home(world, job, CACHE_STALE_HIT, "old");
    assert_true(job->cache.old_ns >= NS_PER_MS);
    world_answer(world, world_at_reader(world), "new");
    assert_int_equal(refreshes(world), 1);
    assert_all_home(world);
}

static void refreshes_are_limited(void **state)
{
    struct cache_world *world = *state;
    struct job *out[REFRESHES_MAX + 1];
    struct job *reader = world_read(world, "cpu", "key");
    reader->hop = 0;
    for (unsigned i = 0; i <= REFRESHES_MAX; i++)
        out[i] = refreshes_take(&world->cache.refreshes, reader);
    assert_non_null(out[REFRESHES_MAX - 1]);
    assert_null(out[REFRESHES_MAX]);
    for (unsigned i = 0; i < REFRESHES_MAX; i++)
        refreshes_put(&world->cache.refreshes, &out[i]);
    assert_int_equal(refreshes_out(&world->cache.refreshes), 0);
}

int main(void)
{
#define REFRESH_TEST(function) cmocka_unit_test_setup_teardown(function, setup, cache_world_teardown)
    const struct CMUnitTest tests[] = {
        REFRESH_TEST(refresh_renews_the_answer),
        REFRESH_TEST(refresh_is_one_for_all_who_get_the_old_answer),
        REFRESH_TEST(refresh_that_a_write_overtakes_is_an_old_answer),
        REFRESH_TEST(refresh_that_fails_leaves_the_old_answer),
        REFRESH_TEST(refresh_that_expires_is_led_on_by_who_waits),
        REFRESH_TEST(refresh_asks_what_the_reader_asked),
        REFRESH_TEST(refresh_is_not_made_of_a_question_in_words),
        REFRESH_TEST(refresh_waits_until_the_answer_has_been_old_for_a_time),
        REFRESH_TEST(refreshes_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
