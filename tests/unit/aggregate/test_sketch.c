/* SPDX-License-Identifier: MIT */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/pool.h"
#include "aggregate/quantile.h"
#include "aggregate/sketch.h"
#include "suite.h"

enum { N = 20000 };

static uint64_t state_of_dice = 88172645463325252;

static uint64_t dice(void)
{
    state_of_dice ^= state_of_dice << 13;
    state_of_dice ^= state_of_dice >> 7;
    state_of_dice ^= state_of_dice << 17;
    return state_of_dice;
}

static double uniform(void)
{
    return (double)(dice() >> 11) / 9007199254740992.0;
}

/* Distributions ------------------------------------------------------------- */

static double flat(unsigned i)
{
    return 1 + 999 * uniform();
}

static double normal(unsigned i)
{
    return sqrt(-2 * log(1 - uniform())) * cos(6.283185307179586 * uniform());
}

static double heavy_tail(unsigned i)
{
    return pow(1 - uniform(), -2);
}

static double every_magnitude(unsigned i)
{
    double value = exp(-700 + 1400 * uniform());
    return i % 2 == 0 ? value : -value;
}

static double two_far_points(unsigned i)
{
    return i % 3 == 0 ? DBL_MIN : DBL_MAX;
}

static double one_value(unsigned i)
{
    return 42.42;
}

static double many_zeroes(unsigned i)
{
    return i % 10 < 7 ? 0.0 : i % 10 == 7 ? -0.5 : (double)i;
}

/* All just above or below the edge of a bucket. */
static double edges_of_buckets(unsigned i)
{
    double edge = pow((1 + SKETCH_ERROR) / (1 - SKETCH_ERROR), (double)(i % 500));
    return nextafter(edge, i % 2 == 0 ? 0 : INFINITY);
}

static double ascending(unsigned i)
{
    return i;
}

static double descending(unsigned i)
{
    return -1.5 * i;
}

typedef double distribution(unsigned i);
static distribution *const distributions[] = { flat,           normal,    heavy_tail,  every_magnitude,
                                               two_far_points, one_value, many_zeroes, edges_of_buckets,
                                               ascending,      descending };

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void assert_near(double found, double wanted)
{
    if (fabs(found - wanted) > SKETCH_ERROR * fabs(wanted) * (1 + 1e-9))
        fail_msg("%.17g is not within the error of %.17g", found, wanted);
}

static void assert_ranks(const struct sketch *sketch, double values[], unsigned n)
{
    qsort(values, n, sizeof(values[0]), compare);
    for (unsigned rank = 1; rank <= n; rank += 7)
        assert_near(sketch_rank(sketch, rank), values[rank - 1]);
    assert_true(sketch_rank(sketch, 1) == values[0]);
    assert_true(sketch_rank(sketch, n) == values[n - 1]);
}

/* Tests ------------------------------------------------------------------- */

static void rank_is_within_the_error_of_every_distribution(void **state)
{
    static double values[N];
    for (unsigned k = 0; k < N_CASES(distributions); k++) {
        struct pool pool;
        struct sketch sketch = { 0 };
        pool_init(&pool, 16 * 1024 * 1024);
        for (unsigned i = 0; i < N; i++) {
            values[i] = distributions[k](i);
            assert_true(sketch_add(&sketch, &pool, values[i]));
        }
        assert_ranks(&sketch, values, N);
        sketch_clear(&sketch, &pool);
        assert_int_equal(pool.used_bytes, 0);
        pool_fini(&pool);
    }
}

static void merge_is_the_sketch_of_all(void **state)
{
    for (unsigned k = 0; k < N_CASES(distributions); k++) {
        struct pool pool;
        struct sketch parts[3] = { { 0 } }, all = { 0 }, merged = { 0 };
        pool_init(&pool, 64 * 1024 * 1024);
        for (unsigned i = 0; i < N; i++) {
            double value = distributions[k](i);
            assert_true(sketch_add(&parts[i < N / 10 ? 0 : 1 + i % 2], &pool, value));
            assert_true(sketch_add(&all, &pool, value));
        }
        for (unsigned i = 0; i < 3; i++)
            assert_true(sketch_merge(&merged, &pool, &parts[i]));
        assert_int_equal(merged.n, N);
        for (unsigned rank = 1; rank <= N; rank += 3)
            assert_true(sketch_rank(&merged, rank) == sketch_rank(&all, rank));
        pool_fini(&pool);
    }
}

/* The two ends of what a double can be: no other values make a sketch larger. */
static void size_is_bounded(void **state)
{
    struct pool pool;
    struct sketch sketch = { 0 };
    pool_init(&pool, SIZE_MAX);
    static const double ends[] = { 4.9406564584124654e-324, DBL_MAX, -4.9406564584124654e-324, -DBL_MAX };
    for (unsigned i = 0; i < 4; i++)
        assert_true(sketch_add(&sketch, &pool, ends[i]));
    assert_true(pool.used_bytes < 2 * 8 * 145424 + 200);
    assert_true(sketch_rank(&sketch, 1) == -DBL_MAX);
    assert_true(sketch_rank(&sketch, 4) == DBL_MAX);
    pool_fini(&pool);
}

static void add_past_the_budget_fails(void **state)
{
    struct pool pool;
    struct sketch sketch = { 0 };
    pool_init(&pool, 4096);
    assert_true(sketch_add(&sketch, &pool, 1));
    assert_false(sketch_add(&sketch, &pool, 1e300));
    assert_int_equal(pool.status, STATUS_QUERY_TOO_LARGE);
    assert_true(sketch_add(&sketch, &pool, 1));
    assert_int_equal(sketch.n, 2);
    pool_fini(&pool);
}

static void quantile_is_exact_up_to_its_number_of_values(void **state)
{
    struct pool pool;
    struct quantile quantile = { 0 };
    pool_init(&pool, 1024 * 1024);
    assert_true(isnan(quantile_value(&quantile, 5000)));
    for (unsigned i = VALUES_EXACT; i > 0; i--)
        assert_true(quantile_add(&quantile, &pool, i));
    assert_null(quantile.sketch);
    static const struct {
        uint32_t hundredths;
        double value;
    } cases[] = { { 0, 1 }, { 1, 1 }, { 5000, 2048 }, { 9990, 4092 }, { 9999, 4096 }, { 10000, 4096 } };
    for (unsigned i = 0; i < N_CASES(cases); i++)
        assert_true(quantile_value(&quantile, cases[i].hundredths) == cases[i].value);
    assert_true(quantile_add(&quantile, &pool, 0));
    assert_non_null(quantile.sketch);
    assert_near(quantile_value(&quantile, 5000), 2048);
    assert_true(quantile_value(&quantile, 0) == 0);
    quantile_clear(&quantile, &pool);
    assert_int_equal(pool.used_bytes, 0);
    pool_fini(&pool);
}

/* Each of exact and sketched with each. */
static void quantile_merges(void **state)
{
    static const unsigned sizes[] = { 0, 5, 3000, 5000 };
    static double values[2 * 5000];
    for (unsigned k = 0; k < N_CASES(sizes) * N_CASES(sizes); k++) {
        unsigned n[2] = { sizes[k % N_CASES(sizes)], sizes[k / N_CASES(sizes)] };
        struct pool pool;
        struct quantile parts[2] = { { 0 } };
        pool_init(&pool, 1024 * 1024);
        for (unsigned i = 0; i < n[0] + n[1]; i++) {
            values[i] = flat(i);
            assert_true(quantile_add(&parts[i >= n[0]], &pool, values[i]));
        }
        assert_true(quantile_merge(&parts[0], &pool, &parts[1]));
        qsort(values, n[0] + n[1], sizeof(values[0]), compare);
        for (uint32_t p = 100; p <= 10000 && n[0] + n[1] > 0; p += 900)
            assert_near(quantile_value(&parts[0], p), values[(p * (uint64_t)(n[0] + n[1]) + 9999) / 10000 - 1]);
        assert_int_equal(parts[0].sketch != NULL, n[0] + n[1] > VALUES_EXACT);
        pool_fini(&pool);
    }
}

static void quantile_becomes_a_sketch_early_when_memory_is_short(void **state)
{
    struct pool pool;
    struct quantile quantile = { 0 };
    pool_init(&pool, 32 * 1024);
    for (unsigned i = 0; i < 10000; i++)
        assert_true(quantile_add(&quantile, &pool, 100 + i % 3000));
    assert_non_null(quantile.sketch);
    pool_fini(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rank_is_within_the_error_of_every_distribution),
        cmocka_unit_test(merge_is_the_sketch_of_all),
        cmocka_unit_test(size_is_bounded),
        cmocka_unit_test(add_past_the_budget_fails),
        cmocka_unit_test(quantile_is_exact_up_to_its_number_of_values),
        cmocka_unit_test(quantile_merges),
        cmocka_unit_test(quantile_becomes_a_sketch_early_when_memory_is_short),
    };
    return cmocka_run_group_tests_name("sketch", tests, NULL, NULL);
}
