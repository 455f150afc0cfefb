/* SPDX-License-Identifier: MIT */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/cell.h"
#include "aggregate/pool.h"
#include "suite.h"

enum { ALL_BUT_RATE = 8 };

static struct plan plan;
static struct form form;
static struct pool pool;

static struct cell *cell_of(const char *const measures[], unsigned n)
{
    plan = (struct plan){ .n_measures = (uint8_t)n };
    for (unsigned i = 0; i < n; i++)
        assert_true(plan_measure_parse(slice_of(measures[i]), &plan.measures[i]));
    form_init(&form, &plan);
    pool_init(&pool, 1024 * 1024);
    struct cell *cell = pool_alloc(&pool, form.bytes);
    assert_non_null(cell);
    return cell;
}

static void add(struct cell *cell, int64_t timestamp_ms, double value)
{
    struct sample sample = { timestamp_ms, value, cell->count, 0 };
    assert_true(cell_add(&form, cell, &pool, &sample));
}

static double measure(struct cell *cell, unsigned i)
{
    return cell_measure(&form, cell, &plan.measures[i], 1000);
}

static void cell_is_as_small_as_its_measures_allow(void **state)
{
    static const char *const counts[] = { "count", "rate" }, *const sums[] = { "avg", "sum", "count" };
    cell_of(counts, 2);
    assert_int_equal(form.bytes, 8);
    assert_int_equal(form.needs, 0);
    pool_fini(&pool);
    cell_of(sums, 3);
    assert_int_equal(form.bytes, 24);
    assert_int_equal(form.needs, TALLY_SUM);
    pool_fini(&pool);
}

static void empty_cell_has_counts_only(void **state)
{
    static const char *const measures[] = { "count", "rate", "distinct", "names", "sum", "p50", "first", "stddev" };
    struct cell *cell = cell_of(measures, 8);
    for (unsigned i = 0; i < 8; i++) {
        assert_true(i < 4 ? measure(cell, i) == 0 : isnan(measure(cell, i)));
        assert_true(i < 4 ? measure(NULL, i) == 0 : isnan(measure(NULL, i)));
    }
    pool_fini(&pool);
}

/* What plain sums lose: 1 beside 1e16, in any order. */
static void sum_loses_nothing_to_large_values(void **state)
{
    static const char *const measures[] = { "sum", "avg" };
    struct cell *cell = cell_of(measures, 2);
    add(cell, 0, 1e16);
    for (unsigned i = 0; i < 1000; i++)
        add(cell, 0, 1);
    add(cell, 0, -1e16);
    assert_true(measure(cell, 0) == 1000);
    assert_true(fabs(measure(cell, 1) - 1000.0 / 1002) < 1e-15);
    pool_fini(&pool);
}

/* Plain sums of squares would have no digit left. */
static void stddev_is_sound_far_from_zero(void **state)
{
    static const char *const measures[] = { "stddev" };
    struct cell *cell = cell_of(measures, 1);
    for (unsigned i = 0; i < 10000; i++)
        add(cell, 0, 1e9 + (i % 2 == 0 ? 0.5 : -0.5));
    assert_true(fabs(measure(cell, 0) - 0.5) < 1e-9);
    pool_fini(&pool);
}

static void number_beyond_doubles_is_none(void **state)
{
    static const char *const measures[] = { "sum", "stddev", "max" };
    struct cell *cell = cell_of(measures, 3);
    add(cell, 0, DBL_MAX);
    add(cell, 0, DBL_MAX);
    add(cell, 0, -DBL_MAX);
    assert_true(isnan(measure(cell, 0)));
    assert_true(isnan(measure(cell, 1)));
    assert_true(measure(cell, 2) == DBL_MAX);
    pool_fini(&pool);
}

static void first_and_latest_follow_time_then_tie(void **state)
{
    static const char *const measures[] = { "first", "latest" };
    static const struct sample samples[] = {
        { 5, 1, 3, 7 }, { 5, 2, 3, 6 }, { 5, 3, 2, 9 }, { 5, 4, 3, 8 }, { 5, 5, 1, 0 }
    };
    struct cell *cell = cell_of(measures, 2);
    for (unsigned i = 0; i < N_CASES(samples); i++)
        assert_true(cell_add(&form, cell, &pool, &samples[i]));
    assert_true(measure(cell, 0) == 5);
    assert_true(measure(cell, 1) == 4);
    pool_fini(&pool);
}

static void merge_is_the_cell_of_all(void **state)
{
    static const char *const measures[] = { "sum", "min", "max", "stddev", "p90", "distinct", "first", "latest" };
    struct cell *all = cell_of(measures, ALL_BUT_RATE), *merged = pool_alloc(&pool, form.bytes);
    struct cell *parts[4];
    for (unsigned i = 0; i < 4; i++)
        parts[i] = pool_alloc(&pool, form.bytes);
    for (unsigned i = 0; i < 3000; i++) {
        struct sample sample = { (int64_t)(i * 7919 % 997), 1e6 + i * 104729 % 1013, i, 0 };
        assert_true(cell_add(&form, all, &pool, &sample));
        assert_true(cell_add(&form, parts[i % 7 == 0 ? 0 : i < 2000], &pool, &sample)); /* two stay empty */
    }
    for (unsigned i = 0; i < 4; i++)
        assert_true(cell_merge(&form, merged, &pool, parts[i]));
    assert_int_equal(merged->count, 3000);
    for (unsigned i = 0; i < ALL_BUT_RATE; i++)
        assert_true(fabs(measure(merged, i) - measure(all, i)) <= 1e-12 * fabs(measure(all, i)));
    cell_clear(&form, all, &pool);
    assert_int_equal(all->count, 0);
    pool_fini(&pool);
}

static void moments_are_as_good_as_metrics(void **state)
{
    static const char *const measures[] = { "count", "sum", "avg", "min", "max", "stddev" };
    struct cell *one_by_one = cell_of(measures, 6), *merged = pool_alloc(&pool, form.bytes);
    static const double values[2][3] = { { 1, 2, 6 }, { -4, 8, 5 } };
    static const struct moments moments[] = { { 3, 9, 1, 6, 3, 14 }, { 3, 9, -4, 8, 3, 78 } };
    for (unsigned i = 0; i < 2; i++) {
        for (unsigned k = 0; k < 3; k++)
            add(one_by_one, 0, values[i][k]);
        cell_add_moments(&form, merged, &moments[i]);
    }
    for (unsigned i = 0; i < 6; i++)
        assert_true(fabs(measure(one_by_one, i) - measure(merged, i)) < 1e-12);
    pool_fini(&pool);
}

static void note_counts_names_and_tags_once(void **state)
{
    static const char *const measures[] = { "names", "tags" };
    static const struct slice series[] = { SLICE("a\0x:1\0y:1"), SLICE("a\0x:2"), SLICE("b"), SLICE("a\0x:1\0y:1") };
    struct cell *cell = cell_of(measures, 2);
    for (unsigned i = 0; i < N_CASES(series); i++) {
        add(cell, 0, 1);
        assert_true(cell_note(&form, cell, &pool, i, series[i]));
    }
    assert_true(measure(cell, 0) == 2);
    assert_true(measure(cell, 1) == 3);
    plan.tag_prefix = SLICE("y:");
    cell_clear(&form, cell, &pool);
    add(cell, 0, 1);
    assert_true(cell_note(&form, cell, &pool, 0, series[0]));
    assert_true(measure(cell, 1) == 1);
    pool_fini(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cell_is_as_small_as_its_measures_allow),
        cmocka_unit_test(empty_cell_has_counts_only),
        cmocka_unit_test(sum_loses_nothing_to_large_values),
        cmocka_unit_test(stddev_is_sound_far_from_zero),
        cmocka_unit_test(number_beyond_doubles_is_none),
        cmocka_unit_test(first_and_latest_follow_time_then_tie),
        cmocka_unit_test(merge_is_the_cell_of_all),
        cmocka_unit_test(moments_are_as_good_as_metrics),
        cmocka_unit_test(note_counts_names_and_tags_once),
    };
    return cmocka_run_group_tests_name("cell", tests, NULL, NULL);
}
