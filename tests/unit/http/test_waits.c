/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "http/waits.h"

static struct waits waits_with(uint64_t idle_ns, uint64_t head_ns)
{
    struct waits waits = { 0 };
    waits.duration_ns[WAIT_IDLE] = idle_ns;
    waits.duration_ns[WAIT_HEAD] = head_ns;
    return waits;
}

static void waits_due_is_empty_without_waits(void **state)
{
    struct waits waits = waits_with(10, 5);
    (void)state;
    assert_null(waits_due(&waits, UINT64_MAX));
    assert_true(waits_next_ns(&waits) == UINT64_MAX);
}

static void waits_due_comes_at_the_deadline_not_before(void **state)
{
    struct waits waits = waits_with(10, 5);
    struct wait wait = { 0 };
    (void)state;
    waits_set(&waits, &wait, WAIT_IDLE, 100);
    assert_int_equal(waits_next_ns(&waits), 110);
    assert_null(waits_due(&waits, 109));
    assert_ptr_equal(waits_due(&waits, 110), &wait);
    assert_ptr_equal(waits_due(&waits, 110), &wait); /* it stays until it is set anew */
    waits_set(&waits, &wait, WAIT_NONE, 0);
    assert_null(waits_due(&waits, UINT64_MAX));
}

static void waits_set_starts_anew_behind_the_others(void **state)
{
    struct waits waits = waits_with(10, 5);
    struct wait a = { 0 };
    struct wait b = { 0 };
    (void)state;
    waits_set(&waits, &a, WAIT_IDLE, 100);
    waits_set(&waits, &b, WAIT_IDLE, 101);
    waits_set(&waits, &a, WAIT_IDLE, 102);
    assert_int_equal(waits_next_ns(&waits), 111);
    assert_ptr_equal(waits_due(&waits, 200), &b);
    waits_set(&waits, &b, WAIT_HEAD, 102);
    assert_int_equal(waits_next_ns(&waits), 107);
    waits_set(&waits, &b, WAIT_NONE, 0);
    assert_ptr_equal(waits_due(&waits, 200), &a);
}

static void waits_next_is_the_earliest_of_all_kinds(void **state)
{
    struct waits waits = waits_with(10, 500);
    struct wait a = { 0 };
    struct wait b = { 0 };
    (void)state;
    waits_set(&waits, &a, WAIT_HEAD, 100);
    waits_set(&waits, &b, WAIT_IDLE, 300);
    assert_int_equal(waits_next_ns(&waits), 310);
    assert_ptr_equal(waits_due(&waits, 310), &b);
    waits_set(&waits, &b, WAIT_IDLE, 595);
    assert_int_equal(waits_next_ns(&waits), 600);
}

enum { N_WAITS = 50, N_STEPS = 20000 };

/* Against the plainest model: an array of deadlines. */
static void waits_agree_with_a_model(void **state)
{
    struct waits waits = waits_with(40, 7);
    struct wait all[N_WAITS] = { 0 };
    uint64_t now_ns = 1;
    (void)state;
    srand(1);
    for (unsigned step = 0; step < N_STEPS; step++) {
        static const enum wait_kind kinds[] = { WAIT_NONE, WAIT_IDLE, WAIT_HEAD };
        uint64_t next_ns = UINT64_MAX;
        waits_set(&waits, &all[rand() % N_WAITS], kinds[rand() % 3], now_ns);
        for (unsigned i = 0; i < N_WAITS; i++)
            if (all[i].kind != WAIT_NONE && all[i].deadline_ns < next_ns)
                next_ns = all[i].deadline_ns;
        assert_true(waits_next_ns(&waits) == next_ns);
        now_ns += (uint64_t)(rand() % 3);
        struct wait *due;
        while ((due = waits_due(&waits, now_ns)) != NULL) {
            assert_true(due->kind != WAIT_NONE && due->deadline_ns <= now_ns);
            waits_set(&waits, due, WAIT_NONE, 0);
        }
        for (unsigned i = 0; i < N_WAITS; i++)
            assert_true(all[i].kind == WAIT_NONE || all[i].deadline_ns > now_ns);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_due_is_empty_without_waits),
        cmocka_unit_test(waits_due_comes_at_the_deadline_not_before),
        cmocka_unit_test(waits_set_starts_anew_behind_the_others),
        cmocka_unit_test(waits_next_is_the_earliest_of_all_kinds),
        cmocka_unit_test(waits_agree_with_a_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
