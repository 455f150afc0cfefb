/* SPDX-License-Identifier: MIT */
#include <telemetry/limiter.h>

#include <pthread.h>
#include <stdatomic.h>

#include <telemetry/clock.h>

#include "suite.h"

#define START_NS (1000 * NS_PER_S)

enum { THREADS = 4, CALLS = 20000, BURST = 1000, CALLERS = 200000 };

static int set_up(void **state)
{
    *state = limiter_new();
    return *state == NULL;
}

static int tear_down(void **state)
{
    limiter_free((struct limiter **)state);
    return 0;
}

static void limiter_take_lets_a_burst_pass_and_then_the_rate(void **state)
{
    const struct limit limit = { .rate = 10, .burst = 5 };
    struct limit_left left;
    for (uint32_t i = 0; i < 5; i++) {
        assert_true(limiter_take(*state, 42, &limit, START_NS, &left));
        assert_int_equal(left.calls, 4 - i);
        assert_int_equal(left.reset_s, 1);
    }
    assert_false(limiter_take(*state, 42, &limit, START_NS, &left));
    assert_int_equal(left.calls, 0);
    assert_int_equal(left.reset_s, 1);
    assert_false(limiter_take(*state, 42, &limit, START_NS + 99 * NS_PER_MS, &left));
    assert_true(limiter_take(*state, 42, &limit, START_NS + 100 * NS_PER_MS, &left));
    assert_false(limiter_take(*state, 42, &limit, START_NS + 100 * NS_PER_MS, &left));
    unsigned passed = 0;
    for (uint64_t ms = 101; ms <= 10100; ms++)
        passed += limiter_take(*state, 42, &limit, START_NS + ms * NS_PER_MS, &left);
    assert_int_equal(passed, 100);
}

static void limiter_take_counts_callers_apart(void **state)
{
    const struct limit limit = { .rate = 1, .burst = 1 };
    struct limit_left left;
    for (uint64_t who = 1; who <= 1000; who++)
        assert_true(limiter_take(*state, who, &limit, START_NS, &left));
    for (uint64_t who = 1; who <= 1000; who++)
        assert_false(limiter_take(*state, who, &limit, START_NS, &left));
}

/* More callers than places: nobody gets more than its limit by that. */
static void limiter_take_holds_when_the_table_is_full(void **state)
{
    const struct limit limit = { .rate = 1, .burst = 2 };
    struct limit_left left;
    assert_true(limiter_take(*state, 7, &limit, START_NS, &left));
    assert_true(limiter_take(*state, 7, &limit, START_NS, &left));
    for (uint64_t who = 1000; who < CALLERS; who++)
        limiter_take(*state, who, &limit, START_NS, &left);
    assert_false(limiter_take(*state, 7, &limit, START_NS, &left));
    assert_true(limiter_take(*state, 7, &limit, START_NS + 2 * NS_PER_S, &left));
}

struct caller {
    struct limiter *limiter;
    atomic_uint *passed;
};

static void *call(void *context)
{
    const struct caller *caller = context;
    const struct limit limit = { .rate = 1, .burst = BURST };
    struct limit_left left;
    for (unsigned i = 0; i < CALLS; i++)
        if (limiter_take(caller->limiter, 42, &limit, START_NS, &left))
            atomic_fetch_add(caller->passed, 1);
    return NULL;
}

static void limiter_take_counts_across_threads(void **state)
{
    pthread_t threads[THREADS];
    atomic_uint passed = 0;
    struct caller caller = { *state, &passed };
    const struct limit limit = { .rate = 1, .burst = BURST };
    struct limit_left left;
    assert_true(limiter_take(*state, 42, &limit, START_NS, &left)); /* has its place */
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call, &caller), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&passed), BURST - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(limiter_take_lets_a_burst_pass_and_then_the_rate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(limiter_take_counts_callers_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(limiter_take_holds_when_the_table_is_full, set_up, tear_down),
        cmocka_unit_test_setup_teardown(limiter_take_counts_across_threads, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("limiter", tests, NULL, NULL);
}
