/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <telemetry/arena.h>
#include <telemetry/zone.h>

#include "aggregate/tally.h"
#include "suite.h"

enum { BUDGET = 64 * 1024 * 1024 };

static struct zones *zones;
static struct plan plan;
static struct arena arena;
static _Alignas(16) char block[1024];

static int set_up(void **state)
{
    zones = zones_new(NULL);
    assert_non_null(zones);
    plan_init(&plan, zones_find(zones, SLICE("UTC")));
    arena_init(&arena, block, sizeof(block));
    return 0;
}

static int tear_down(void **state)
{
    arena_reset(&arena);
    zones_free(&zones);
    return 0;
}

static struct tally *begin(size_t max_bytes)
{
    int64_t from_ms, to_ms;
    assert_null(plan_settle(&plan, &arena));
    struct tally *tally = tally_new(&plan, max_bytes);
    assert_non_null(tally);
    assert_true(tally_turn(tally, &from_ms, &to_ms));
    return tally;
}

static enum status finish(struct tally **tally, struct result **ret_result)
{
    struct slice detail;
    enum status status = tally_finish(*tally, &arena, ret_result, &detail);
    assert_int_equal(status != STATUS_OK, detail.len > 0);
    tally_free(tally);
    return status;
}

/* Adds metrics of a series of this name. */
static bool add(struct tally *tally, const char *name, uint64_t count)
{
    uint32_t handle;
    struct moments moments = { .count = count };
    if (!tally_series(tally, slice_of(name), &handle))
        return false;
    tally_seen(tally, count, 0, 0);
    return tally_merge(tally, handle, 0, &moments);
}

static void series_gives_one_handle_for_the_same_bytes(void **state)
{
    uint32_t a, b, c;
    struct result *result;
    plan.group_by = GROUP_TAG;
    struct tally *tally = begin(BUDGET);
    assert_true(tally_series(tally, SLICE("a\0x\0y"), &a));
    assert_true(tally_series(tally, SLICE("a\0x"), &b));
    assert_true(tally_series(tally, SLICE("a\0x\0y"), &c));
    assert_int_equal(a, c);
    assert_int_not_equal(a, b);
    struct sample sample = { .timestamp_ms = 5 };
    assert_true(tally_add(tally, a, &sample) && tally_add(tally, b, &sample));
    assert_int_equal(finish(&tally, &result), STATUS_OK);
    assert_int_equal(result->n_metrics, 2);
    assert_int_equal(result->n_groups, 2);
    assert_true(result->values[0] == 2 && result->values[1] == 1);
}

static void group_takes_what_a_store_grouped(void **state)
{
    uint32_t handle, same;
    struct result *result;
    plan.group_by = GROUP_NAME;
    plan.n_measures = 2;
    plan.measures[1] = (struct plan_measure){ AGGREGATE_AVG, 0 };
    struct tally *tally = begin(BUDGET);
    assert_int_equal(tally_needs(tally), TALLY_SUM);
    assert_true(tally_group(tally, SLICE("g"), &handle));
    assert_true(tally_group(tally, SLICE("g"), &same));
    assert_int_equal(handle, same);
    assert_true(tally_merge(tally, handle, 0, &(struct moments){ .count = 2, .sum = 10 }));
    assert_true(tally_merge(tally, handle, 0, &(struct moments){ .count = 3, .sum = 5 }));
    tally_seen(tally, 5, 100, 200);
    assert_int_equal(finish(&tally, &result), STATUS_OK);
    assert_true(slice_equal(result->groups[0], SLICE("g")));
    assert_true(result->values[0] == 5 && result->values[1] == 3);
    assert_int_equal(result->from_ms, 100);
    assert_int_equal(result->to_ms, 201);
}

/* What was seen of a group in the first turn decides whether it is in the second. */
static void second_turn_has_the_groups_of_the_first(void **state)
{
    int64_t from_ms, to_ms;
    struct result *result;
    plan.group_by = GROUP_NAME;
    plan.filter.from_ms = 1000;
    plan.filter.to_ms = 2000;
    plan.compare = true;
    plan.compare_from_ms = 0;
    plan.compare_to_ms = 1000;
    struct tally *tally = begin(BUDGET);
    assert_true(add(tally, "a", 1));
    assert_true(add(tally, "empty", 0));
    assert_true(tally_turn(tally, &from_ms, &to_ms));
    assert_int_equal(from_ms, 0);
    assert_int_equal(to_ms, 1000);
    assert_true(add(tally, "b", 7) && add(tally, "empty", 8) && add(tally, "a", 9));
    assert_false(tally_turn(tally, &from_ms, &to_ms));
    assert_int_equal(finish(&tally, &result), STATUS_OK);
    assert_int_equal(result->n_groups, 1);
    assert_true(result->values[0] == 1 && result->previous[0] == 9);
}

static void budget_bounds_each_kind_of_growth(void **state)
{
    static const struct plan_measure measures[] = {
        { AGGREGATE_COUNT, 0 }, { AGGREGATE_QUANTILE, 5000 }, { AGGREGATE_DISTINCT, 0 }, { AGGREGATE_NAMES, 0 }
    };
    for (unsigned k = 0; k < N_CASES(measures); k++) {
        struct result *result = NULL;
        plan.group_by = GROUP_NAME;
        plan.measures[0] = measures[k];
        struct tally *tally = begin(64 * 1024);
        unsigned n = 0;
        for (bool going_on = true; going_on && n < 100000; n++) {
            char name[16];
            uint32_t handle = 0;
            snprintf(name, sizeof(name), "n%u", n);
            going_on = tally_series(tally, slice_of(name), &handle) &&
                       tally_add(tally, handle, &(struct sample){ .timestamp_ms = n, .value = n });
        }
        assert_in_range(n, 100, 5000);
        assert_false(add(tally, "n0", 1));
        assert_int_equal(finish(&tally, &result), STATUS_QUERY_TOO_LARGE);
        assert_null(result);
    }
}

/* Half a million names, of which five are frequent among the others. */
static void top_of_too_many_groups_is_within_its_bound(void **state)
{
    struct result *result;
    plan.op = PLAN_TOP;
    plan.k = 5;
    plan.group_by = GROUP_NAME;
    struct tally *tally = begin(BUDGET);
    for (unsigned i = 0; i < 500000; i++) {
        char name[16];
        snprintf(name, sizeof(name), i % 1000 == 0 ? "often.%u" : "n%u", i % 1000 == 0 ? i / 1000 % 5 : i);
        assert_true(add(tally, name, i % 1000 == 0 ? 10 * (1 + i / 1000 % 5) : 1));
    }
    assert_int_equal(finish(&tally, &result), STATUS_OK);
    assert_true(result->approximate);
    assert_int_equal(result->n_metrics, 499500 + 100 * 150);
    for (unsigned i = 0; i < 5; i++) {
        char name[16];
        snprintf(name, sizeof(name), "often.%u", 4 - i);
        assert_true(slice_equal(result->groups[i], slice_of(name)));
        assert_true(fabs(result->values[i] / (1000 * (5 - i)) - 1) <= 0.01);
    }
}

static void top_of_too_many_equal_groups_is_too_large(void **state)
{
    struct result *result;
    plan.op = PLAN_TOP;
    plan.group_by = GROUP_NAME;
    struct tally *tally = begin(BUDGET);
    for (unsigned i = 0; i < 300000; i++) {
        char name[16];
        snprintf(name, sizeof(name), "n%u", i);
        assert_true(add(tally, name, 1));
    }
    assert_int_equal(finish(&tally, &result), STATUS_QUERY_TOO_LARGE);
}

static void result_past_the_budget_is_too_large(void **state)
{
    struct result *result;
    plan.group_by = GROUP_NAME;
    plan.bucket = (struct plan_bucket){ UNIT_SECOND, 1 };
    plan.filter.from_ms = 0;
    plan.filter.to_ms = 1000 * 1000;
    plan.n_measures = 2;
    plan.measures[1] = (struct plan_measure){ AGGREGATE_RATE, 0 };
    struct tally *tally = begin(128 * 1024);
    for (unsigned i = 0; i < 10; i++) {
        char name[16];
        snprintf(name, sizeof(name), "n%u", i);
        assert_true(add(tally, name, 1));
    }
    assert_int_equal(finish(&tally, &result), STATUS_QUERY_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(series_gives_one_handle_for_the_same_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(group_takes_what_a_store_grouped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(second_turn_has_the_groups_of_the_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(budget_bounds_each_kind_of_growth, set_up, tear_down),
        cmocka_unit_test_setup_teardown(top_of_too_many_groups_is_within_its_bound, set_up, tear_down),
        cmocka_unit_test_setup_teardown(top_of_too_many_equal_groups_is_too_large, set_up, tear_down),
        cmocka_unit_test_setup_teardown(result_past_the_budget_is_too_large, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("tally", tests, NULL, NULL);
}
