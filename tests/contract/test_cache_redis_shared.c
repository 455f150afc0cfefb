/* SPDX-License-Identifier: MIT */
/* Two servers on one Redis, which is emptied, restarted and stopped meanwhile: no answer is older than a
 * write that either of them has announced. */
#include "suite.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hiredis/hiredis.h>

#include "cache_contract_hands.h"
#include "job_fixture.h"
#include "redis_process.h"

struct world {
    struct redis_process redis;
    struct contract_backend backend;
    struct contract *here, *there;
};

static int setup_with(void **state, bool saves)
{
    struct world *world = calloc(1, sizeof(*world));
    if (!redis_process_start(&world->redis, saves))
        return -1;
    world->backend = (struct contract_backend){
        .ops = &cache_redis, .uri = world->redis.uri, .prefix = "shared:", .timeout_ns = 500 * NS_PER_MS
    };
    world->here = contract_new(&world->backend);
    world->there = contract_new(&world->backend);
    contract_await(world->here);
    contract_await(world->there);
    *state = world;
    return 0;
}

static int setup(void **state)
{
    return setup_with(state, false);
}

static int setup_that_saves(void **state)
{
    return setup_with(state, true);
}

static int teardown(void **state)
{
    struct world *world = *state;
    contract_free(&world->here);
    contract_free(&world->there);
    redis_process_fini(&world->redis);
    free(world);
    return 0;
}

/* Fills, and waits until Redis has taken it: a put is done before. */
static void fill(struct contract *contract, enum cache_scope scope, const char *text, const char *key)
{
    contract_fill(contract, scope, text, key);
    contract_look(contract, SCOPE_ALL, "", "something behind it");
}

static void answers_are_shared(void **state)
{
    struct world *world = *state;
    fill(world->here, SCOPE_NAME, "cpu", "list cpu");
    assert_int_equal(contract_look(world->there, SCOPE_NAME, "cpu", "list cpu"), CACHE_HIT);
    assert_slice(world->there->reader->reply.body, "list cpu");
}

static void bump_is_seen_by_the_other(void **state)
{
    struct world *world = *state;
    for (unsigned i = 0; i < 100; i++) {
        fill(world->here, SCOPE_NAME, "cpu", "list cpu");
        assert_int_equal(contract_look(world->there, SCOPE_NAME, "cpu", "list cpu"), CACHE_HIT);
        contract_bump_name(world->there, "cpu");
        assert_int_equal(contract_look(world->here, SCOPE_NAME, "cpu", "list cpu"), CACHE_MISS);
    }
}

static void fill_behind_a_bump_of_the_other_is_old(void **state)
{
    struct world *world = *state;
    contract_look(world->here, SCOPE_NAME, "cpu", "key");
    contract_bump_name(world->there, "cpu");
    contract_put(world->here, world->here->reader, "old", 0);
    contract_look(world->here, SCOPE_ALL, "", "something behind it");
    assert_int_equal(contract_look(world->there, SCOPE_NAME, "cpu", "key"), CACHE_MISS);
    assert_int_equal(contract_look(world->here, SCOPE_NAME, "cpu", "key"), CACHE_MISS);
}

/* This server saw the answer as the newest right before the other wrote, and its own write comes later. */
static void bump_of_the_other_counts_before_our_own(void **state)
{
    enum { LONG_MS = 100 };
    struct world *world = *state;
    fill(world->here, SCOPE_NAME, "cpu", "key");
    assert_int_equal(contract_look(world->here, SCOPE_NAME, "cpu", "key"), CACHE_HIT);
    assert_int_equal(contract_get(world->here, world->here->reader, 1), CACHE_HIT);
    contract_bump_name(world->there, "cpu");
    usleep(LONG_MS * 1000);
    contract_bump_name(world->here, "cpu");
    assert_int_equal(contract_get(world->here, world->here->reader, LONG_MS * NS_PER_MS), CACHE_MISS);
    assert_int_equal(contract_get(world->here, world->here->reader, CONTRACT_TTL_NS / 2), CACHE_STALE_HIT);
}

/* Readers' sightings outlast writes that nobody reads between. */
static void bumps_without_readers_push_nothing_out(void **state)
{
    struct world *world = *state;
    contract_look(world->here, SCOPE_NAME, "cpu", "key");
    world->here->reader->cache.read_ns -= 10 * NS_PER_S;
    contract_put(world->here, world->here->reader, "old", 0);
    assert_int_equal(contract_look(world->here, SCOPE_NAME, "cpu", "key"), CACHE_HIT);
    assert_int_equal(contract_get(world->here, world->here->reader, 1), CACHE_HIT);
    for (unsigned n_writes = 0; n_writes < 10; n_writes++)
        contract_bump_name(world->here, "cpu");
    assert_int_equal(contract_get(world->here, world->here->reader, 9 * NS_PER_S), CACHE_STALE_HIT);
}

/* An old number must not come back when the new one is lost. */
static void flush_brings_nothing_back(void **state)
{
    struct world *world = *state;
    contract_look(world->here, SCOPE_NAME, "cpu", "key");
    contract_bump_name(world->there, "cpu");
    redis_process_say(&world->redis, "FLUSHALL");
    contract_put(world->here, world->here->reader, "old", 0);
    contract_look(world->here, SCOPE_ALL, "", "something behind it");
    assert_int_equal(contract_look(world->there, SCOPE_NAME, "cpu", "key"), CACHE_MISS);
    assert_int_not_equal(world->there->reader->cache.generation, 0);
    contract_put(world->there, world->there->reader, "new", 0);
    contract_look(world->there, SCOPE_ALL, "", "something behind it");
    assert_int_equal(contract_look(world->here, SCOPE_NAME, "cpu", "key"), CACHE_HIT);
    assert_slice(world->here->reader->reply.body, "new");
}

static void lost_number_is_a_miss_once(void **state)
{
    struct world *world = *state;
    fill(world->here, SCOPE_ALL, "", "key");
    redis_process_say(&world->redis, "DEL shared:g:all");
    assert_int_equal(contract_look(world->there, SCOPE_ALL, "", "key"), CACHE_MISS);
    contract_put(world->there, world->there->reader, "key", 0);
    contract_look(world->there, SCOPE_ALL, "", "something behind it");
    assert_int_equal(contract_look(world->here, SCOPE_ALL, "", "key"), CACHE_HIT);
}

/* The snapshot holds the answer and the number of before the write. */
static void restart_from_a_snapshot_brings_nothing_back(void **state)
{
    struct world *world = *state;
    fill(world->here, SCOPE_NAME, "cpu", "list cpu");
    assert_int_equal(contract_look(world->there, SCOPE_NAME, "cpu", "list cpu"), CACHE_HIT);
    redis_process_say(&world->redis, "SAVE");
    contract_bump_name(world->there, "cpu");
    redis_process_end(&world->redis, SIGKILL);
    redis_process_again(&world->redis);
    contract_await(world->there);
    assert_int_equal(contract_look(world->there, SCOPE_NAME, "cpu", "list cpu"), CACHE_MISS);
    contract_await(world->here);
    assert_int_equal(contract_look(world->here, SCOPE_NAME, "cpu", "list cpu"), CACHE_MISS);
}

/* A write that could not be announced makes everything old before this server uses the cache again. */
static void write_while_it_was_away_is_announced_later(void **state)
{
    struct world *world = *state;
    fill(world->here, SCOPE_NAME, "cpu", "list cpu");
    fill(world->here, SCOPE_NAME, "disk", "list disk");
    kill(world->redis.pid, SIGSTOP);
    contract_bump_name(world->here, "cpu");  /* sent, and not answered in time */
    contract_bump_name(world->here, "disk"); /* not even sent */
    assert_int_equal(contract_look(world->here, SCOPE_NAME, "cpu", "list cpu"), CACHE_BYPASS);
    sleep(3);
    kill(world->redis.pid, SIGCONT);
    contract_await(world->here);
    assert_int_equal(contract_look(world->here, SCOPE_NAME, "cpu", "list cpu"), CACHE_MISS);
    assert_int_equal(contract_look(world->here, SCOPE_NAME, "disk", "list disk"), CACHE_MISS);
    contract_await(world->there);
    assert_int_equal(contract_look(world->there, SCOPE_NAME, "cpu", "list cpu"), CACHE_MISS);
    assert_int_equal(contract_look(world->there, SCOPE_NAME, "disk", "list disk"), CACHE_MISS);
}

static uint64_t epoch(const struct world *world)
{
    uint64_t number = 0;
    redisContext *client = redisConnectUnix(world->redis.socket);
    assert_non_null(client);
    redisReply *reply = redisCommand(client, "GET shared:e");
    assert_int_equal(reply->len, sizeof(number));
    memcpy(&number, reply->str, sizeof(number));
    freeReplyObject(reply);
    redisFree(client);
    return number;
}

/* Redis has taken an epoch from `here`, which has not read so yet. */
static void send_an_epoch(struct world *world)
{
    uint64_t before = epoch(world), until_ns = clock_ns() + 20 * NS_PER_S;
    do {
        assert_true(clock_ns() < until_ns);
        contract_pump(world->here);
    } while (epoch(world) == before);
}

/* The other keeps answers under the epoch that the greeting has made, before this server knows that it was taken. */
static void write_during_the_greeting_is_announced_behind_it(void **state)
{
    struct world *world = *state;
    redis_process_say(&world->redis, "CLIENT KILL TYPE normal");
    contract_await(world->there);
    send_an_epoch(world);
    fill(world->there, SCOPE_NAME, "cpu", "list cpu");
    assert_int_equal(contract_look(world->there, SCOPE_NAME, "cpu", "list cpu"), CACHE_HIT);
    job_fixture_insert(world->here->writer, &(const char *){ "cpu" }, 1);
    cache_redis.bump(world->here->cache, world->here->writer);
    assert_ptr_equal(world->here->ended, world->here->writer); /* it waits for nothing */
    world->here->ended = NULL;
    send_an_epoch(world);
    assert_int_equal(contract_look(world->there, SCOPE_NAME, "cpu", "list cpu"), CACHE_MISS);
    fill(world->there, SCOPE_NAME, "disk", "list disk");
    contract_bump_name(world->here, "disk");
    assert_int_equal(contract_look(world->there, SCOPE_NAME, "disk", "list disk"), CACHE_MISS);
    contract_await(world->here);
    assert_int_equal(contract_look(world->here, SCOPE_NAME, "disk", "list disk"), CACHE_MISS);
}

/* The lives of answers that were kept at the same time end one by one, at most a tenth early. */
static void lives_of_answers_are_spread(void **state)
{
    enum { N = 100, TTL_MS = CONTRACT_TTL_NS / NS_PER_MS };
    struct world *world = *state;
    int64_t first_ms = INT64_MAX, last_ms = 0;
    char key[32];
    for (unsigned i = 0; i < N; i++) {
        snprintf(key, sizeof(key), "list %u", i);
        fill(world->here, SCOPE_NAME, "cpu", key);
    }
    redisContext *client = redisConnectUnix(world->redis.socket);
    redisReply *keys = redisCommand(client, "KEYS shared:v:*");
    assert_int_equal(keys->elements, N);
    for (size_t i = 0; i < keys->elements; i++) {
        redisReply *life = redisCommand(client, "PTTL %s", keys->element[i]->str);
        assert_in_range(life->integer, TTL_MS / 2, TTL_MS);
        first_ms = life->integer < first_ms ? life->integer : first_ms;
        last_ms = life->integer > last_ms ? life->integer : last_ms;
        freeReplyObject(life);
    }
    freeReplyObject(keys);
    redisFree(client);
    assert_in_range(last_ms - first_ms, TTL_MS / 20, TTL_MS / 2);
}

int main(void)
{
    struct redis_process probe;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers_are_shared, setup, teardown),
        cmocka_unit_test_setup_teardown(bump_is_seen_by_the_other, setup, teardown),
        cmocka_unit_test_setup_teardown(fill_behind_a_bump_of_the_other_is_old, setup, teardown),
        cmocka_unit_test_setup_teardown(bump_of_the_other_counts_before_our_own, setup, teardown),
        cmocka_unit_test_setup_teardown(bumps_without_readers_push_nothing_out, setup, teardown),
        cmocka_unit_test_setup_teardown(flush_brings_nothing_back, setup, teardown),
        cmocka_unit_test_setup_teardown(lives_of_answers_are_spread, setup, teardown),
        cmocka_unit_test_setup_teardown(lost_number_is_a_miss_once, setup, teardown),
        cmocka_unit_test_setup_teardown(restart_from_a_snapshot_brings_nothing_back, setup_that_saves, teardown),
        cmocka_unit_test_setup_teardown(write_during_the_greeting_is_announced_behind_it, setup, teardown),
        cmocka_unit_test_setup_teardown(write_while_it_was_away_is_announced_later, setup, teardown),
    };
    signal(SIGPIPE, SIG_IGN);
    if (!redis_process_start(&probe, false)) {
        puts("1..0 # SKIP there is no redis-server");
        return 0;
    }
    redis_process_fini(&probe);
    return cmocka_run_group_tests_name("one redis for two", tests, NULL, NULL);
}
