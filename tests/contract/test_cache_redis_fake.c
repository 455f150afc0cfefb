/* SPDX-License-Identifier: MIT */
/* A Redis that is slow, lies, or goes away: each job waits for it at most once, and never gets an answer
 * that is none. Each test says how often the fault really happened. */
#include "suite.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <telemetry/limiter.h>
#include <telemetry/stats.h>

#include "cache_contract_hands.h"
#include "fake_redis.h"
#include "job_fixture.h"

#define LIMIT_NS (50 * NS_PER_MS)
#define LATE_NS  (150 * NS_PER_MS) /* what a busy machine may add */

struct world {
    struct limiter *limiter; /* of servers that share their rates, or NULL */
    struct fake_redis fake;
    struct contract_backend backend;
    struct contract *contract;
};

static void start(struct world *world, enum fake_manner manner)
{
    fake_redis_start(&world->fake, manner);
    world->backend = (struct contract_backend){
        .ops = &cache_redis, .uri = world->fake.uri, .timeout_ns = LIMIT_NS, .limiter = world->limiter
    };
    world->contract = contract_new(&world->backend);
}

static void stop(struct world *world)
{
    contract_free(&world->contract);
    fake_redis_stop(&world->fake);
}

static bool is_up(const struct world *world)
{
    return atomic_load(&world->contract->stats->gauges[STATS_GAUGE_CACHE_UP]) == 1;
}

static uint64_t counter(const struct world *world, enum stats_counter counter)
{
    return atomic_load(&world->contract->stats->counters[counter]);
}

static void await_up(struct world *world)
{
    uint64_t until_ns = clock_ns() + 20 * NS_PER_S;
    while (!is_up(world)) {
        assert_true(clock_ns() < until_ns);
        contract_pump(world->contract);
    }
}

/* One look-up; the time it took. */
static uint64_t look(struct world *world, enum cache_result *ret_result)
{
    uint64_t begin_ns = clock_ns();
    *ret_result = contract_look(world->contract, SCOPE_NAME, "cpu", "key");
    return clock_ns() - begin_ns;
}

static uint64_t write_and_bump(struct world *world)
{
    uint64_t begin_ns = clock_ns();
    contract_bump_name(world->contract, "cpu");
    return clock_ns() - begin_ns;
}

/* A call that the others are to be told of. */
static void call_somebody(struct world *world, uint64_t who)
{
    const struct limit limit = { .rate = 1000, .burst = 1000 };
    struct limit_left left;
    if (world->limiter != NULL)
        assert_true(limiter_take(world->limiter, who, &limit, clock_ns(), &left));
}

/* Reads, fills and writes for a while, over several connections; rates are shared meanwhile, if there is a limiter. */
static void live_so(struct limiter *limiter, enum fake_manner manner, unsigned n_rounds)
{
    struct world world = { .limiter = limiter };
    start(&world, manner);
    await_up(&world);
    job_fixture_read(world.contract->reader, SCOPE_NAME, "cpu", "key");
    contract_get(world.contract, world.contract->reader, 1); /* bumps take a glance from now on */
    for (unsigned i = 0; i < n_rounds; i++) {
        enum cache_result result;
        await_up(&world);
        call_somebody(&world, i);
        assert_true(look(&world, &result) < LIMIT_NS + LATE_NS);
        assert_true(result == CACHE_MISS || result == CACHE_BYPASS);
        contract_put(world.contract, world.contract->reader, "body", 0);
        assert_true(write_and_bump(&world) < LIMIT_NS + LATE_NS);
        assert_true(look(&world, &result) < LIMIT_NS + LATE_NS);
        assert_true(result == CACHE_MISS || result == CACHE_BYPASS);
    }
    unsigned n = atomic_load(&world.fake.n_commands);
    print_message("# met %u commands on %u connections\n", n, atomic_load(&world.fake.n_connections));
    assert_true(n >= n_rounds);
    stop(&world);
}

static void live_with(enum fake_manner manner, unsigned n_rounds)
{
    struct limiter *limiter = limiter_new(true);
    assert_non_null(limiter);
    live_so(NULL, manner, n_rounds);
    live_so(limiter, manner, n_rounds);
    limiter_free(&limiter);
}

/* Behind the first failure nobody waits, until the link is back. */
static void waits_once(enum fake_manner manner)
{
    struct world world = { .limiter = NULL };
    enum cache_result result;
    start(&world, manner);
    await_up(&world);
    uint64_t first_ns = look(&world, &result);
    assert_int_equal(result, CACHE_BYPASS);
    assert_in_range(first_ns, LIMIT_NS - 5 * NS_PER_MS, LIMIT_NS + LATE_NS);
    assert_int_equal(counter(&world, STATS_CACHE_TIMEOUTS), 1);
    for (unsigned i = 0; i < 1000; i++) {
        contract_look(world.contract, SCOPE_NAME, "cpu", "key");
        contract_bump_name(world.contract, "cpu");
    }
    assert_int_equal(counter(&world, STATS_CACHE_TIMEOUTS), 1);
    stop(&world);
}

static void silent_is_waited_for_once(void **state)
{
    (void)state;
    waits_once(FAKE_SILENT);
}

static void slow_is_waited_for_once(void **state)
{
    (void)state;
    waits_once(FAKE_SLOW);
}

static void bump_waits_once(void **state)
{
    (void)state;
    struct world world = { .limiter = NULL };
    start(&world, FAKE_SILENT);
    await_up(&world);
    assert_in_range(write_and_bump(&world), LIMIT_NS - 5 * NS_PER_MS, LIMIT_NS + LATE_NS);
    assert_false(is_up(&world));
    stop(&world);
}

#define LIVES_WITH(name, manner, n_rounds)                                                                             \
    static void name(void **state)                                                                                     \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        live_with(manner, n_rounds);                                                                                   \
    }
LIVES_WITH(lives_with_an_empty_one, FAKE_WELL, 20)
LIVES_WITH(lives_with_silence, FAKE_SILENT, 3)
LIVES_WITH(lives_with_slowness, FAKE_SLOW, 3)
LIVES_WITH(lives_with_closing, FAKE_CLOSES, 5)
LIVES_WITH(lives_with_garbage, FAKE_GARBAGE, 5)
LIVES_WITH(lives_with_answers_unasked, FAKE_TWICE, 5)
LIVES_WITH(lives_with_huge_arrays, FAKE_HUGE_ARRAY, 5)
LIVES_WITH(lives_with_strings_without_end, FAKE_ENDLESS, 3)
LIVES_WITH(lives_with_nested_arrays, FAKE_NESTED, 1)
LIVES_WITH(lives_with_numbers, FAKE_NUMBERS, 5)
LIVES_WITH(lives_with_errors, FAKE_ERRORS, 5)
LIVES_WITH(lives_with_data_of_others, FAKE_OTHER_DATA, 5)
LIVES_WITH(lives_with_broken_values, FAKE_BAD_VALUES, 5)

static void broken_values_are_counted(void **state)
{
    (void)state;
    struct world world = { .limiter = NULL };
    enum cache_result result;
    start(&world, FAKE_BAD_VALUES);
    await_up(&world);
    look(&world, &result);
    assert_int_equal(result, CACHE_MISS);
    assert_int_equal(counter(&world, STATS_CACHE_BAD_VALUES), 1);
    stop(&world);
}

/* No call is under way whose deadline could end it. */
static void unasked_answers_are_not_kept(void **state)
{
    (void)state;
    struct world world = { .limiter = NULL };
    start(&world, FAKE_NESTED);
    atomic_store(&world.fake.rude_greeting, true);
    await_up(&world);
    uint64_t until_ns = clock_ns() + 20 * NS_PER_S;
    while (is_up(&world) && clock_ns() < until_ns)
        contract_pump(world.contract);
    assert_false(is_up(&world));
    size_t n_bytes = atomic_load(&world.fake.nested_bytes);
    print_message("# sent %zu bytes that nobody asked for\n", n_bytes);
    assert_in_range(n_bytes, 1, 24 << 20); /* 8 MiB of them were read, the others filled sockets */
    stop(&world);
}

/* Wrong password, a replica, a server that is full: it is never used, and nobody waits. */
static void refused_greeting_is_waited_for_by_nobody(void **state)
{
    (void)state;
    struct world world = { .limiter = NULL };
    fake_redis_start(&world.fake, FAKE_ERRORS);
    atomic_store(&world.fake.rude_greeting, true);
    world.backend = (struct contract_backend){ .ops = &cache_redis, .uri = world.fake.uri, .timeout_ns = LIMIT_NS };
    world.contract = contract_new(&world.backend);
    uint64_t until_ns = clock_ns() + NS_PER_S;
    while (clock_ns() < until_ns) {
        enum cache_result result;
        contract_pump(world.contract);
        assert_true(look(&world, &result) < LATE_NS);
        assert_int_equal(result, CACHE_BYPASS);
        assert_false(is_up(&world));
    }
    assert_true(atomic_load(&world.fake.n_connections) >= 1);
    stop(&world);
}

static void absent_is_waited_for_by_nobody(void **state)
{
    (void)state;
    struct world world = { .limiter = NULL };
    enum cache_result result;
    start(&world, FAKE_WELL);
    await_up(&world);
    fake_redis_stop(&world.fake);
    uint64_t until_ns = clock_ns() + 500 * NS_PER_MS;
    while (clock_ns() < until_ns) {
        assert_true(look(&world, &result) < LATE_NS);
        assert_true(write_and_bump(&world) < LATE_NS);
        contract_pump(world.contract);
    }
    assert_int_equal(result, CACHE_BYPASS);
    assert_false(is_up(&world));
    assert_int_equal(counter(&world, STATS_CACHE_TIMEOUTS), 0);
    contract_free(&world.contract);
}

/* What is under way when the server stops ends there. */
static void close_ends_what_is_under_way(void **state)
{
    (void)state;
    struct world world = { .limiter = NULL };
    start(&world, FAKE_SILENT);
    await_up(&world);
    struct contract *contract = world.contract;
    job_fixture_read(contract->reader, SCOPE_NAME, "cpu", "key");
    contract->ops->get(contract->cache, contract->reader, 0);
    contract_pump(contract);
    assert_null(contract->ended);
    uint64_t begin_ns = clock_ns();
    contract_close(contract);
    assert_true(clock_ns() - begin_ns < LATE_NS);
    assert_ptr_equal(contract->ended, contract->reader);
    assert_int_equal(contract->reader->cache.result, CACHE_BYPASS);
    stop(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silent_is_waited_for_once),
        cmocka_unit_test(slow_is_waited_for_once),
        cmocka_unit_test(bump_waits_once),
        cmocka_unit_test(lives_with_an_empty_one),
        cmocka_unit_test(lives_with_silence),
        cmocka_unit_test(lives_with_slowness),
        cmocka_unit_test(lives_with_closing),
        cmocka_unit_test(lives_with_garbage),
        cmocka_unit_test(lives_with_answers_unasked),
        cmocka_unit_test(lives_with_huge_arrays),
        cmocka_unit_test(lives_with_strings_without_end),
        cmocka_unit_test(lives_with_nested_arrays),
        cmocka_unit_test(lives_with_numbers),
        cmocka_unit_test(lives_with_errors),
        cmocka_unit_test(lives_with_data_of_others),
        cmocka_unit_test(lives_with_broken_values),
        cmocka_unit_test(broken_values_are_counted),
        cmocka_unit_test(unasked_answers_are_not_kept),
        cmocka_unit_test(refused_greeting_is_waited_for_by_nobody),
        cmocka_unit_test(absent_is_waited_for_by_nobody),
        cmocka_unit_test(close_ends_what_is_under_way),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("redis that fails", tests, NULL, NULL);
}
