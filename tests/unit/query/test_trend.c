/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include <math.h>

#include <telemetry/result.h>

#include "query/trend.h"

enum { HOUR_MS = 3600000, N_MAX = 64 };

static int64_t edges[N_MAX + 1];

/* Buckets of an hour with these values, all of them whole. */
static struct result result_of(double *values, uint32_t n)
{
    for (uint32_t i = 0; i <= n; i++)
        edges[i] = INT64_C(1795000000000) + i * (int64_t)HOUR_MS;
    return (struct result){
        .n_groups = 1, .n_buckets = n, .edges = edges, .values = values, .from_ms = edges[0], .to_ms = edges[n]
    };
}

static struct trend trend_from(double *values, uint32_t n)
{
    struct trend trend;
    struct result result = result_of(values, n);
    assert_true(trend_of(&result, 1, 0, &trend));
    return trend;
}

static void assert_near(double found, double expected)
{
    if (!(fabs(found - expected) <= 1e-9 * fmax(1, fabs(expected))))
        fail_msg("%.17g, not %.17g", found, expected);
}

static void trend_of_a_line_is_the_line(void **state)
{
    struct trend trend = trend_from((double[]){ 10, 12, 14, 16, 18 }, 5);
    assert_int_equal(trend.direction, TREND_RISING);
    assert_near(trend.slope_per_hour, 2);
    assert_near(trend.change_percent, 80);
    assert_int_equal(trend.n_buckets, 5);
    trend = trend_from((double[]){ -10, -12, -14 }, 3);
    assert_int_equal(trend.direction, TREND_FALLING);
    assert_near(trend.slope_per_hour, -2);
    assert_near(trend.change_percent, -40);
}

static void trend_of_is_least_squares(void **state)
{
    /* By hand: means 2.5 and 5.75; sum of xy 11.5, of xx 5: slope 2.3, fitted from 2.3 to 9.2. */
    struct trend trend = trend_from((double[]){ 3, 4, 6, 10 }, 4);
    assert_near(trend.slope_per_hour, 2.3);
    assert_near(trend.change_percent, 300);
    assert_int_equal(trend.direction, TREND_RISING);
}

static void trend_of_skips_buckets_without_value(void **state)
{
    struct trend trend = trend_from((double[]){ NAN, 1, NAN, NAN, 4, 5, NAN }, 7);
    assert_near(trend.slope_per_hour, 1);
    assert_near(trend.change_percent, 400);
    assert_int_equal(trend.n_buckets, 3);
}

static void trend_of_is_flat_where_little_or_only_chance_moves(void **state)
{
    assert_int_equal(trend_from((double[]){ 5, 5, 5 }, 3).direction, TREND_FLAT);
    assert_int_equal(trend_from((double[]){ 0, 0 }, 2).direction, TREND_FLAT);
    assert_near(trend_from((double[]){ 5, 5, 5 }, 3).change_percent, 0);
    assert_int_equal(trend_from((double[]){ 100, 102, 104 }, 3).direction, TREND_FLAT); /* 4 percent */
    assert_int_equal(trend_from((double[]){ 100, 103, 106 }, 3).direction, TREND_RISING);
    assert_int_equal(trend_from((double[]){ 1, 9, 2, 8, 3, 9, 1, 9 }, 8).direction, TREND_FLAT);
}

static void trend_of_survives_extremes(void **state)
{
    struct trend trend = trend_from((double[]){ 1e308, 1.2e308, 1.4e308 }, 3);
    assert_int_equal(trend.direction, TREND_RISING);
    assert_near(trend.change_percent, 40);
    trend = trend_from((double[]){ -1.7e308, 1.7e308 }, 2);
    assert_int_equal(trend.direction, TREND_RISING);
    assert_true(isnan(trend.slope_per_hour)); /* 3.4e308 */
    assert_near(trend.change_percent, 200);
    assert_int_equal(trend_from((double[]){ 5e-324, 1e-320 }, 2).direction, TREND_RISING);
    assert_true(isnan(trend_from((double[]){ 0, 1 }, 2).change_percent));
}

static void trend_of_needs_two_buckets(void **state)
{
    struct trend trend = { .n_buckets = 77 };
    struct result result = result_of((double[]){ 1, NAN, NAN }, 3);
    assert_false(trend_of(&result, 1, 0, &trend));
    result.values = (double[]){ NAN, NAN, NAN };
    assert_false(trend_of(&result, 1, 0, &trend));
    assert_int_equal(trend.n_buckets, 77);
}

/* The range may lie on either side of the one edge. */
static void trend_of_no_buckets_is_none(void **state)
{
    struct trend trend = { .n_buckets = 77 };
    int64_t edge = 0;
    for (int64_t at_ms = -1; at_ms <= 1; at_ms++) {
        struct result result = { .n_groups = 1, .edges = &edge, .from_ms = at_ms, .to_ms = at_ms };
        assert_false(trend_of(&result, 1, 0, &trend));
    }
    assert_int_equal(trend.n_buckets, 77);
}

static void trend_of_leaves_out_ends_that_the_range_cuts(void **state)
{
    double values[] = { 1, 10, 10, 10, 2 };
    struct trend trend;
    struct result result = result_of(values, 5);
    result.from_ms += HOUR_MS / 2;
    result.to_ms -= HOUR_MS / 2;
    assert_true(trend_of(&result, 1, 0, &trend));
    assert_int_equal(trend.n_buckets, 3);
    assert_int_equal(trend.direction, TREND_FLAT);
    result = result_of((double[]){ 1, 10, 3 }, 3);
    result.from_ms++;
    result.to_ms--;
    assert_true(trend_of(&result, 1, 0, &trend));
    assert_int_equal(trend.n_buckets, 3); /* one whole bucket is no line */
}

static void trend_of_reads_the_first_measure_of_its_group(void **state)
{
    double values[] = { 9, 1, 9, 2, 9, 3, /* group 1: */ 7, 0, 5, 0, 3, 0 };
    struct trend trend;
    struct result result = result_of(values, 3);
    result.n_groups = 2;
    assert_true(trend_of(&result, 2, 0, &trend));
    assert_int_equal(trend.direction, TREND_FLAT);
    assert_true(trend_of(&result, 2, 1, &trend));
    assert_near(trend.slope_per_hour, -2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trend_of_a_line_is_the_line),
        cmocka_unit_test(trend_of_is_least_squares),
        cmocka_unit_test(trend_of_skips_buckets_without_value),
        cmocka_unit_test(trend_of_is_flat_where_little_or_only_chance_moves),
        cmocka_unit_test(trend_of_survives_extremes),
        cmocka_unit_test(trend_of_needs_two_buckets),
        cmocka_unit_test(trend_of_no_buckets_is_none),
        cmocka_unit_test(trend_of_leaves_out_ends_that_the_range_cuts),
        cmocka_unit_test(trend_of_reads_the_first_measure_of_its_group),
    };
    return cmocka_run_group_tests_name("trend", tests, NULL, NULL);
}
