/* SPDX-License-Identifier: MIT */
#include <telemetry/limiter.h>

#include <pthread.h>
#include <stdatomic.h>

#include <telemetry/clock.h>
#include <telemetry/config.h>

#include "suite.h"

#define START_NS (1000 * NS_PER_S)

enum { THREADS = 4, CALLS = 20000, BURST = 1000, CALLERS = 200000 };

static int set_up(void **state)
{
    *state = limiter_new(false);
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

/* Sharing ----------------------------------------------------------------------- */

static int set_up_shared(void **state)
{
    *state = limiter_new(true);
    return *state == NULL;
}

static void limiter_collect_tells_what_was_taken_once(void **state)
{
    const struct limit limit = { .rate = 10, .burst = 5 };
    struct limit_left left;
    struct limit_use uses[16];
    for (unsigned i = 0; i < 8; i++)
        limiter_take(*state, 42, &limit, START_NS, &left); /* 5 pass */
    limiter_take(*state, 43, &limit, START_NS, &left);
    assert_int_equal(limiter_collect(*state, uses, N_CASES(uses)), 2);
    unsigned first = uses[0].who == 42 ? 0 : 1;
    assert_int_equal(uses[first].who, 42);
    assert_int_equal(uses[first].ns, 500 * NS_PER_MS);
    assert_int_equal(uses[1 - first].who, 43);
    assert_int_equal(uses[1 - first].ns, 100 * NS_PER_MS);
    assert_int_equal(limiter_collect(*state, uses, N_CASES(uses)), 0);
    limiter_take(*state, 43, &limit, START_NS, &left);
    assert_int_equal(limiter_collect(*state, uses, N_CASES(uses)), 1);
}

static void limiter_collect_comes_round_to_everybody(void **state)
{
    enum { MANY = 5000 };
    static uint64_t told_ns[MANY];
    const struct limit limit = { .rate = 1000, .burst = 5 };
    struct limit_left left;
    struct limit_use uses[16];
    unsigned n, n_turns = 0;
    for (uint64_t who = 0; who < MANY; who++)
        limiter_take(*state, who, &limit, START_NS, &left);
    while ((n = limiter_collect(*state, uses, N_CASES(uses))) > 0) {
        limiter_take(*state, 7, &limit, START_NS + ++n_turns * NS_PER_S, &left); /* somebody who calls all the time */
        for (unsigned i = 0; i < n; i++)
            told_ns[uses[i].who] += uses[i].ns;
        if (n_turns > MANY)
            break;
    }
    for (unsigned who = 0; who < MANY; who++)
        if (who != 7)
            assert_int_equal(told_ns[who], NS_PER_MS);
}

static void limiter_charge_is_paid_off_before_the_next_call(void **state)
{
    const struct limit limit = { .rate = 10, .burst = 5 };
    struct limit_left left;
    struct limit_use uses[16];
    limiter_charge(*state, &(struct limit_use){ 42, 7 * 100 * NS_PER_MS }, START_NS); /* more than the burst */
    assert_false(limiter_take(*state, 42, &limit, START_NS, &left));
    assert_false(limiter_take(*state, 42, &limit, START_NS + 299 * NS_PER_MS, &left));
    assert_true(limiter_take(*state, 42, &limit, START_NS + 300 * NS_PER_MS, &left));
    assert_false(limiter_take(*state, 42, &limit, START_NS + 300 * NS_PER_MS, &left));
    assert_int_equal(limiter_collect(*state, uses, N_CASES(uses)), 1); /* what was charged is not told again */
    assert_int_equal(uses[0].ns, 100 * NS_PER_MS);
}

/* Whoever can write to Redis can keep a client out, but not for long. */
static void limiter_charge_makes_no_debt_beyond_an_hour(void **state)
{
    const struct limit limit = { .rate = 1, .burst = 1 };
    struct limit_left left;
    for (unsigned i = 0; i < 3; i++)
        limiter_charge(*state, &(struct limit_use){ 42, UINT64_MAX - i }, START_NS);
    assert_false(limiter_take(*state, 42, &limit, START_NS + 3599 * NS_PER_S, &left));
    assert_true(limiter_take(*state, 42, &limit, START_NS + 3600 * NS_PER_S, &left));
}

/* Config takes no larger burst. */
static void limiter_charge_counts_beside_the_largest_burst(void **state)
{
    const struct limit limit = { .rate = 1, .burst = CONFIG_SHARED_BURST_S };
    struct limit_left left;
    unsigned n_passed = 0;
    for (unsigned i = 0; i < 1000; i++)
        assert_true(limiter_take(*state, 42, &limit, START_NS, &left));
    limiter_charge(*state, &(struct limit_use){ 42, 500 * NS_PER_S }, START_NS);
    while (limiter_take(*state, 42, &limit, START_NS, &left))
        n_passed++;
    assert_int_equal(n_passed, 300);
    limiter_charge(*state, &(struct limit_use){ 42, 1800 * NS_PER_S }, START_NS);
    assert_false(limiter_take(*state, 42, &limit, START_NS + 1800 * NS_PER_S, &left));
    assert_true(limiter_take(*state, 42, &limit, START_NS + 1801 * NS_PER_S, &left));
}

/* Nothing that passes is lost on its way to the others, however calls and collections meet. */
static void limiter_collect_loses_nothing_beside_callers(void **state)
{
    pthread_t threads[THREADS];
    atomic_uint passed = 0;
    struct caller caller = { *state, &passed };
    struct limit_use uses[16];
    uint64_t told_ns = 0;
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call, &caller), 0);
    for (unsigned rounds = 0; rounds < 2000 || atomic_load(&passed) < BURST; rounds++)
        for (unsigned n = limiter_collect(*state, uses, N_CASES(uses)), i = 0; i < n; i++)
            told_ns += uses[i].ns;
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (unsigned n = limiter_collect(*state, uses, N_CASES(uses)), i = 0; i < n; i++)
        told_ns += uses[i].ns;
    assert_in_range(told_ns, BURST * NS_PER_S, (BURST + THREADS) * NS_PER_S);
    assert_int_equal(told_ns, atomic_load(&passed) * NS_PER_S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(limiter_take_lets_a_burst_pass_and_then_the_rate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(limiter_take_counts_callers_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(limiter_take_holds_when_the_table_is_full, set_up, tear_down),
        cmocka_unit_test_setup_teardown(limiter_take_counts_across_threads, set_up, tear_down),
        cmocka_unit_test_setup_teardown(limiter_take_lets_a_burst_pass_and_then_the_rate, set_up_shared, tear_down),
        cmocka_unit_test_setup_teardown(limiter_collect_tells_what_was_taken_once, set_up_shared, tear_down),
        cmocka_unit_test_setup_teardown(limiter_collect_comes_round_to_everybody, set_up_shared, tear_down),
        cmocka_unit_test_setup_teardown(limiter_charge_is_paid_off_before_the_next_call, set_up_shared, tear_down),
        cmocka_unit_test_setup_teardown(limiter_charge_counts_beside_the_largest_burst, set_up_shared, tear_down),
        cmocka_unit_test_setup_teardown(limiter_charge_makes_no_debt_beyond_an_hour, set_up_shared, tear_down),
        cmocka_unit_test_setup_teardown(limiter_collect_loses_nothing_beside_callers, set_up_shared, tear_down),
    };
    return cmocka_run_group_tests_name("limiter", tests, NULL, NULL);
}
