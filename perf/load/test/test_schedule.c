/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include <math.h>
#include <string.h>

#include "compose.h"
#include "schedule.h"

static const uint64_t second = 1000000000, start = 12345678901;

static void due_times_do_not_drift(void **state)
{
    static const double rates[] = { 0.3, 7, 333, 9999.5, 1e6 };
    for (size_t i = 0; i < N_CASES(rates); i++) {
        struct schedule schedule = { .rate = rates[i] };
        schedule_start(&schedule, start, 0, 1000);
        assert_int_equal(schedule_due_ns(&schedule, 0), start);
        for (uint64_t number = 1; number < 100000000; number *= 3) {
            double exact = (double)number / rates[i] * 1e9;
            assert_true(fabs((double)(schedule_due_ns(&schedule, number) - start) - exact) <= 1 + exact * 1e-15);
        }
    }
}

static void schedule_ends_with_the_last_due_before_the_end(void **state)
{
    struct schedule schedule = { .rate = 100 };
    schedule_start(&schedule, start, 1, 2);
    assert_int_equal(schedule.warm_ns, start + second);
    schedule.next = 299;
    assert_true(schedule_has_next(&schedule, 0));
    schedule.next = 300;
    assert_false(schedule_has_next(&schedule, 0));
}

static void schedule_ends_at_its_limit(void **state)
{
    struct schedule schedule = { .rate = 100, .limit = 150 };
    schedule_start(&schedule, start, 0, 2);
    schedule.next = 149;
    assert_true(schedule_has_next(&schedule, 0));
    assert_int_equal(schedule_backlog(&schedule, start + 9 * second), 1);
    schedule.next = 150;
    assert_false(schedule_has_next(&schedule, 0));
    assert_int_equal(schedule_backlog(&schedule, start + 9 * second), 0);
    schedule.rate = 0;
    assert_false(schedule_has_next(&schedule, start));
}

static void backlog_is_what_is_due_and_unsent(void **state)
{
    struct schedule schedule = { .rate = 100 };
    schedule_start(&schedule, start, 0, 2);
    assert_int_equal(schedule_backlog(&schedule, start - 1), 0);
    schedule.next = 30;
    assert_int_equal(schedule_backlog(&schedule, start + second), 70);
    assert_int_equal(schedule_backlog(&schedule, start + 9 * second), 170);
    schedule.next = 150;
    assert_int_equal(schedule_backlog(&schedule, start + second), 0);
}

static void closed_loop_is_due_now_until_the_end(void **state)
{
    struct schedule schedule = { .rate = 0 };
    schedule_start(&schedule, start, 0, 2);
    assert_int_equal(schedule_next_due_ns(&schedule, start - 5), start);
    assert_int_equal(schedule_next_due_ns(&schedule, start + 5), start + 5);
    assert_true(schedule_has_next(&schedule, start + 2 * second - 1));
    assert_false(schedule_has_next(&schedule, start + 2 * second));
    assert_int_equal(schedule_backlog(&schedule, start + second), 0);
}

static void zipf_choices_are_as_likely_as_computed(void **state)
{
    enum { N = 200, DRAWS = 200000 };
    static double sums[N];
    static unsigned drawn[N];
    struct random random = { 3 };
    zipf_sums(sums, N, 1);
    for (unsigned i = 0; i < DRAWS; i++)
        drawn[random_weighted(&random, sums, N)]++;
    for (unsigned rank = 1; rank <= N; rank += 1 + rank / 4) {
        double wanted = DRAWS / rank / sums[N - 1]; /* sums[N - 1] is the harmonic number */
        assert_true(fabs(drawn[rank - 1] - wanted) < 6 * sqrt(wanted));
    }
}

static void uniform_choices_reach_all(void **state)
{
    static double sums[10];
    unsigned drawn[10] = { 0 };
    struct random random = { 3 };
    zipf_sums(sums, 10, 0);
    for (unsigned i = 0; i < 10000; i++)
        drawn[random_weighted(&random, sums, 10)]++;
    for (unsigned i = 0; i < 10; i++)
        assert_true(drawn[i] > 850 && drawn[i] < 1150);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(due_times_do_not_drift),
        cmocka_unit_test(schedule_ends_with_the_last_due_before_the_end),
        cmocka_unit_test(schedule_ends_at_its_limit),
        cmocka_unit_test(backlog_is_what_is_due_and_unsent),
        cmocka_unit_test(closed_loop_is_due_now_until_the_end),
        cmocka_unit_test(zipf_choices_are_as_likely_as_computed),
        cmocka_unit_test(uniform_choices_reach_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
